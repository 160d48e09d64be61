"""Who is talking: visitor tokens, allowed origins, agents. Called by consumers, api and views."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from chat.models import Agent, Inbox, Visitor

SALT = "chat.visitor"
NAME_CHARS = 100
HAN = re.compile(r"[\u4e00-\u9fff]")


class NotAllowed(Exception):
    """The caller is not who it must be; says no more, so that nothing leaks."""


@dataclass(frozen=True, slots=True)
class Token:
    """A signed statement that the bearer is a visitor of an inbox."""

    text: str
    expires_at: datetime


def issue(visitor: Visitor) -> Token:
    """A token for `visitor`, valid for VISITOR_TOKEN_SECONDS."""
    said = {"v": visitor.pk.hex, "e": visitor.token_epoch}
    text = signing.dumps(said, salt=SALT, compress=False)
    return Token(text, timezone.now() + timedelta(seconds=settings.VISITOR_TOKEN_SECONDS))


def visitor_id(token: str) -> UUID:
    """The visitor a valid token names. Raises NotAllowed for a forged or expired one."""
    return named(token, max_age=settings.VISITOR_TOKEN_SECONDS)[0]


def named(token: str, *, max_age: int | None) -> tuple[UUID, int]:
    """The visitor a token names, and the epoch it was issued in."""
    try:
        said = signing.loads(token, salt=SALT, max_age=max_age)
        return UUID(said["v"]), int(said.get("e", 0))
    except (signing.BadSignature, AttributeError, KeyError, TypeError, ValueError):
        raise NotAllowed from None


def visitor(token: str) -> Visitor:
    """The visitor row, with its inbox, that a valid token names. Raises NotAllowed."""
    pk, epoch = named(token, max_age=settings.VISITOR_TOKEN_SECONDS)
    found = (
        Visitor.objects.select_related("inbox")
        .filter(pk=pk, token_epoch=epoch, inbox__enabled=True)
        .first()
    )
    if found is None:
        raise NotAllowed
    return found


def find_resumed(token: str, *, inbox: Inbox) -> Visitor | None:
    """The visitor of this inbox that an earlier token names, expired or not."""
    try:
        pk, epoch = named(token, max_age=None)
    except NotAllowed:
        return None
    known = Visitor.objects.select_related("inbox").filter(inbox=inbox)
    return known.filter(pk=pk, token_epoch=epoch).first()


def half_spent(token: str) -> bool:
    """True when half of the token's life is over, so that it should be renewed."""
    try:
        named(token, max_age=settings.VISITOR_TOKEN_SECONDS // 2)
    except NotAllowed:
        return True
    return False


def origin_allowed(origin: str | None, *, host: str, inbox: Inbox) -> bool:
    """True when a page at `origin` may talk to `inbox`.

    Pages of our own host may; others when the inbox lists them; a client that sends no Origin is no
    browser, so it cannot ride on anyone's cookies and its token alone decides.
    """
    if origin is None or same_host(origin, host=host):
        return True
    return "*" in inbox.allowed_domains or origin.lower() in map(str.lower, inbox.allowed_domains)


def same_host(origin: str, *, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # not a URL at all, as "http://["
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower() != ""


def agent_of(user: User | AnonymousUser) -> Agent:
    """The agent behind a signed-in member of staff. Raises NotAllowed for everyone else."""
    if not isinstance(user, User) or not (user.is_active and user.is_staff):
        raise NotAllowed
    name = full_name(user)[:NAME_CHARS]
    known = {"name": name or user.get_username(), "public_name": name}
    agent, is_new = Agent.objects.get_or_create(user=user, defaults=known)
    if name and not agent.public_name and not is_new:
        # The user's page got a name since; staff who want another one write it on the agent's page.
        Agent.objects.filter(pk=agent.pk, public_name="").update(public_name=name)
        agent.public_name = name
    return agent


def full_name(user: User) -> str:
    """First and last name, in the order that their script has."""
    names = [user.first_name.strip(), user.last_name.strip()]
    if any(HAN.search(name) for name in names):
        return "".join(reversed(names))
    return " ".join(filter(None, names))


def is_signed_in(agent: Agent, *, session_key: str) -> bool:
    """Whether the session, as it is stored now, still lets this agent in: not after logout, expiry or another password."""
    request = HttpRequest()
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
    user = get_user(request)
    return isinstance(user, User) and user.pk == agent.user_id and user.is_active and user.is_staff


def may_supervise(agent: Agent) -> bool:
    """Whether the agent sees the board and may act on others' conversations.

    Asks the rows: a socket keeps its agent for hours, and a user keeps the rights it was once asked for.
    """
    return User.objects.get(pk=agent.user_id).has_perm("chat.supervise")
