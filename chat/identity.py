"""Who the shop says its customer is: HS256 JWTs signed with the inbox's secret, each good once and for minutes.

The secrets are sealed like personal data. After a change the secret before it is honoured for a while, so that a shop
can change its own copy at leisure. Called by actions and the admin.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat import protocol, vault
from chat.models import IdentityUse, Inbox
from chat.states import Tier
from prompts.redaction.vault import VaultError

log = structlog.get_logger(__name__)

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
AHEAD_MOST = timedelta(minutes=10)
# Clocks of shop and server differ a little.
LEEWAY = timedelta(seconds=30)
TOKEN_CHARS, ID_CHARS, VALUE_CHARS = 4000, 200, 100


class Invalid(Exception):
    """The token proves nothing. Says no more, so that nobody learns how far a forgery got."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a shop vouches for."""

    customer_id: str
    jti: str
    expires_at: datetime
    name: str = ""
    phone: str = ""
    tier: Tier | None = None


def verify(token: str, *, inbox: Inbox) -> Identity:
    """What the token says. Raises Invalid: forged, expired, valid for too long, of another inbox, incomplete."""
    if len(token) > TOKEN_CHARS:
        raise Invalid
    for secret in secrets_of(inbox):
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                leeway=LEEWAY,
                options={"require": ["sub", "exp", "jti"], "verify_aud": False},
            )
        except jwt.InvalidTokenError:
            continue
        return read(claims)
    raise Invalid


def read(claims: dict[str, Any]) -> Identity:
    """The claims, checked one by one: the signature says who wrote them, not that they make sense."""
    # As a number first: what some shops sign in milliseconds is no date that exists.
    latest = timezone.now() + AHEAD_MOST + LEEWAY
    if int(claims["exp"]) > latest.timestamp():
        raise Invalid
    expires_at = datetime.fromtimestamp(int(claims["exp"]), tz=UTC)
    tier = claims.get("tier")
    return Identity(
        customer_id=checked(claims["sub"], chars=ID_CHARS),
        jti=checked(claims["jti"], chars=ID_CHARS),
        expires_at=expires_at,
        name=checked(claims["name"], chars=VALUE_CHARS) if claims.get("name") else "",
        phone=checked(claims["phone"], chars=VALUE_CHARS) if claims.get("phone") else "",
        tier=Tier(tier) if tier in set(Tier) else None,
    )


def checked(value: object, *, chars: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > chars:
        raise Invalid
    if not protocol.storable(value):
        raise Invalid
    return value


def use(identity: Identity, *, inbox: Inbox) -> None:
    """Spends the token. Raises Invalid when it was spent before, also in this moment by another request."""
    IdentityUse.objects.filter(inbox=inbox, expires_at__lt=timezone.now() - LEEWAY).delete()
    try:
        with transaction.atomic():
            IdentityUse.objects.create(
                inbox=inbox, jti=identity.jti, expires_at=identity.expires_at + LEEWAY
            )
    except IntegrityError:
        raise Invalid from None


def renew_secret(inbox: Inbox) -> str:
    """Gives the inbox a new secret and returns it, the only time it is seen; the one before holds for OVERLAP."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    inbox.identity_secret_before = inbox.identity_secret
    inbox.identity_before_until = timezone.now() + OVERLAP if inbox.identity_secret else None
    inbox.identity_secret = vault.vault().seal(secret, bound_to=binding(inbox))
    save(inbox)
    return secret


def revoke_before(inbox: Inbox) -> None:
    """Ends the overlap at once, as after a leak."""
    inbox.identity_secret_before, inbox.identity_before_until = "", None
    save(inbox)


def save(inbox: Inbox) -> None:
    inbox.save(update_fields=["identity_secret", "identity_secret_before", "identity_before_until"])


def secrets_of(inbox: Inbox) -> list[str]:
    """The secrets that count now, newest first."""
    sealed = [inbox.identity_secret]
    if inbox.identity_before_until and inbox.identity_before_until > timezone.now():
        sealed.append(inbox.identity_secret_before)
    return [secret for token in sealed if token and (secret := unseal(token, inbox))]


def unseal(token: str, inbox: Inbox) -> str:
    try:
        return vault.vault().open_sealed(token, bound_to=binding(inbox))
    except VaultError:
        log.error("identity_secret_unopened", inbox=inbox.key)
        return ""


def rotate(inbox: Inbox) -> bool:
    """Seals the inbox's secrets with the first vault key; False when they already are."""
    fresh = [
        vault.vault().rotate(token, bound_to=binding(inbox)) if token else ""
        for token in (inbox.identity_secret, inbox.identity_secret_before)
    ]
    if fresh == [inbox.identity_secret, inbox.identity_secret_before]:
        return False
    inbox.identity_secret, inbox.identity_secret_before = fresh
    save(inbox)
    return True


def binding(inbox: Inbox) -> str:
    return f"identity {inbox.pk}"
