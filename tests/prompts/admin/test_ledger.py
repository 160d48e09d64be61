"""The admin of money: the ledger is only read, budgets show what today has cost."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from prompts.models import Budget, ModelCall, QualityCell
from tests.prompts.admin.pages import ENGLISH, errors, page, query_count

pytestmark = pytest.mark.django_db


def call(**changes: Any) -> ModelCall:
    fields: dict[str, Any] = {"trace_id": "t", "purpose": "answer", "endpoint": "m"}
    return ModelCall.objects.create(**{**fields, **changes})


def columns(client: Client, name: str) -> list[list[str]]:
    """The rows of a list as texts, by column."""
    result = client.get(page(f"{name}_changelist"), headers=ENGLISH).context["cl"]
    shown = [part for part in result.list_display if callable(part)]
    return [[str(column(row)) for column in shown] for row in result.result_list]


def test_calls_are_only_read(staff: Client) -> None:
    row = call()

    assert staff.get(page("modelcall_change", row.pk)).status_code == 200
    assert staff.get(page("modelcall_add")).status_code == 403
    assert staff.post(page("modelcall_change", row.pk), {"endpoint": "x"}).status_code == 403
    assert staff.post(page("modelcall_delete", row.pk), {"post": "yes"}).status_code == 403


def test_calls_show_wait_and_cost(staff: Client) -> None:
    call(wait_ms=1500, cost=Decimal("0.00031"), currency="CNY", usage_estimated=True)

    html = staff.get(page("modelcall_changelist")).content.decode()

    assert "1.50\u00a0s" in html
    assert "≈ CNY\u00a00.00031" in html


@pytest.mark.parametrize(
    "query", [{"currency": "USD"}, {"purpose": "trial"}, {"endpoint": "m"}, {"canary": "c"}]
)
def test_calls_are_filtered(staff: Client, query: dict[str, str]) -> None:
    call(currency="USD", purpose="trial", canary="c", trace_id="wanted")
    call(currency="CNY", purpose="answer", endpoint="n", trace_id="other")
    call(currency="CNY", purpose="answer", endpoint="n", trace_id="other")

    found = staff.get(page("modelcall_changelist"), query).context["cl"].result_list

    assert [row.trace_id for row in found] == ["wanted"]


def test_quality_cells_are_only_read(staff: Client) -> None:
    cell = QualityCell.objects.create(
        endpoint="m", intent="refund", emotion="neutral", length="short", good=9, n=10, p95_ms=800
    )
    html = staff.get(page("qualitycell_changelist")).content.decode()

    assert "90.0%" in html
    assert "800\u00a0ms" in html
    assert staff.get(page("qualitycell_change", cell.pk)).status_code == 200
    assert staff.get(page("qualitycell_add")).status_code == 403


def test_budgets_show_what_today_has_cost(staff: Client) -> None:
    Budget.objects.create(inbox="", per_day=10)
    Budget.objects.create(inbox="a", per_day=1)
    Budget.objects.create(inbox="b", per_day=1, stop=False)
    Budget.objects.create(inbox="c", per_day=1, enabled=False)
    call(inbox="a", cost=Decimal("1.2"), currency="CNY")
    call(inbox="b", cost=Decimal("0.85"), currency="CNY")

    rows = {row.inbox: row for row in Budget.objects.all()}
    found = columns(staff, "budget")
    listed = staff.get(page("budget_changelist")).context["cl"].result_list
    by_inbox = dict(zip([row.inbox for row in listed], found, strict=True))

    assert set(by_inbox) == set(rows)
    assert by_inbox[""] == ["CNY 2.05", "20%", "fine"]
    assert by_inbox["a"] == ["CNY 1.20", "120%", "stopped"]
    assert by_inbox["b"] == ["CNY 0.85", "85%", "alert"]
    assert by_inbox["c"] == ["CNY 0.00", "0%", "off"]


def test_a_negative_budget_is_refused(staff: Client) -> None:
    fields = {"inbox": "", "per_day": "-1", "alert_percent": 80}

    answer = staff.post(page("budget_add"), fields)

    assert list(errors(answer)) == ["per_day"]
    assert not Budget.objects.exists()


@pytest.mark.parametrize("name", ["modelcall", "qualitycell", "budget"])
def test_lists_ask_no_more_for_more_rows(staff: Client, name: str) -> None:
    def add(inbox: str) -> None:
        call()
        Budget.objects.create(inbox=inbox, per_day=1)
        QualityCell.objects.create(endpoint=inbox, good=1, n=1)

    url = page(f"{name}_changelist")
    add("one")
    staff.get(url)
    for_one = query_count(staff, url)
    add("two")
    add("three")

    assert query_count(staff, url) == for_one
