"""Who calls: visitors by token, agents by session, and from where."""

from uuid import UUID

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from chat import auth, serving
from chat.actions import attending
from chat.models import Agent, Inbox, Visitor
from chat.protocol import ProtocolError
from prompts import admission


class VisitorAuth(HttpBearer):
    """`Authorization: Bearer <visitor token>`."""

    def authenticate(self, request: HttpRequest, token: str) -> Visitor | None:
        try:
            visitor = auth.visitor(token)
        except auth.NotAllowed:
            return None
        check_origin(request, visitor.inbox)
        return visitor


class AgentAuth(SessionAuth):
    """A signed-in member of staff; the session cookie counts only with its CSRF token.

    Raises Conversation.DoesNotExist where the address names a conversation that the agent may not read.
    """

    def authenticate(self, request: HttpRequest, key: str | None) -> Agent | None:
        try:
            agent = auth.agent_of(request.user)
        except auth.NotAllowed:
            return None
        attending.heard(agent)
        # Here rather than in each call: one that is added later is scoped too.
        named = request.resolver_match.kwargs if request.resolver_match else {}
        if conversation := as_id(named.get("conversation_id")):
            serving.check(agent, conversation)
        return agent


def as_id(text: object) -> UUID | None:
    """None for what is no id, which the call itself refuses in its own words."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def check_origin(request: HttpRequest, inbox: Inbox) -> None:
    """Raises ProtocolError `forbidden_origin` for a page that the inbox does not list."""
    origin = request.headers.get("Origin")
    if not auth.origin_allowed(origin, host=request.get_host(), inbox=inbox):
        raise ProtocolError("forbidden_origin")


def address_of(request: HttpRequest) -> str:
    """Who sends the request, as far as we believe what we are told."""
    return admission.client_address(
        request.META.get("REMOTE_ADDR", ""), forwarded_for=request.headers.get("X-Forwarded-For")
    )


def bearer(request: HttpRequest) -> Visitor:
    visitor: Visitor = request.auth  # type: ignore[attr-defined]  # set by ninja
    return visitor


def staff(request: HttpRequest) -> Agent:
    member: Agent = request.auth  # type: ignore[attr-defined]  # set by ninja
    return member
