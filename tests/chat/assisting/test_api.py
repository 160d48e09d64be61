"""The REST twins of what a model writes for agents."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from chat.assisting import suggestions
from chat.models import Conversation
from tests.chat.assisting.conftest import says, waiting
from tests.factories import AgentFactory
from tests.fakes.provider_control import ProviderControl

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v1/agent"


@pytest.fixture
def caller(agent: Any) -> Client:
    return signed_in(agent)


def signed_in(agent: Any) -> Client:
    client = Client()
    client.force_login(agent.user)
    return client


def send(caller: Client, method: str, path: str, body: Any = None) -> Any:
    act = getattr(caller, method)
    return act(BASE + path, body, content_type="application/json") if body else act(BASE + path)


def test_suggestion_is_asked_for_looked_at_and_stopped(
    model: ProviderControl, caller: Client, visitor: Any
) -> None:
    says(model, "打<PHONE_2>问问")
    pk = waiting(visitor).pk
    body = {
        "client_id": str(uuid4()),
        "kind": "rewrite",
        "style": "shorter",
        "text": "请打13987654321问问",
    }
    asked = send(caller, "post", f"/conversations/{pk}/suggest", body)
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    suggestion = asked.json()["suggestion_id"]
    suggestions.run(suggestion)
    told = send(caller, "get", f"/suggestions/{suggestion}").json()
    assert (told["state"], told["text"]) == ("done", "打13987654321问问")
    assert send(caller, "delete", f"/suggestions/{suggestion}").status_code == 204
    other = signed_in(AgentFactory.create())
    assert send(other, "get", f"/suggestions/{suggestion}").status_code == 404
    assert send(other, "delete", f"/suggestions/{suggestion}").status_code == 404
    incomplete = {**body, "client_id": str(uuid4()), "text": ""}
    refused = send(caller, "post", f"/conversations/{pk}/suggest", incomplete)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_frame")


def test_grades_are_given_by_agents_and_counted_for_supervisors(
    wordings: None, caller: Client, agent: Any, visitor: Any
) -> None:
    path = f"/conversations/{waiting(visitor).pk}/brief/grade"
    assert send(caller, "put", path, {"grade": "good", "word": "清楚"}).json()["grade"] == "good"
    epoch = Conversation.objects.get().handover_epoch
    again = {"grade": "bad", "epoch": epoch}
    assert send(caller, "put", path, {**again, "epoch": epoch + 1}).status_code == 409
    assert send(caller, "put", path, again).json() == {"epoch": epoch, "grade": "bad"}
    assert send(caller, "put", path, {"grade": "good", "word": "清楚"}).status_code == 200
    assert send(caller, "get", "/briefs/grades").status_code == 404
    agent.user.user_permissions.add(Permission.objects.get(codename="supervise"))
    counted = send(signed_in(agent), "get", "/briefs/grades?days=7").json()
    assert counted[1] == {"source": "template", "briefs": 1, "good": 1, "bad": 0}
