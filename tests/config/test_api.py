"""The frame of the API: problem+json for everything that fails, the OpenAPI document, a docs page without CDN."""

import json
import re
from typing import Any

import pytest
from django.test import AsyncClient, Client

from chat import auth
from config.api import api
from tests.factories import VisitorFactory

pytestmark = pytest.mark.django_db

PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "request_id"}
# What may be called with no credential at all; anything else must refuse.
OPEN_ROUTES = {("post", "/api/v1/client/sessions")}


@pytest.fixture
def caller() -> Client:
    return Client(raise_request_exception=False)


def check_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == PROBLEM_FIELDS
    assert (body["status"], body["code"]) == (status, code)
    return body


def routes() -> list[tuple[str, str]]:
    paths: dict[str, Any] = api.get_openapi_schema()["paths"]
    return sorted((method, path) for path, methods in paths.items() for method in methods)


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v1/client/sessions/extra", "/api/v2/client"],
)
def test_unknown_route_is_a_problem(caller: Client, path: str) -> None:
    check_problem(caller.get(path), 404, "not_found")


async def test_unknown_route_is_a_problem_on_an_asynchronous_server_too() -> None:
    check_problem(await AsyncClient().get("/api/v1/nothing"), 404, "not_found")


def test_malformed_id_in_the_path_is_a_problem(caller: Client) -> None:
    response = caller.post("/api/v1/agent/conversations/not-a-uuid/claim")

    assert response.status_code in {401, 403, 404, 422}
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), routes())
def test_other_methods_are_a_problem(caller: Client, method: str, path: str) -> None:
    path = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000000", path)
    other = caller.patch(path)

    check_problem(other, 405, "invalid_frame")
    assert method.upper() in other["Allow"]


@pytest.mark.parametrize(("method", "path"), [r for r in routes() if r not in OPEN_ROUTES])
def test_nothing_works_without_a_credential(caller: Client, method: str, path: str) -> None:
    path = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000000", path)

    response = caller.generic(method.upper(), path, "{}", content_type="application/json")

    assert response.status_code in {401, 403}
    assert response["Content-Type"] == "application/problem+json"


def test_validation_problem_lists_places_and_never_the_input(caller: Client) -> None:
    secret = "暗号芝麻开门"
    response = caller.post(
        "/api/v1/client/sessions", {"inbox": [secret]}, content_type="application/json"
    )

    body = check_problem(response, 422, "invalid_frame")
    assert body["errors"] == [
        {"loc": ["body", "body", "inbox"], "msg": body["errors"][0]["msg"], "type": "string_type"}
    ]
    assert secret not in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_a_problem_to_retry(caller: Client, no_database: None) -> None:
    token = auth.issue(VisitorFactory.build()).text

    response = caller.get(
        "/api/v1/client/conversation", headers={"authorization": f"Bearer {token}"}
    )

    check_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "1"


def test_openapi_document_is_served(caller: Client) -> None:
    document = caller.get("/api/v1/openapi.json").json()

    assert document["openapi"].startswith("3.")
    assert document == json.loads(json.dumps(api.get_openapi_schema()))
    client = (
        "sessions conversation messages choices attachments attachments/{attachment_id} leave history transcript "
        "logout data"
    )
    agent = (
        "conversations queue presence conversations/{conversation_id} search board intake canned canned/{pk} mentions "
        "suggestions/{pk} briefs/grades"
    )
    acts = (
        "claim reply note transfer hand_back resolve tags snooze wake barge reassign suggest translate "
        "brief/grade mentions/read"
    )
    assert set(document["paths"]) == {
        *(f"/api/v1/client/{name}" for name in client.split()),
        *(f"/api/v1/agent/{name}" for name in agent.split()),
        *(f"/api/v1/agent/conversations/{{conversation_id}}/{name}" for name in acts.split()),
    }


def test_docs_page_loads_nothing_from_elsewhere(caller: Client) -> None:
    response = caller.get("/api/docs")

    page = response.content.decode()
    assert response.status_code == 200
    assert "swagger" in page
    assert not re.search(r"(?:https?:)?//(?!testserver)[\w-]+\.\w", page)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert caller.get(path).status_code == 200, path
