"""The first page of the admin: what waits, for those who may see it, and the ways to the other pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, Gap, GapSearch
from prompts.models import Sop
from tests.factories import AgentFactory, ConversationFactory

pytestmark = pytest.mark.django_db

HOME = "/admin/"


@pytest.fixture
def waiting(db: None) -> None:
    """One conversation in the queue and one that ended there, one gap, one SOP that expires soon and one that does not."""
    conversation, now = ConversationFactory.create(), timezone.now()
    Conversation.objects.filter(pk=conversation.pk).update(
        owner="queue", epoch=1, waiting_since=now
    )
    over = ConversationFactory.create()
    Conversation.objects.filter(pk=over.pk).update(
        owner="queue", epoch=1, waiting_since=now, resolved_at=now
    )
    Gap.objects.create(
        search=GapSearch.objects.create(since=now - timedelta(days=7), until=now),
        title="开发票",
        language="zh",
    )
    for key, days in {"soon": 3, "later": 90}.items():
        Sop.objects.create(
            key=key, language="zh", title=key, category="c", intent="i", answer="a",
            valid_to=now + timedelta(days=days),
        )  # fmt: skip


def counts(answer: Any) -> dict[str, int]:
    return {each["url"].split("/admin/")[1]: each["count"] for each in answer.context["waiting"]}


def test_what_waits_is_counted_and_leads_to_its_list(admin_client: Client, waiting: None) -> None:
    answer = admin_client.get(HOME)

    assert counts(answer) == {
        "chat/conversation/?owner__exact=queue&resolved_at__isnull=True": 1,
        "chat/gap/?state__exact=open": 1,
        "prompts/sop/?time=soon": 1,
    }
    for each in answer.context["waiting"]:
        shown = admin_client.get(each["url"])
        assert shown.status_code == 200
        assert shown.context["cl"].result_count == each["count"]


def test_nobody_is_told_of_what_they_may_not_see(
    client: Client, waiting: None, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("seer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_gap"))
    client.force_login(user)

    answer = client.get(HOME)

    assert counts(answer) == {"chat/gap/?state__exact=open": 1}
    assert "/analytics/" not in [url for url, _ in answer.context["places"]]


def test_an_empty_shop_says_so_and_agents_find_their_console(
    client: Client, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("worker", password="x", is_staff=True)
    client.force_login(user)
    before = client.get(HOME)
    AgentFactory.create(user=user)

    after = client.get(HOME)

    assert [url for url, _ in before.context["places"]] == ["/"]
    assert [url for url, _ in after.context["places"]] == ["/console/", "/"]
    assert "现在没有等人处理的事" in after.content.decode()
