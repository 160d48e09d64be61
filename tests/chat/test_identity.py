"""Signed identity: what proves a customer, what proves nothing, and that nobody gets another's conversation."""

import base64
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat import auth, identity, vault
from chat.actions import session
from chat.actions import visitor as actions
from chat.models import Conversation, IdentityUse, Inbox, VaultEntry, Visitor
from tests.factories import InboxFactory

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS = "/api/v1/client/sessions"
HERE = "127.0.0.1"
PHONE = "13812345678"


@pytest.fixture
def inbox() -> Any:
    return InboxFactory.create()


@pytest.fixture
def secret(inbox: Inbox) -> str:
    return identity.renew_secret(inbox)


def claims(**changes: Any) -> dict[str, Any]:
    basic = {"sub": "customer-1", "exp": int(time.time()) + 300, "jti": uuid.uuid4().hex}
    return {k: v for k, v in {**basic, **changes}.items() if v is not None}


def signed(secret: str, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm="HS256")


def ask(inbox: Inbox, token: str, **body: Any) -> Any:
    return Client().post(
        SESSIONS, {"inbox": inbox.key, "identity": token, **body}, content_type="application/json"
    )


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_signed_customer_is_verified_and_the_profile_sealed(inbox: Any, secret: str) -> None:
    body = ask(inbox, signed(secret, name="王小明", phone=PHONE, tier="vip")).json()

    visitor = Visitor.objects.get()
    assert body["verified"] is True
    assert (visitor.customer_id, visitor.tier) == ("customer-1", "vip")
    assert visitor.profile == {"name": "<NAME_1>", "phone": "<PHONE_1>"}
    assert VaultEntry.objects.count() == 2


def forged(inbox: Inbox, secret: str) -> dict[str, str]:
    header = {"alg": "none", "typ": "JWT"}
    good = signed(secret)
    head, _, signature = good.split(".")
    other = identity.renew_secret(InboxFactory.create())
    return {
        "alg none": f"{part(header)}.{part(claims())}.",
        "alg None, signature kept": f"{part({'alg': 'None'})}.{part(claims())}.{signature}",
        "another secret": signed("x" * 43),
        "another inbox": signed(other),
        "another customer under the same signature": f"{head}.{part(claims(sub='victim'))}.{signature}",
        "HS512": jwt.encode(claims(), secret + secret, algorithm="HS512"),
        "no signature": good.rsplit(".", 1)[0] + ".",
        "truncated": good[:-4],
        "the sealed secret": signed(inbox.identity_secret),
        "an empty secret": jwt_with_empty_key(),
        "expired": signed(secret, exp=int(time.time()) - 60),
        "good for too long": signed(secret, exp=int(time.time()) + 3600),
        "in milliseconds": signed(secret, exp=int(time.time() * 1000) + 60_000),
        "for ever": signed(secret, exp=None),
        "no jti": signed(secret, jti=None),
        "empty sub": signed(secret, sub=" "),
        "sub of control characters": signed(secret, sub="a\x00b"),
        "endless sub": signed(secret, sub="x" * 201),
        "exp is no number": f"{head}.{part(claims(exp='soon'))}.{signature}",
        "nothing": "",
        "words": "let me in",
        "endless": "a" * 5000,
    }


def jwt_with_empty_key() -> str:
    import hashlib
    import hmac

    text = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    digest = hmac.new(b"", text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_whatever_proves_nothing_is_refused_and_nobody_is_made(inbox: Any, secret: str) -> None:
    for name, token in forged(inbox, secret).items():
        response = ask(inbox, token)
        code = response.json().get("code")
        assert response.status_code in {401, 422}, name
        assert code in {"identity_invalid", "invalid_frame"}, name
        assert code == "identity_invalid" or len(token) > 4000, name
    assert not Visitor.objects.exists()
    assert not IdentityUse.objects.exists()


@pytest.mark.parametrize("sub", [None, 0, [], {}, True])
def test_an_id_that_is_no_text_is_refused(inbox: Any, secret: str, sub: Any) -> None:
    text = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({**claims(), 'sub': sub})}"
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = key.sign(text.encode(), key.prepare_key(secret))
    token = f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    assert ask(inbox, token).json()["code"] == "identity_invalid"


def test_an_inbox_without_a_secret_believes_nobody(inbox: Any) -> None:
    assert ask(inbox, jwt_with_empty_key()).json()["code"] == "identity_invalid"


def test_a_token_is_good_once(inbox: Any, secret: str) -> None:
    token = signed(secret)

    assert ask(inbox, token).status_code == 201
    assert ask(inbox, token).json()["code"] == "identity_invalid"
    assert Visitor.objects.count() == 1


def test_a_token_is_good_once_among_many_at_a_time(inbox: Any, secret: str) -> None:
    token = signed(secret)

    def one(_: int) -> int:
        try:
            status: int = ask(inbox, token).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(one, range(6)))
    assert statuses == [201, *[401] * 5]


def test_used_tokens_are_forgotten_once_they_would_have_expired(inbox: Any, secret: str) -> None:
    ask(inbox, signed(secret))
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        ask(inbox, signed(secret))

    assert IdentityUse.objects.count() == 1


# --- whose conversation ----------------------------------------------------------------------------


