"""The client and agent APIs as docs/protocol.md §3 to §5 promise them: shapes, refusals, problem+json."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import signing
from django.test import Client
from django.utils import timezone

from chat import assets, auth, turn
from chat.actions import visitor as actions
from chat.models import Conversation, Inbox, Message, Turn, Visitor
from tests.factories import AgentFactory, InboxFactory, UserFactory, VisitorFactory

HERE = "127.0.0.1"
pytestmark = pytest.mark.django_db

SESSIONS, CONVERSATION, MESSAGES = (
    f"/api/v1/client/{name}" for name in ("sessions", "conversation", "messages")
)
PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "request_id"}
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECRET = "暗号芝麻开门"


class VisitorClient(Client):
    """Sends what a page without sockets would send."""

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(headers={"authorization": f"Bearer {auth.issue(visitor).text}"})

    def say(self, text: object, client_id: object = None) -> Any:
        body = {"client_id": str(client_id or uuid.uuid4()), "text": text}
        return self.post(MESSAGES, body, content_type="application/json")


class AgentClient(Client):
    """A signed-in console: session cookie and CSRF token."""

    def __init__(self, user: Any) -> None:
        super().__init__(enforce_csrf_checks=True)
        self.force_login(user)
        self.cookies["csrftoken"] = "c" * 32

    def act(self, conversation: Any, verb: str, body: object = None, **headers: str) -> Any:
        return self.post(
            f"/api/v1/agent/conversations/{conversation}/{verb}",
            body if body is not None else {},
            content_type="application/json",
            headers={"x-csrftoken": "c" * 32, **headers},
        )


# No socket or worker looks on, so these rows need no commit, which makes the tests fast.
@pytest.fixture
def inbox(db: None) -> Any:
    return InboxFactory.create()


@pytest.fixture
def visitor(inbox: Inbox) -> Any:
    return VisitorFactory.create(inbox=inbox)


@pytest.fixture
def agent(db: None) -> Any:
    return AgentFactory.create()


@pytest.fixture
def page(visitor: Visitor) -> VisitorClient:
    return VisitorClient(visitor)


@pytest.fixture
def console(agent: Any) -> AgentClient:
    return AgentClient(agent.user)


@pytest.fixture
def conversation(visitor: Visitor) -> Conversation:
    actions.post_message(visitor, client_id=uuid.uuid4(), text="你好", address=HERE)
    return Conversation.objects.get(visitor=visitor)


def open_session(**body: object) -> Any:
    return Client().post(SESSIONS, body, content_type="application/json")


def check_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The body, after checking that it is problem+json in the documented shape and tells nothing."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == PROBLEM_FIELDS
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert SECRET not in response.content.decode()
    return body


# --- sessions ----------------------------------------------------------------------------------------


def test_session_has_the_documented_shape() -> None:
    inbox = InboxFactory.create(name="在线客服", quick_questions={"zh-CN": ["怎么退款?"]})

    response = open_session(inbox=inbox.key)

    body = response.json()
    visitor = Visitor.objects.get()
    assert response.status_code == 201
    assert set(body) == {"token", "visitor_id", "expires_at", "verified", "inbox"}
    assert body["visitor_id"] == str(visitor.pk)
    assert auth.visitor_id(body["token"]) == visitor.pk
    assert UTC_TIME.fullmatch(body["expires_at"])
    assert body["inbox"] == {
        "name": "在线客服",
        "locale": "zh-CN",
        "theme": "auto",
        "reception": "bot_first",
        "ai_label": True,
        "quick_questions": ["怎么退款?"],
        "bot_name": "小助手",
        "color": None,
        "logo": None,
        "position": "right",
        "sound": True,
        "version": assets.widget().version,
        "texts": {
            "welcome": "您好，请问有什么可以帮您？",
            "placeholder": "输入消息…",
            "offline": "现在不在服务时间。请留言，我们上班后会尽快回复。",
            "rating": "请评价本次服务",
        },
        "open": True,
        "hours_text": "",
        "hours_zone": None,
        "prechat": [],
        "rating_tags": [],
        "greetings": [],
        "upload": {
            "max_bytes": 8 * 1024 * 1024,
            "types": ["image/jpeg", "image/png", "image/webp", "image/gif"],
        },
    }


def test_session_keeps_the_locale(inbox: Inbox) -> None:
    open_session(inbox=inbox.key, locale="en")

    assert Visitor.objects.get().locale == "en"


def test_session_resumes_the_visitor_of_an_expired_token(inbox: Inbox) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        first = open_session(inbox=inbox.key).json()

    resumed = open_session(inbox=inbox.key, resume=first["token"]).json()

    assert resumed["visitor_id"] == first["visitor_id"]
    assert str(auth.visitor_id(resumed["token"])) == first["visitor_id"]


@pytest.mark.parametrize("forge", ["altered", "other salt", "other inbox", "nonsense"])
def test_forged_resume_gives_a_new_visitor(inbox: Inbox, forge: str) -> None:
    victim = VisitorFactory.create(inbox=InboxFactory.create() if forge == "other inbox" else inbox)
    token = auth.issue(victim).text
    resume = {
        "altered": f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        "other salt": signing.dumps({"v": victim.pk.hex}, salt="elsewhere"),
        "other inbox": token,
        "nonsense": "\x00:x",
    }[forge]

    response = open_session(inbox=inbox.key, resume=resume)

    assert response.status_code == 201
    assert response.json()["visitor_id"] != str(victim.pk)


@pytest.mark.parametrize("key", ["ib_unknown", "", "x" * 64])
def test_unknown_inbox_is_not_found(key: str) -> None:
    check_problem(open_session(inbox=key), 404, "not_found")


def test_disabled_inbox_is_not_found() -> None:
    check_problem(open_session(inbox=InboxFactory.create(enabled=False).key), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inbox": 7},
        {"inbox": "x" * 65},
        {"inbox": "\x00"},
        {"inbox": "k", "locale": "xx"},
        [],
        "k",
        None,
    ],
)
def test_malformed_session_request_is_refused(body: object) -> None:
    response = Client().post(SESSIONS, body or "null", content_type="application/json")

    assert response.status_code in {400, 422}
    check_problem(response, response.status_code, "invalid_frame")
    assert not Visitor.objects.exists()


def test_body_that_is_no_json_is_refused(inbox: Inbox) -> None:
    response = Client().post(SESSIONS, f"{{{SECRET}", content_type="application/json")

    check_problem(response, 400, "invalid_frame")


def test_body_of_two_megabytes_is_refused(inbox: Inbox) -> None:
    response = open_session(inbox=inbox.key, resume="x" * 2_000_000)

    assert response.status_code in {400, 413, 422}
    check_problem(response, response.status_code, "invalid_frame")


@pytest.mark.parametrize(
    ("origin", "listed", "status"),
    [
        (None, [], 201),
        ("http://testserver", [], 201),
        ("https://partner.example", ["https://partner.example"], 201),
        ("https://anywhere.example", ["*"], 201),
        ("https://evil.example", ["https://partner.example"], 403),
        ("http://testserver.evil.example", [], 403),
        ("null", [], 403),
    ],
)
def test_origin_decides_who_may_open_a_session(
    origin: str | None, listed: list[str], status: int
) -> None:
    inbox = InboxFactory.create(allowed_domains=listed)

    response = Client().post(
        SESSIONS,
        {"inbox": inbox.key},
        content_type="application/json",
        headers={"origin": origin} if origin else {},
    )

    assert response.status_code == status
    assert Visitor.objects.count() == (1 if status == 201 else 0)
    if status == 403:
        check_problem(response, 403, "forbidden_origin")


# --- conversation and messages -----------------------------------------------------------------------


def test_conversation_is_the_body_of_ready(defaults: None, page: VisitorClient) -> None:
    posted = page.say("我的订单怎么还没到?").json()
    turn.run(uuid.UUID(posted["turn_id"]), worker="w1")

    body = page.get(CONVERSATION, {"after_seq": 1}).json()

    assert (body["type"], body["seq"], body["state"], body["owner"]) == ("ready", 2, "bot", "bot")
    assert [line["role"] for line in body["messages"]] == ["bot"]
    assert body["messages"][0]["turn_id"] == posted["turn_id"]


@pytest.mark.parametrize(("after_seq", "lines"), [("-5", 1), (str(2**53), 0), ("9" * 30, 0)])
def test_conversation_takes_any_number(page: VisitorClient, after_seq: str, lines: int) -> None:
    page.say("你好")

    assert len(page.get(CONVERSATION, {"after_seq": after_seq}).json()["messages"]) == lines


def test_message_is_taken_once(page: VisitorClient) -> None:
    client_id = uuid.uuid4()

    first, again = page.say("你好", client_id), page.say("你好", client_id)

    line = Message.objects.get()
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json() == {"seq": 1, "turn_id": str(line.turn_id)}
    check_problem(page.say(SECRET, client_id), 409, "conflict")
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("字" * 4001, "too_long"),
        (f"{SECRET}\x00", "invalid_frame"),
        (f"{SECRET}\x1b", "invalid_frame"),
        (f"{SECRET}\ud83d", "invalid_frame"),
        ("", "invalid_frame"),
        (" \n", "invalid_frame"),
        (7, "invalid_frame"),
        (None, "invalid_frame"),
    ],
)
def test_bad_text_is_refused(page: VisitorClient, text: object, code: str) -> None:
    check_problem(page.say(text), 422, code)
    assert not Message.objects.exists()
    assert not Turn.objects.exists()


@pytest.mark.parametrize("client_id", ["7", "not-a-uuid", SECRET])
def test_bad_client_id_is_refused(page: VisitorClient, client_id: str) -> None:
    check_problem(page.say("你好", client_id), 422, "invalid_frame")


def test_message_at_the_limit_is_taken(page: VisitorClient) -> None:
    assert page.say("字" * 4000).status_code == 202


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c", "Basic eDp5"])
def test_client_routes_want_a_token(token: str) -> None:
    stranger = Client(headers={"authorization": f"Bearer {token}"} if token else {})

    check_problem(stranger.get(CONVERSATION), 401, "unauthorized")
    check_problem(stranger.post(MESSAGES, {}, content_type="application/json"), 401, "unauthorized")


def test_expired_token_is_unauthorized(visitor: Visitor) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        page = VisitorClient(visitor)

    check_problem(page.get(CONVERSATION), 401, "unauthorized")


def test_token_counts_from_listed_origins_only(page: VisitorClient) -> None:
    response = page.get(CONVERSATION, headers={"origin": "https://evil.example"})

    check_problem(response, 403, "forbidden_origin")


def test_visitor_reads_no_other_conversation(visitor: Visitor) -> None:
    VisitorClient(visitor).say(SECRET)

    stranger = VisitorClient(VisitorFactory.create(inbox=visitor.inbox))

    assert SECRET not in stranger.get(CONVERSATION).content.decode()


def test_problem_speaks_the_callers_language() -> None:
    english = Client(headers={"accept-language": "en"}).get(CONVERSATION)

    assert check_problem(english, 401, "unauthorized")["detail"].startswith("Your session")


# --- agents ------------------------------------------------------------------------------------------


def test_agent_takes_over_replies_hands_back_and_resolves(
    texts: None, console: AgentClient, conversation: Conversation
) -> None:
    claimed = console.act(conversation.pk, "claim").json()
    body = {"client_id": str(uuid.uuid4()), "text": "您好,我来帮您", "epoch": claimed["epoch"]}
    replied = console.act(conversation.pk, "reply", body)
    again = console.act(conversation.pk, "reply", body)
    handed = console.act(conversation.pk, "hand_back").json()
    console.act(conversation.pk, "claim")
    resolved = console.act(conversation.pk, "resolve").json()

    assert (claimed["state"], claimed["owner"], claimed["epoch"]) == ("agent", "agent", 1)
    assert claimed["agent"]["name"]
    assert (replied.status_code, replied.json()["seq"]) == (202, 3)
    assert again.json() == replied.json()
    assert (handed["state"], handed["epoch"]) == ("bot", 2)
    assert (resolved["state"], resolved["conversation_id"]) == ("resolved", str(conversation.pk))
    roles = Message.objects.order_by("seq").values_list("role", flat=True)
    assert list(roles) == ["visitor", "system", "agent", "system", "system", "system"]


def test_reply_under_an_old_epoch_is_a_conflict(
    console: AgentClient, conversation: Conversation
) -> None:
    epoch = console.act(conversation.pk, "claim").json()["epoch"]
    console.act(conversation.pk, "hand_back")
    console.act(conversation.pk, "claim")

    body = {"client_id": str(uuid.uuid4()), "text": SECRET, "epoch": epoch}

    check_problem(console.act(conversation.pk, "reply", body), 409, "conflict")
    assert not Message.objects.filter(text=SECRET).exists()


def test_second_claim_is_a_conflict_that_names_the_winner(
    console: AgentClient, conversation: Conversation
) -> None:
    winner = AgentClient(AgentFactory.create(name="阿青").user)
    winner.act(conversation.pk, "claim")

    lost = check_problem(console.act(conversation.pk, "claim"), 409, "conflict")

    assert "阿青" in lost["detail"]
    assert Conversation.objects.get().agent.name == "阿青"  # type: ignore[union-attr]
    assert winner.act(conversation.pk, "claim").status_code == 200


@pytest.mark.parametrize("verb", ["reply", "hand_back", "resolve"])
def test_agent_who_does_not_own_it_cannot_act(
    console: AgentClient, conversation: Conversation, verb: str
) -> None:
    AgentClient(AgentFactory.create().user).act(conversation.pk, "claim")
    body = {"client_id": str(uuid.uuid4()), "text": SECRET, "epoch": 1}

    check_problem(console.act(conversation.pk, verb, body), 409, "conflict")
    assert not Message.objects.filter(text=SECRET).exists()


@pytest.mark.parametrize("text", ["字" * 4001, "\x00", "\ud83d", "", 7])
def test_bad_reply_is_refused(
    console: AgentClient, conversation: Conversation, text: object
) -> None:
    epoch = console.act(conversation.pk, "claim").json()["epoch"]
    body = {"client_id": str(uuid.uuid4()), "text": text, "epoch": epoch}

    response = console.act(conversation.pk, "reply", body)

    assert response.status_code == 422
    assert Message.objects.filter(role="agent").count() == 0


VERBS = ["claim", "reply", "hand_back", "resolve"]


@pytest.mark.parametrize("verb", VERBS)
def test_agent_routes_know_no_unknown_conversation(console: AgentClient, verb: str) -> None:
    body = {"client_id": str(uuid.uuid4()), "text": "好", "epoch": 0}

    check_problem(console.act(uuid.uuid4(), verb, body), 404, "not_found")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["nobody", "visitor", "customer account", "former staff"])
def test_agent_routes_refuse_everyone_else(
    conversation: Conversation, visitor: Visitor, who: str, verb: str
) -> None:
    caller: Client = Client()
    if who == "visitor":
        caller = VisitorClient(visitor)
    elif who != "nobody":
        user = UserFactory.create(is_staff=who == "former staff")
        caller = AgentClient(user)
        get_user_model().objects.filter(pk=user.pk).update(is_active=who != "former staff")
    caller.cookies["csrftoken"] = "c" * 32
    body = {"client_id": str(uuid.uuid4()), "text": SECRET, "epoch": 0}

    response = caller.post(
        f"/api/v1/agent/conversations/{conversation.pk}/{verb}",
        body,
        content_type="application/json",
        headers={"x-csrftoken": "c" * 32},
    )

    check_problem(response, 401, "unauthorized")
    conversation.refresh_from_db()
    assert (conversation.owner, conversation.epoch, conversation.last_seq) == ("bot", 0, 1)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("verb", VERBS)
def test_agent_routes_want_the_csrf_token(
    console: AgentClient, conversation: Conversation, verb: str, content_type: str
) -> None:
    body = f'{{"client_id": "{uuid.uuid4()}", "text": "{SECRET}", "epoch": 0}}'

    response = console.post(
        f"/api/v1/agent/conversations/{conversation.pk}/{verb}", body, content_type=content_type
    )

    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    conversation.refresh_from_db()
    assert (conversation.owner, conversation.epoch, conversation.last_seq) == ("bot", 0, 1)
