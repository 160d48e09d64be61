"""The admin in a browser: its menus and pages work under the policy we send."""

import pytest
from playwright.sync_api import Browser

from tests.stack import ADMIN_PASSWORD, Stack

pytestmark = pytest.mark.e2e


def test_admin_signs_in_and_lists_sops_without_a_console_error(
    browser: Browser, stack: Stack
) -> None:
    page = browser.new_page(base_url=stack.url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: errors.append(line.text) if line.type in {"error", "warning"} else None,
    )

    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", ADMIN_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    page.goto("/admin/prompts/sop/?q=物流")

    assert page.locator("#result_list tbody tr, table tbody tr").count() > 0
    assert errors == []
    page.close()