def spoken(visitor_id: str, text: str) -> Conversation:
    visitor = Visitor.objects.select_related("inbox").get(pk=visitor_id)
    actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address=HERE)
    return Conversation.objects.filter(visitor=visitor).latest("created_at")


def anonymous(inbox: Inbox) -> Any:
    return Client().post(SESSIONS, {"inbox": inbox.key}, content_type="application/json").json()


def test_an_anonymous_visitor_becomes_the_customer_and_old_tokens_die(
    inbox: Any, secret: str
) -> None:
    before = anonymous(inbox)
    conversation = spoken(before["visitor_id"], "在吗")

    after = ask(inbox, signed(secret), resume=before["token"]).json()

    assert after["visitor_id"] == before["visitor_id"]
    assert Conversation.objects.get() == conversation
    with pytest.raises(auth.NotAllowed):
        auth.visitor(before["token"])
    assert auth.visitor(after["token"]).verified


def test_a_known_customer_goes_on_elsewhere_and_the_stranger_stays_a_stranger(
    inbox: Any, secret: str
) -> None:
    first = ask(inbox, signed(secret)).json()
    elsewhere = anonymous(inbox)
    spoken(elsewhere["visitor_id"], "别人的话")

    again = ask(inbox, signed(secret), resume=elsewhere["token"]).json()

    assert again["visitor_id"] == first["visitor_id"]
    assert auth.visitor(first["token"]).pk == auth.visitor(again["token"]).pk
    assert not auth.visitor(elsewhere["token"]).verified


def test_another_customer_in_the_same_browser_sees_nothing_of_the_first(
    inbox: Any, secret: str
) -> None:
    first = ask(inbox, signed(secret)).json()
    spoken(first["visitor_id"], "私事")

    second = ask(inbox, signed(secret, sub="customer-2"), resume=first["token"]).json()

    assert second["visitor_id"] != first["visitor_id"]
    page = Client(headers={"authorization": f"Bearer {second['token']}"})
    assert page.get("/api/v1/client/conversation").json()["messages"] == []


def test_an_id_is_compared_letter_by_letter(inbox: Any, secret: str) -> None:
    for sub in ("Zoe\u0308", "Zo\u00eb", "zo\u00eb"):
        ask(inbox, signed(secret, sub=sub))

    assert Visitor.objects.count() == 3


def test_the_same_id_in_two_shops_is_two_customers(inbox: Any, secret: str) -> None:
    other = InboxFactory.create()
    there = ask(other, signed(identity.renew_secret(other))).json()

    assert ask(inbox, signed(secret)).json()["visitor_id"] != there["visitor_id"]


def test_logout_voids_every_token_and_the_next_is_somebody_new(inbox: Any, secret: str) -> None:
    body = ask(inbox, signed(secret)).json()
    page = Client(headers={"authorization": f"Bearer {body['token']}"})

    assert page.post("/api/v1/client/logout").status_code == 204

    assert page.get("/api/v1/client/conversation").status_code == 401
    fresh = Client().post(
        SESSIONS, {"inbox": inbox.key, "resume": body["token"]}, content_type="application/json"
    )
    assert fresh.json()["visitor_id"] != body["visitor_id"]


# --- secrets ---------------------------------------------------------------------------------------


def test_after_a_change_both_secrets_hold_for_a_day(inbox: Any, secret: str) -> None:
    fresh = identity.renew_secret(inbox)

    assert ask(inbox, signed(secret)).status_code == 201
    assert ask(inbox, signed(fresh)).status_code == 201
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert ask(inbox, signed(secret)).status_code == 401
        assert ask(inbox, signed(fresh)).status_code == 201


def test_a_leaked_secret_is_ended_at_once(inbox: Any, secret: str) -> None:
    identity.renew_secret(inbox)
    identity.revoke_before(inbox)

    assert ask(inbox, signed(secret)).status_code == 401


def test_secrets_are_sealed_and_sealed_anew_with_the_vault(
    inbox: Any, secret: str, settings: Any
) -> None:
    inbox.refresh_from_db()
    assert secret not in inbox.identity_secret
    settings.VAULT_KEYS = [b"k" * 32, *settings.VAULT_KEYS]
    vault.vault.cache_clear()
    try:
        call_command("rotate_vault", verbosity=0)
        inbox.refresh_from_db()
        settings.VAULT_KEYS = settings.VAULT_KEYS[:1]
        vault.vault.cache_clear()
        assert identity.secrets_of(inbox) == [secret]
    finally:
        vault.vault.cache_clear()


# --- where the widget is seen ----------------------------------------------------------------------


def test_the_version_on_a_page_is_kept_where_the_page_is_allowed(inbox: Any) -> None:
    inbox.allowed_domains = ["https://shop.example"]
    inbox.save()
    for origin in ("https://shop.example", "https://evil.example"):
        widget = {"version": "abc123", "origin": origin}
        body = {"inbox": inbox.key, "widget": widget}
        assert Client().post(SESSIONS, body, content_type="application/json").status_code == 201

    seen = inbox.sightings.get()
    assert (seen.origin, seen.version) == ("https://shop.example", "abc123")
    session.note_sighting(inbox, origin="https://shop.example", version="def456")
    seen.refresh_from_db()
    assert seen.version == "def456"
