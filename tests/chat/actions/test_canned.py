"""Replies kept ready: whose an agent may use, and whose it may change."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from chat.actions import canned
from chat.models import CannedReply, Team
from chat.protocol import ProtocolError
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def titles(agent: Any) -> list[tuple[str, str]]:
    return [(reply["title"], reply["scope"]) for reply in canned.listed(agent)]


def test_an_agent_uses_its_own_its_teams_and_everybodys(agent: Any) -> None:
    other = AgentFactory.create()
    mine, theirs = Team.objects.create(name="售后"), Team.objects.create(name="售前")
    mine.agents.add(agent)
    CannedReply.objects.create(title="a", text="x")
    CannedReply.objects.create(title="b", text="x", team=mine)
    CannedReply.objects.create(title="c", text="x", team=theirs)
    CannedReply.objects.create(title="d", text="x", agent=other)
    canned.save(agent, pk=None, folder=" /售后/ 退货/", title="e", text="x")
    assert titles(agent) == [("a", "all"), ("b", "team"), ("e", "own")]
    assert canned.listed(agent)[-1]["folder"] == "售后/退货"


def test_only_ones_own_are_changed_and_removed(agent: Any) -> None:
    shared = CannedReply.objects.create(title="a", text="x")
    own = canned.save(agent, pk=None, folder="", title="b", text="x")
    canned.save(agent, pk=own["id"], folder="", title="c", text="y")
    for act in (
        lambda: canned.save(agent, pk=shared.pk, folder="", title="z", text="z"),
        lambda: canned.remove(agent, pk=shared.pk),
        lambda: canned.remove(AgentFactory.create(), pk=own["id"]),
    ):
        with pytest.raises(ProtocolError):
            act()
    assert titles(agent) == [("a", "all"), ("c", "own")]
    canned.remove(agent, pk=own["id"])
    assert titles(agent) == [("a", "all")]


def test_there_is_an_end_to_ones_own(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canned, "OWN_MOST", 1)
    canned.save(agent, pk=None, folder="", title="a", text="x")
    with pytest.raises(ProtocolError):
        canned.save(agent, pk=None, folder="", title="b", text="x")


def test_the_api_answers_as_the_socket_does(agent: Any, client: Any) -> None:
    client.force_login(agent.user)
    body = {"folder": "售后", "title": "你好", "text": "您好"}
    url = "/api/v1/agent/canned"
    made = client.post(url, body, content_type="application/json")
    assert made.status_code == 201
    one = f"{url}/{made.json()['id']}"
    changed = client.put(one, {**body, "title": "早"}, content_type="application/json")
    assert changed.json()["title"] == "早"
    assert [reply["title"] for reply in client.get(url).json()] == ["早"]
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 404
    assert (
        client.post(url, {"title": "", "text": ""}, content_type="application/json").status_code
        == 422
    )


def test_staff_choose_an_agent_or_a_team_not_both(agent: Any, client: Any) -> None:
    client.force_login(get_user_model().objects.create_superuser("root"))
    team = Team.objects.create(name="售后")
    form = {"folder": "a/ b", "title": "t", "text": "x", "agent": agent.pk, "team": team.pk}
    page = client.post(reverse("admin:chat_cannedreply_add"), form)
    assert (page.status_code, CannedReply.objects.count()) == (200, 0)
    client.post(reverse("admin:chat_cannedreply_add"), {**form, "agent": ""})
    assert CannedReply.objects.get().folder == "a/b"


@pytest.mark.parametrize(("title", "text"), [(" ", "x"), ("x", "\n")])
def test_a_blank_one_is_refused(agent: Any, title: str, text: str) -> None:
    with pytest.raises(ProtocolError):
        canned.save(agent, pk=None, folder="", title=title, text=text)
