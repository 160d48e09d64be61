"""Inboxes with everything that staff decide about a widget, and what is seen of it in the wild."""

import re
import secrets
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from chat.inbox import colour, forms, hours, wording
from chat.inbox.problem import Problem
from chat.models.choices import among, choices
from chat.states import Reception

ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.-]+(:\d{1,5})?")
QUESTIONS, QUESTION_CHARS = 10, 60
TAGS, TAG_CHARS = 12, 30


def new_inbox_key() -> str:
    return f"ib_{secrets.token_urlsafe(12)}"


def as_validator(check: Callable[..., None]) -> Callable[..., None]:
    """The check as Django asks it of a field, speaking the language of the request at hand."""

    @wraps(check)
    def validate(value: object) -> None:
        try:
            check(value)
        except Problem as problem:
            raise as_error(problem) from None

    return validate


def as_error(problem: Problem) -> ValidationError:
    chinese = (get_language() or "zh").startswith("zh")
    return ValidationError(problem.zh if chinese else problem.en)


def check_origins(value: object) -> None:
    """Raises ValidationError unless `value` lists origins; they become part of a response header."""
    if not isinstance(value, list) or not all(
        isinstance(origin, str) and ORIGIN.fullmatch(origin) for origin in value
    ):
        raise as_error(
            Problem(
                "每行一个来源，如 https://shop.example；* 表示任何网站。",
                "One origin a line, as https://shop.example; * for any site.",
            )
        )


@as_validator
def check_questions(value: object) -> None:
    wording.check_lists(value, most=QUESTIONS, chars=QUESTION_CHARS)


@as_validator
def check_tags(value: object) -> None:
    wording.check_lists(value, most=TAGS, chars=TAG_CHARS)


@as_validator
def check_colour(value: str) -> None:
    colour.check(value)


@as_validator
def check_texts(value: object) -> None:
    wording.check_texts(value)


@as_validator
def check_hours(value: object) -> None:
    hours.check(value)


@as_validator
def check_fields(value: object) -> None:
    forms.check_fields(value)


@as_validator
def check_greetings(value: object) -> None:
    forms.check_greetings(value)


class Theme(models.TextChoices):
    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class Position(models.TextChoices):
    RIGHT = "right"
    LEFT = "left"


LOCALES = [(locale, locale) for locale in wording.LOCALES]


class Inbox(models.Model):
    """One embedded widget of one shop: its key, look, words, hours and allowed places."""

    key = models.CharField(max_length=64, unique=True, default=new_inbox_key)
    name = models.CharField(max_length=100)
    shop_name = models.CharField(max_length=100, blank=True)
    bot_name = models.CharField(max_length=50, default="小助手")
    locale = models.CharField(max_length=10, choices=LOCALES, default="zh-CN")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.AUTO)
    color = models.CharField(max_length=7, blank=True, validators=[check_colour])
    logo = models.CharField(max_length=100, blank=True, editable=False)
    position = models.CharField(max_length=5, choices=Position.choices, default=Position.RIGHT)
    sound = models.BooleanField(default=True)
    reception = models.CharField(
        max_length=20, choices=choices(Reception), default=Reception.BOT_FIRST.value
    )
    ai_label = models.BooleanField(default=True)
    uploads = models.BooleanField(default=True)
    quick_questions = models.JSONField(default=dict, blank=True, validators=[check_questions])
    texts = models.JSONField(default=dict, blank=True, validators=[check_texts])
    hours = models.JSONField(default=dict, blank=True, validators=[check_hours])
    prechat = models.JSONField(default=list, blank=True, validators=[check_fields])
    rating_tags = models.JSONField(default=dict, blank=True, validators=[check_tags])
    greetings = models.JSONField(default=list, blank=True, validators=[check_greetings])
    allowed_domains = models.JSONField(default=list, blank=True, validators=[check_origins])
    # Sealed: the one the shop signs with, and the one before it, which is honoured until then.
    identity_secret = models.TextField(blank=True, editable=False)
    identity_secret_before = models.TextField(blank=True, editable=False)
    identity_before_until = models.DateTimeField(null=True, blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "inboxes"
        constraints = [
            models.CheckConstraint(condition=among("reception", Reception), name="inbox_reception"),
            models.CheckConstraint(condition=Q(theme__in=Theme.values), name="inbox_theme"),
            models.CheckConstraint(
                condition=Q(position__in=Position.values), name="inbox_position"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IdentityUse(models.Model):
    """An identity token that was used: the same one opens nothing again. Kept until it would have expired."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    jti = models.CharField(max_length=200)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "jti"], name="identity_jti_once_per_inbox")
        ]

    def __str__(self) -> str:
        return self.jti


class WidgetSighting(models.Model):
    """The version of the widget that a shop's page showed last."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="sightings")
    origin = models.CharField(max_length=200)
    version = models.CharField(max_length=30)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "origin"], name="sighting_once_per_origin")
        ]

    def __str__(self) -> str:
        return f"{self.origin} {self.version}"
