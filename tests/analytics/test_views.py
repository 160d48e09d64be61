"""The pages: who may see what, in which language, at how many queries, and what a filter or a strange address does."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics import rollups
from analytics.models import InboxAccess, Outcome
from analytics.pages import PAGES
from chat.models import Agent, Conversation
from prompts.llm import breaker
from prompts.models import ModelCall, ModelEndpoint, Sop
from prompts.redis import connection as redis_connection
from tests.analytics.history import Writer

pytestmark = pytest.mark.django_db

ENGLISH = {"Accept-Language": "en"}
QUERIES_MOST = 20


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def writer() -> Writer:
    """A dozen conversations of the last days, counted."""
    found = Writer()
    for hours in range(2, 50, 4):
        found.conversation(timezone.now() - timedelta(hours=hours))
    while not rollups.tick(seconds=5):
        pass
    return found


def viewer(*inboxes: Any) -> Client:
    """Somebody who may see the figures of these inboxes only."""
    user = get_user_model().objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outcome"))
    for inbox in inboxes:
        InboxAccess.objects.create(user=user, inbox=inbox)
    client = Client(headers=ENGLISH)
    client.force_login(user)
    return client


def figure(response: Any, key: str) -> str:
    found: str = next(each.text for each in response.context["built"].figures if each.key == key)
    return found


def test_every_page_is_shown_at_few_queries(boss: Client, writer: Writer) -> None:
    for key, page in PAGES.items():
        with CaptureQueriesContext(connection) as queries:
            response = boss.get(f"/analytics/{key}/?days=7")

        assert response.status_code == 200
        assert len(queries) <= QUERIES_MOST, key
        assert str(page.title) in response.content.decode()
        assert "unsafe-eval" in response.headers["Content-Security-Policy"]


def test_every_page_has_something_to_say_before_anything_happened(boss: Client) -> None:
    for key in PAGES:
        html = boss.get(f"/analytics/{key}/", headers=ENGLISH).content.decode()

        assert "Nothing was counted yet" in html
        assert "Nothing on these days." in html


def test_whoever_has_no_right_is_turned_away(client: Client, db: None) -> None:
    assert client.get("/analytics/").status_code == 302
    client.force_login(get_user_model().objects.create_user("agent", is_staff=True))
    assert client.get("/analytics/").status_code == 403
    assert client.get("/analytics/live/now/").status_code == 403


def test_a_viewer_sees_the_own_inboxes_only(boss: Client, writer: Writer) -> None:
    mine, other = writer.inboxes
    seeing = viewer(mine)
    wanted = Outcome.objects.filter(inbox_id=mine.pk).exclude(kind="empty")

    page = seeing.get("/analytics/conversations/?days=7")

    assert figure(page, "conversations") == str(wanted.count())
    assert {row["outcome"].inbox_id for row in page.context["listed"]} == {mine.pk}
    assert other.name not in page.content.decode()
    denied = seeing.get(f"/analytics/conversations/?days=7&inbox={other.pk}")
    assert figure(denied, "conversations") == "0"
    assert denied.context["listed"] == []


def test_a_viewer_without_inboxes_is_told_so(writer: Writer) -> None:
    page = viewer().get("/analytics/")

    assert figure(page, "conversations") == "0"
    assert "no inbox whose figures you may see" in page.content.decode()


def test_a_figure_leads_to_its_conversations(boss: Client, writer: Writer) -> None:
    overview = boss.get("/analytics/?days=7")
    found = next(f for f in overview.context["built"].figures if f.key == "escalated")
    listed = boss.get(f"/analytics/conversations/?days=7&trait={found.trait}")

    shown = [row["outcome"] for row in listed.context["listed"]]
    assert len(shown) == Outcome.objects.filter(escalated=True).exclude(kind="empty").count()
    assert all(outcome.escalated for outcome in shown)


def test_filters_hold_for_figures_and_say_where_they_cannot(boss: Client, writer: Writer) -> None:
    page = boss.get("/analytics/?days=7&intent=refund&tier=vip", headers=ENGLISH)

    wanted = Outcome.objects.filter(intent="refund", tier="vip").exclude(kind="empty").count()
    assert figure(page, "conversations") == str(wanted)
    assert figure(page, "answer_p95") == "—"
    assert "not split by intent, tier" in page.content.decode()


STRANGE = (
    "from=2026-13-99&to=x",
    "from=2026-11-02&to=2026-11-01",
    "from=0001-01-01&to=9999-12-31",
    "from=0001-01-01&to=0001-01-02",
    "days=100000000",
    "inbox=99999999999999999999999",
    "inbox=%27%20OR%201%3D1",
    "intent=%27;DROP%20TABLE",
    "intent=%00",
    "trait=" + "x" * 5000,
    "trait=%00",
    "after=nonsense",
    "after=2026-01-01_0&agent=12345678901234567890123",
)


def test_a_strange_address_is_answered(boss: Client) -> None:
    answers = {
        query: boss.get(f"/analytics/conversations/?{query}").status_code for query in STRANGE
    }

    assert set(answers.values()) == {200}


def test_the_list_goes_on_where_it_stopped(
    boss: Client, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.listing.SHOWN", 5)
    url, seen = "/analytics/conversations/?days=7", []
    for _ in range(20):
        page = boss.get(url)
        seen += [row["outcome"].pk for row in page.context["listed"]]
        if not page.context["next"]:
            break
        url = f"/analytics/conversations/?{page.context['next']}"

    assert len(seen) == len(set(seen)) == Outcome.objects.exclude(kind="empty").count()


def test_the_live_page_counts_what_goes_on(boss: Client, writer: Writer) -> None:
    before = int(boss.get("/analytics/live/now/").json()["active"])
    writer.at = timezone.now()
    new = writer.conversation(timezone.now())

    now = boss.get("/analytics/live/now/").json()

    assert new.last_activity_at is not None
    assert int(now["active"]) == before + 1
    assert boss.get("/analytics/live/").status_code == 200


def test_pages_speak_the_readers_language(boss: Client, writer: Writer) -> None:
    assert "净自助解决率" in boss.get("/analytics/").content.decode()
    assert "Net self-service" in boss.get("/analytics/", headers=ENGLISH).content.decode()


def standing(response: Any, heading: str) -> dict[str, list[str]]:
    """A table of this moment: what its rows say."""
    tables = response.context["built"].tables
    rows = next(table.rows for table in tables if table.heading == heading)
    return {row.name: [text for _, text in row.cells] for row in rows}


def test_the_page_of_models_says_which_breaker_is_open(boss: Client) -> None:
    for name in ("quick", "broken"):
        ModelEndpoint.objects.create(name=name, provider="openai", model="m", enabled=True)
    for error_class in ("", "timeout", "abandoned"):
        ModelCall.objects.create(endpoint="quick", error_class=error_class, purpose="answer")
    breaker.shut(redis_connection(), "broken")

    rows = standing(boss.get("/analytics/models/", headers=ENGLISH), "Model")

    breaker.reset(redis_connection(), "broken")
    assert rows["quick"] == ["healthy", "2", "1"]
    assert rows["broken"] == ["cut off", "0", "0"]


def test_the_page_of_agents_says_who_has_how_much_in_hand(boss: Client, writer: Writer) -> None:
    agent = Agent.objects.create(
        user=get_user_model().objects.create_user("lin", is_staff=True),
        name="小琳",
        presence="online",
        capacity=4,
    )
    ours, theirs = writer.inboxes
    for inbox, count in ((ours, 2), (theirs, 1)):
        mine = Conversation.objects.filter(inbox=inbox)[:count].values("pk")
        Conversation.objects.filter(pk__in=mine).update(
            owner="agent", agent=agent, resolved_at=None, waiting_since=None
        )

    assert standing(boss.get("/analytics/agents/", headers=ENGLISH), "Agent")["小琳"] == [
        "online",
        "3 / 4",
        "0",
    ]
    own = standing(viewer(ours).get("/analytics/agents/"), "Agent")
    assert own["小琳"][1] == "2 / 4"


def test_the_page_of_knowledge_names_stale_sops(boss: Client, writer: Writer) -> None:
    now = timezone.now()
    Sop.objects.all().delete()
    stale: dict[str, dict[str, Any]] = {
        "late": {},
        "over": {"valid_to": now - timedelta(days=1)},
        "review": {"review_on": (now - timedelta(days=2)).date()},
        "unused": {},
        "new": {},
        "off": {"enabled": False},
        "elsewhere": {"shops": [writer.inboxes[1].key]},
    }
    for key, fields in stale.items():
        Sop.objects.create(key=key, language="zh", title=key, answer="好", **fields)
    Sop.objects.exclude(key="new").update(updated_at=now - timedelta(days=90))

    rows = standing(boss.get("/analytics/knowledge/?days=7", headers=ENGLISH), "SOP")

    assert list(rows) == [
        "over (over)",
        "review (review)",
        "unused (unused)",
        "elsewhere (elsewhere)",
    ]
    assert [texts[0] for texts in rows.values()] == [
        "past its time",
        "its review is due",
        "not cited on these days",
        "not cited on these days",
    ]
    own = standing(viewer(writer.inboxes[0]).get("/analytics/knowledge/?days=7"), "SOP")
    assert "elsewhere (elsewhere)" not in own
