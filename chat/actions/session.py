"""A visitor's session: somebody new, somebody known, or somebody the shop vouches for; and its end. Called by api."""

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from chat import auth, identity, vault
from chat.actions import visitor as visitor_actions
from chat.actions.admitting import check_admitted
from chat.identity import Identity
from chat.models import Conversation, Inbox, Visitor, WidgetSighting
from chat.protocol import ProtocolError
from prompts import admission

log = structlog.get_logger(__name__)

# Beyond this a page that may be embedded anywhere is no longer listed by where it is.
SIGHTINGS_MOST = 200
SEEN_AGAIN_SECONDS = 3600


def open_session(
    inbox: Inbox,
    *,
    locale: str | None,
    resume: str | None,
    address: str,
    vouched: str | None = None,
) -> Visitor:
    """The visitor a new session belongs to: whom the shop vouches for, else whom an earlier token names, else a new one.

    The language is the one asked for now. Raises ProtocolError `rate_limited`, `identity_invalid`.
    """
    check_admitted(admission.admit_session(address))
    known = auth.find_resumed(resume, inbox=inbox) if resume else None
    if vouched is not None:
        known = identify(inbox, vouched, known=known, locale=locale)
    if known is None:
        return Visitor.objects.create(inbox=inbox, locale=locale or inbox.locale)
    if locale and locale != known.locale:
        known.locale = locale
        known.save(update_fields=["locale"])
    return known


def identify(inbox: Inbox, token: str, *, known: Visitor | None, locale: str | None) -> Visitor:
    """The visitor of the customer the token names. Raises ProtocolError `identity_invalid`.

    Whoever was anonymous so far becomes that customer, with the own conversation; a customer known already goes on
    with the conversation of before. Nobody ever sees a conversation of another customer.
    """
    vault.load()
    try:
        claims = identity.verify(token, inbox=inbox)
        with transaction.atomic():
            identity.use(claims, inbox=inbox)
            visitor = customer(inbox, claims, known=known, locale=locale)
            keep_profile(visitor, claims)
    except identity.Invalid:
        log.info("identity_refused", inbox=inbox.key)
        raise ProtocolError("identity_invalid") from None
    return visitor


def customer(
    inbox: Inbox, claims: Identity, *, known: Visitor | None, locale: str | None
) -> Visitor:
    customers = Visitor.objects.select_related("inbox").filter(
        inbox=inbox, customer_id=claims.customer_id
    )
    found = customers.first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            if known is not None and becomes(known, claims):
                return known
            return Visitor.objects.create(
                inbox=inbox, locale=locale or inbox.locale, customer_id=claims.customer_id
            )
    except IntegrityError:  # another device was faster
        return customers.get()


def becomes(known: Visitor, claims: Identity) -> bool:
    """Makes an anonymous visitor the customer, and voids the tokens of before; False for one who is somebody."""
    anonymous = Visitor.objects.filter(pk=known.pk, customer_id="")
    if not anonymous.update(customer_id=claims.customer_id, token_epoch=F("token_epoch") + 1):
        return False
    known.refresh_from_db()
    return True


def keep_profile(visitor: Visitor, claims: Identity) -> None:
    """Seals name and phone; sets the tier if the shop names one."""
    conversation = visitor_actions.enter(visitor)
    Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)
    profile = dict(visitor.profile)
    if claims.name:
        profile["name"] = vault.seal_value(visitor, claims.name, type_="NAME")
    if claims.phone:
        profile["phone"] = vault.seal_value(visitor, claims.phone, type_="PHONE")
    visitor.profile = profile
    visitor.tier = (claims.tier or visitor.tier) + ""
    visitor.save(update_fields=["profile", "tier"])


def end_session(visitor: Visitor) -> None:
    """Voids every token of the visitor: whoever comes next in this browser is somebody new."""
    Visitor.objects.filter(pk=visitor.pk).update(token_epoch=F("token_epoch") + 1)


def note_sighting(inbox: Inbox, *, origin: str, version: str) -> None:
    """Keeps which version of the widget a page showed last; at most one write an hour for each."""
    now = timezone.now()
    seen = WidgetSighting.objects.filter(inbox=inbox)
    last = seen.filter(origin=origin).first()
    if last is None:
        if seen.count() < SIGHTINGS_MOST:
            WidgetSighting.objects.bulk_create(
                [WidgetSighting(inbox=inbox, origin=origin, version=version)], ignore_conflicts=True
            )
    elif last.version != version or (now - last.seen_at).total_seconds() > SEEN_AGAIN_SECONDS:
        seen.filter(pk=last.pk).update(version=version, seen_at=now)
