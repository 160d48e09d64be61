"""Addresses of admin pages, and how tests read what a page answered."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from prompts.redis import connection as redis_connection
from prompts.snapshot import VERSION_KEY

ENGLISH = {"Accept-Language": "en"}


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:prompts_{name}", args=args)


def errors(answer: Any) -> dict[str, list[str]]:
    """The sentences a refused form shows, by field."""
    form = answer.context["adminform"].form
    return {name: [str(error) for error in found] for name, found in form.errors.items()}


def said(answer: Any) -> list[str]:
    """The messages on the page a redirect led to."""
    return [str(message) for message in answer.context["messages"]]


def query_count(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def announced() -> int:
    """How often processes were told of a change."""
    return int(redis_connection().get(VERSION_KEY) or 0)  # type: ignore[arg-type]
