"""Unfold's own words in Chinese, on the pages that hold them."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils.translation import gettext, override

from config.admin_words import WORDS

# Lists and forms between them hold what Unfold says; a page is asked for once.
PAGES = ["/admin/prompts/sop/", "/admin/prompts/sop/add/", "/admin/prompts/modelcall/", "/admin/auth/user/add/"]  # fmt: skip


def words_of(page: str) -> list[str]:
    """What stands between the tags and in the attributes that people read."""
    read = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", page)
    found = re.findall(r">([^<>]+)<|(?:placeholder|title|aria-label)=\"([^\"]*)\"", read)
    return [unescape(text).strip() for pair in found for text in pair]


@pytest.mark.django_db
@pytest.mark.parametrize("url", PAGES)
def test_no_chinese_page_speaks_unfolds_english(admin_client: Client, url: str) -> None:
    chinese = admin_client.get(url, headers={"Accept-Language": "zh-CN"}).content.decode()
    english = admin_client.get(url, headers={"Accept-Language": "en"}).content.decode()

    assert set(words_of(english)) & WORDS.keys()
    assert set(words_of(chinese)) & WORDS.keys() == set()


def test_djangos_own_words_come_first() -> None:
    with override("zh-hans"):
        assert (gettext("Save"), gettext("Filters")) == ("保存", "筛选")
    with override("en"):
        assert gettext("Filters") == "Filters"
