"""Who talks: visitors with what is kept of them, and agents."""

import uuid
from typing import Literal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.choices import among, choices
from chat.models.inboxes import Inbox
from chat.states import Presence, Tier
from prompts.bilingual import pick

# What an agent without a public name is called.
UNNAMED = {"zh": "客服", "en": "Customer service"}


class Visitor(models.Model):
    """A customer's browser, anonymous until the shop identifies it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inbox = models.ForeignKey(Inbox, on_delete=models.PROTECT, related_name="visitors")
    locale = models.CharField(max_length=10, default="zh-CN")
    tier = models.CharField(max_length=10, choices=choices(Tier), default=Tier.STANDARD.value)
    # The shop's own id of its customer, once it has vouched for it; the only thing that verifies a visitor.
    customer_id = models.CharField(max_length=200, blank=True, editable=False)
    profile = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="As vouched for: placeholders of name and phone",
    )
    attributes = models.JSONField(
        default=dict, blank=True, editable=False, help_text="As a page says, unverified"
    )
    # Tokens of an earlier epoch are void: after a login, a logout and an erasure.
    token_epoch = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("tier", Tier), name="visitor_tier"),
            models.UniqueConstraint(
                fields=["inbox", "customer_id"],
                condition=~Q(customer_id=""),
                name="visitor_customer_once_per_inbox",
            ),
        ]

    def __str__(self) -> str:
        return pick(f"访客 {self.pk.hex[:8]}", f"visitor {self.pk.hex[:8]}")

    @property
    def verified(self) -> bool:
        """Whether the shop has vouched for who this is."""
        return self.customer_id != ""

    @property
    def language(self) -> Literal["zh", "en"]:
        """The language we write to the visitor in: "zh" or "en"."""
        return "zh" if self.locale.lower().startswith("zh") else "en"


class VaultEntry(models.Model):
    """Personal data a visitor gave, sealed. Everywhere else stands its placeholder, as <PHONE_1>."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="vault")
    placeholder = models.CharField(max_length=30)
    # Of the value, keyed: the same value gets the same placeholder, and nobody can guess it back.
    digest = models.CharField(max_length=32)
    sealed = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "vault entries"
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "placeholder"], name="vault_placeholder_once"
            ),
            models.UniqueConstraint(fields=["visitor", "digest"], name="vault_digest_once"),
        ]

    def __str__(self) -> str:
        return self.placeholder


class Agent(models.Model):
    """A member of staff who answers customers."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    # Among colleagues; the name of the login where nothing else is known.
    name = models.CharField(max_length=100)
    public_name = models.CharField(
        max_length=100,
        blank=True,
        help_text="What customers read; empty: the user's name, or customer service. Never the login",
    )
    avatar = models.CharField(max_length=200, blank=True)
    presence = models.CharField(
        max_length=10, choices=choices(Presence), default=Presence.AWAY.value
    )
    # Of the console that was opened last, "zh" or "en"; empty: not known. What a model writes for the agent is in it.
    language = models.CharField(max_length=2, blank=True, editable=False)
    # When the console of the agent was last heard of; empty where presence was never set there.
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    # How many conversations are given to the agent at once, at most; 0: none is.
    capacity = models.PositiveSmallIntegerField(default=5)
    inboxes = models.ManyToManyField(
        Inbox, related_name="agents", blank=True, help_text="Whose conversations; none: all"
    )
    # In a row, since the last conversation that was taken.
    misses = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("presence", Presence), name="agent_presence")
        ]
        permissions = [("supervise", "Can see the board, take over, reassign and pause the intake")]

    def __str__(self) -> str:
        return self.name

    def called(self, language: Literal["zh", "en"]) -> str:
        """What customers of that language read; never the name of the login."""
        return self.public_name or UNNAMED[language]
