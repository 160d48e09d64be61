"""Rows have names in both languages, wherever the admin names them."""

import re

import pytest
from django.apps import apps
from django.test import Client
from django.utils.translation import override

import chat.apps
import prompts.apps

HAN = re.compile("[\u4e00-\u9fff]")
NAMED = [("prompts", "NluModel"), ("prompts", "Candidate"), ("chat", "Inbox"), ("chat", "Turn")]


@pytest.mark.parametrize(("app", "model"), NAMED)
def test_rows_are_named_in_the_language_of_the_request(app: str, model: str) -> None:
    options = apps.get_model(app, model)._meta
    with override("zh-hans"):
        assert HAN.search(str(options.verbose_name))
        assert HAN.search(str(options.verbose_name_plural))
        assert HAN.search(str(options.app_config.verbose_name))
    with override("en"):
        assert str(options.verbose_name).isascii()
        assert str(options.verbose_name_plural).isascii()
        assert str(options.app_config.verbose_name).isascii()


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_name_in_the_sidebar_is_of_the_other_language(
    admin_client: Client, language: str
) -> None:
    shown = admin_client.get("/admin/", headers={"Accept-Language": language}).context["app_list"]
    named = chat.apps.NAMES | prompts.apps.NAMES
    names = [m["name"] for app in shown for m in app["models"] if m["object_name"] in named]
    assert len(names) > 10
    foreign = [n for n in map(str, names) if bool(HAN.search(n)) is not (language == "zh-hans")]
    assert foreign == []
