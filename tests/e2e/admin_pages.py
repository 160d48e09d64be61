"""Every page of the admin that a person opens, found from the admin itself: lists, forms, a row of each kind, pages of their own.

Django is set up before this is imported.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, reverse

# What a page wants to be asked, so that it has something to show.
QUERIES = {"admin:prompts_sop_retrieval": "?q=我的订单怎么还没到"}
# Pages beside an admin that are about rows of another kind.
ABOUT = {"prompts_sop_import_job": "prompts.SopImport"}
# Kinds of which each state is a page of another look.
STATES = {
    "prompts.release": "status", "prompts.evalrun": "state", "prompts.sopimport": "state", "prompts.canary": "status",
    "chat.gap": "state", "chat.message": "meta__feedback", "prompts.auditentry": "act", "chat.escalation": "end",
}  # fmt: skip
# Acts that answer a GET, files, and pages that are the same for every row.
LEFT_OUT = ("_delete", "_history", "_export", "_progress", "_preview", "_autocomplete")


def addresses(client: Client) -> dict[str, str]:
    """Where a superuser's client is shown a page, by a name that says what it is."""
    found = {"index": reverse("admin:index")}
    found |= dict(named(admin.site))
    return {name: url for name, url in found.items() if is_page(client, url)}


def is_page(client: Client, url: str) -> bool:
    answer = client.get(url)
    assert answer.status_code < 500, url
    return answer.status_code == 200 and answer["Content-Type"].startswith("text/html")


def named(site: admin.AdminSite) -> Iterator[tuple[str, str]]:
    for model, model_admin in site._registry.items():
        for pattern in model_admin.get_urls():
            if pattern.name and not pattern.name.endswith(LEFT_OUT):
                about = apps.get_model(ABOUT.get(pattern.name, model._meta.label))
                yield from opened(f"{site.name}:{pattern.name}", samples(about))


def opened(name: str, rows: dict[str, Model]) -> Iterator[tuple[str, str]]:
    """A view without arguments once; one that takes a row, for each of the rows."""
    short = name.split(":")[1]
    try:
        yield short, reverse(name) + QUERIES.get(name, "")
    except NoReverseMatch:
        for state, row in rows.items():
            try:
                yield f"{short} {state}".strip(), reverse(name, args=[row.pk])
            except NoReverseMatch:
                continue


def samples(model: type[Model]) -> dict[str, Model]:
    """The newest row, or the newest of each state where they look different."""
    rows: Any = model._default_manager.order_by("-pk")
    column = STATES.get(model._meta.label_lower)
    if column is None:
        newest = rows.first()
        return {"": newest} if newest else {}
    kinds = rows.order_by(column).values_list(column, flat=True).distinct()
    newest = {str(kind): rows.filter(**{column: kind}).first() for kind in kinds}
    return {kind: row for kind, row in newest.items() if row is not None}
