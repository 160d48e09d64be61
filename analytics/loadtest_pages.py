"""The page of load tests: one run by model, and every run there was beside it. For staff who may see load tests."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from analytics import access
from analytics.loadtests import table
from analytics.loadtests.record import Figures, Record
from analytics.models import LoadTest
from analytics.pages import PAGES
from analytics.views import for_viewers
from analytics.words import LOADTESTS, WORDS
from prompts.bilingual import in_chinese

SHOWN = 50


@for_viewers
def loadtests(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A run, the newest unless another is asked for, and the newest runs. Raises PermissionDenied, Http404."""
    if not access.may_view_load_tests(request.user):
        raise PermissionDenied
    rows = list(LoadTest.objects.all()[: SHOWN + 1])
    shown = get_object_or_404(LoadTest, pk=pk) if pk else next(iter(rows), None)
    context = {
        **admin.site.each_context(request),
        "title": LOADTESTS["title"],
        "t": WORDS,
        "l": LOADTESTS,
        "page": None,
        "pages": PAGES.values(),
        "on_loadtests": True,
        "shown": shown and run_of(shown, like_before(shown)),
        "rows": [row_of(row) for row in rows[:SHOWN]],
        "more": len(rows) > SHOWN,
    }
    return render(request, "analytics/loadtests.html", context)


def like_before(shown: LoadTest) -> LoadTest | None:
    """The run before it that asked as much of as many cores."""
    alike = LoadTest.objects.filter(
        mode=shown.mode, users=shown.users, rate=shown.rate, cores=shown.cores
    )
    return alike.filter(at__lt=shown.at).first()


def run_of(row: LoadTest, before: LoadTest | None) -> dict[str, Any]:
    """A run as the page shows it, with what changed against another."""
    record, language = Record.model_validate(row.record), spoken()
    whole = figures_of(record)
    earlier = figures_of(Record.model_validate(before.record)) if before else None
    heads = table.HEADS[language]
    return {
        **row_of(row),
        "heads": heads[1:],
        "first_head": heads[0],
        "figures": figures(whole, earlier),
        "before": before,
        "models": [
            (table.name_of(each, language), list(zip(heads[1:], table.cells(each), strict=True)))
            for each in record.models
        ],
        "errors": record.errors.items(),
        "markdown": table.markdown(record, language),
    }


def row_of(row: LoadTest) -> dict[str, Any]:
    record, language = Record.model_validate(row.record), spoken()
    whole = figures_of(record)
    return {
        "pk": row.pk,
        "at": row.at,
        "note": record.note,
        "shape": table.shape(record, language),
        "machine": table.machine(record, language),
        "cells": list(zip(table.HEADS[language][1:], table.cells(whole), strict=True)),
    }


def figures(now: Figures, before: Figures | None) -> list[dict[str, Any]]:
    """The figures on top: what it is, how it changed, whether that is good."""
    names = ("mean_ms", "p50_ms", "p95_ms", "p99_ms", "first_p50_ms")
    shown = [
        {
            "name": LOADTESTS[name],
            "text": table.milliseconds(getattr(now, name)),
            **change(getattr(now, name), getattr(before, name) if before else None),
        }
        for name in names
    ]
    failed = {"name": LOADTESTS["success"], "text": table.share(now), "change": "", "tone": ""}
    return [failed, *shown]


def change(now: float | None, before: float | None) -> dict[str, str]:
    """In percent; less is better. Below five percent it is the weather."""
    if not now or not before:
        return {"change": "", "tone": ""}
    percent = (now / before - 1) * 100
    tone = "" if abs(percent) < 5 else "bad" if percent > 0 else "good"
    return {"change": f"{percent:+.0f}%", "tone": tone}


def figures_of(record: Record) -> Figures:
    if record.whole is None:
        raise ValueError("a kept run without figures")
    return record.whole


def spoken() -> str:
    return "zh" if in_chinese() else "en"
