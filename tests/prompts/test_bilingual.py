"""Rows have names in both languages, wherever the admin names them."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.utils.translation import override

import chat.apps
import prompts.apps

HAN = re.compile("[\u4e00-\u9fff]")
OURS = ("prompts", "chat", "analytics")
NAMED = sorted(m._meta.label for m in admin.site._registry if m._meta.app_label in OURS)
# Numbers of the platform's own, which no page shows.
UNNAMED = {"id", "actor_id", "default_digest", "token_epoch"}


@pytest.mark.parametrize("label", NAMED)
def test_rows_are_named_in_the_language_of_the_request(label: str) -> None:
    options = apps.get_model(label)._meta
    with override("zh-hans"):
        assert HAN.search(str(options.verbose_name))
        assert HAN.search(str(options.verbose_name_plural))
        assert HAN.search(str(options.app_config.verbose_name))
    with override("en"):
        assert str(options.verbose_name).isascii()
        assert str(options.verbose_name_plural).isascii()
        assert str(options.app_config.verbose_name).isascii()


def test_every_field_of_a_row_has_a_chinese_name() -> None:
    with override("zh-hans"):
        foreign = [
            f"{label}.{field.name}"
            for label in NAMED
            for field in apps.get_model(label)._meta.fields
            if field.name not in UNNAMED and not HAN.search(str(field.verbose_name))
        ]
    assert foreign == []


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
