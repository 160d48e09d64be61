"""Who is believed to be who: tokens, origins, members of staff."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.utils import timezone

from chat import auth
from chat.models import Agent, Inbox, Visitor
from tests.factories import InboxFactory, UserFactory, VisitorFactory

pytestmark = pytest.mark.django_db


def test_token_names_its_visitor_for_a_day(visitor: Visitor, settings: Any) -> None:
    now = timezone.now().replace(microsecond=0)
    with time_machine.travel(now, tick=False):
        token = auth.issue(visitor)
        assert token.expires_at == now + timedelta(seconds=settings.VISITOR_TOKEN_SECONDS)
        assert auth.visitor_id(token.text) == visitor.pk
    with time_machine.travel(token.expires_at - timedelta(seconds=2)):
        assert auth.visitor(token.text) == visitor
    with time_machine.travel(token.expires_at + timedelta(seconds=2)):
        with pytest.raises(auth.NotAllowed):
            auth.visitor(token.text)
        assert auth.find_resumed(token.text, inbox=visitor.inbox) == visitor


def forged(visitor: Visitor) -> list[str]:
    good = auth.issue(visitor).text
    payload, at, signature = good.split(":")
    return [
        "",
        ":",
        "::",
        "x",
        "好",
        "\x00",
        "\ud800",
        good[:-1],
        good + "=",
        f"{payload}:{at}:{'A' * len(signature)}",
        f"{payload[:-2]}:{at}:{signature}",
        f"{payload}:zzzzzz:{signature}",
        signing.dumps({"v": visitor.pk.hex}, salt="another.salt"),
        signing.dumps({"v": visitor.pk.hex}, key="another-key", salt=auth.SALT),
        signing.dumps({"visitor": visitor.pk.hex}, salt=auth.SALT),
        signing.dumps({"v": "no uuid"}, salt=auth.SALT),
        signing.dumps({"v": None}, salt=auth.SALT),
        signing.dumps([visitor.pk.hex], salt=auth.SALT),
        signing.dumps({"v": uuid.uuid4().hex}, salt=auth.SALT),
    ]


def test_forged_and_broken_tokens_name_nobody(visitor: Visitor) -> None:
    for token in forged(visitor):
        with pytest.raises(auth.NotAllowed):
            auth.visitor(token)
        assert auth.find_resumed(token, inbox=visitor.inbox) is None
        if signing_is_wrong(token):
            assert auth.half_spent(token)


def signing_is_wrong(token: str) -> bool:
    try:
        auth.visitor_id(token)
    except auth.NotAllowed:
        return True
    return False


def test_token_of_a_disabled_inbox_is_refused(visitor: Visitor) -> None:
    Inbox.objects.update(enabled=False)
    with pytest.raises(auth.NotAllowed):
        auth.visitor(auth.issue(visitor).text)


def test_resume_stays_in_its_inbox(visitor: Visitor) -> None:
    token = auth.issue(visitor).text
    assert auth.find_resumed(token, inbox=visitor.inbox) == visitor
    assert auth.find_resumed(token, inbox=InboxFactory.create()) is None


def test_half_spent_after_half_its_life(visitor: Visitor, settings: Any) -> None:
    token = auth.issue(visitor).text
    half = timedelta(seconds=settings.VISITOR_TOKEN_SECONDS // 2)
    with time_machine.travel(timezone.now() + half - timedelta(seconds=5)):
        assert not auth.half_spent(token)
    with time_machine.travel(timezone.now() + half + timedelta(seconds=5)):
        assert auth.half_spent(token)


@pytest.mark.parametrize(
    ("origin", "domains", "allowed"),
    [
        (None, [], True),
        ("https://chat.example", [], True),
        ("http://chat.example", [], True),
        ("HTTPS://CHAT.EXAMPLE", [], True),
        ("https://shop.example", [], False),
        ("https://shop.example", ["https://shop.example"], True),
        ("https://Shop.example", ["https://shop.Example"], True),
        ("http://shop.example", ["https://shop.example"], False),
        ("https://shop.example:8443", ["https://shop.example"], False),
        ("https://a.shop.example", ["https://shop.example"], False),
        ("https://shop.example.evil.example", ["https://shop.example"], False),
        ("https://evil.example", ["*"], True),
        ("null", [], False),
        ("null", ["*"], True),
        ("", [], False),
        ("file://", [], False),
        ("chrome-extension://chat.example", [], False),
        ("https://chat.example@evil.example", [], False),
        ("https://chat.example.evil.example", [], False),
        ("https://chat.example:444", [], False),
        ("http://[", [], False),
        ("https://[::1", ["https://shop.example"], False),
    ],
)
def test_origin_allowed(origin: str | None, domains: list[str], allowed: bool) -> None:
    inbox = Inbox(allowed_domains=domains)
    assert auth.origin_allowed(origin, host="chat.example", inbox=inbox) is allowed


def test_no_origin_is_ours_while_the_host_is_unknown() -> None:
    assert not auth.origin_allowed("https://", host="", inbox=Inbox(allowed_domains=[]))


def test_agent_of_a_member_of_staff_is_made_once() -> None:
    user = UserFactory.create(username="wang")
    assert auth.agent_of(user) == auth.agent_of(user) == Agent.objects.get()
    assert (Agent.objects.get().name, Agent.objects.get().presence) == ("wang", "away")


def test_agent_is_called_by_the_users_name_and_never_by_the_login() -> None:
    user = UserFactory.create(username="admin", first_name="", last_name="")
    nameless = auth.agent_of(user)
    assert (nameless.name, nameless.public_name) == ("admin", "")
    assert (nameless.called("zh"), nameless.called("en")) == ("客服", "Customer service")

    user.first_name, user.last_name = "小禾", "林"
    assert auth.agent_of(user).called("en") == "林小禾"
    Agent.objects.update(public_name="小禾")
    user.last_name = "王"
    assert auth.agent_of(user).called("zh") == "小禾"
    assert Agent.objects.get().public_name == "小禾"


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [("Ada", "Byron", "Ada Byron"), ("小禾", "林", "林小禾"), ("Ada", "", "Ada"), (" ", "", "")],
)
def test_full_name_is_in_the_order_of_its_script(first: str, last: str, whole: str) -> None:
    assert auth.full_name(UserFactory.build(first_name=first, last_name=last)) == whole


def test_agent_of_anyone_else_is_refused() -> None:
    others: list[Any] = [
        AnonymousUser(),
        UserFactory.create(is_staff=False),
        UserFactory.create(is_active=False),
    ]
    for user in others:
        with pytest.raises(auth.NotAllowed):
            auth.agent_of(user)
    assert not Agent.objects.exists()


def test_visitors_of_one_inbox_do_not_name_each_other(visitor: Visitor) -> None:
    other = VisitorFactory.create(inbox=visitor.inbox)
    assert auth.visitor(auth.issue(other).text) == other != visitor
