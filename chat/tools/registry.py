"""The tools of an inbox as values, read anew within seconds of an edit. No message waits for a query of its own."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chat.models import Tool
from chat.tools import addresses
from prompts import snapshot

PLACE_VALUE = "0"


@dataclass(frozen=True, slots=True)
class Spec:
    """One tool. Texts in pairs are Chinese and English."""

    id: int
    name: str
    titles: tuple[str, str]
    descriptions: tuple[str, str]
    effect: str
    method: str
    url: str
    auth_env: str
    timeout_seconds: float
    schema: Mapping[str, Any]
    intents: tuple[str, ...]
    sources: Mapping[str, str]
    personal: frozenset[str]
    needs_verified: bool
    needs_confirmation: bool
    owner_path: str
    # (path, Chinese, English) of what may be shown of a reply.
    shown: tuple[tuple[str, str, str], ...]
    replies: tuple[str, str]
    card: str

    @property
    def writes(self) -> bool:
        return self.effect == "write"

    @property
    def asks_first(self) -> bool:
        """True when the customer has to confirm before it runs."""
        return self.writes and self.needs_confirmation

    def title(self, language: str) -> str:
        return said_in(self.titles, language)

    def description(self, language: str) -> str:
        return said_in(self.descriptions, language) or self.descriptions[0]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.schema.get("properties", {})
        return found

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.schema.get("required", ()))

    def slot_of(self, argument: str) -> str:
        """The slot that an argument comes from."""
        return self.sources.get(argument, argument)


def said_in(pair: tuple[str, str], language: str) -> str:
    return pair[1] if language == "en" else pair[0]


@dataclass(frozen=True, slots=True)
class Registry:
    """All enabled tools by inbox, as of `taken_at` (monotonic seconds)."""

    by_inbox: Mapping[int, tuple[Spec, ...]]
    taken_at: float


def take_registry() -> Registry:
    taken_at = time.monotonic()
    by_inbox: dict[int, tuple[Spec, ...]] = {}
    for row in Tool.objects.filter(enabled=True).order_by("pk"):
        by_inbox[row.inbox_id] = (*by_inbox.get(row.inbox_id, ()), as_spec(row))
    return Registry(by_inbox, taken_at)


CACHE: snapshot.Cache[Registry] = snapshot.also_drop(snapshot.Cache(take_registry))


def of_inbox(inbox_id: int) -> tuple[Spec, ...]:
    """The enabled tools of an inbox, in the order they were made."""
    return CACHE.get().by_inbox.get(inbox_id, ())


def as_spec(row: Tool) -> Spec:
    return Spec(
        id=row.pk,
        name=row.name,
        titles=(row.title_zh, row.title_en),
        descriptions=(row.description_zh, row.description_en),
        effect=row.effect,
        method=row.method,
        url=row.url,
        auth_env=row.auth_env,
        timeout_seconds=row.timeout_seconds,
        schema=row.schema,
        intents=tuple(row.intents),
        sources=row.sources,
        personal=frozenset(row.personal),
        needs_verified=row.needs_verified,
        needs_confirmation=row.needs_confirmation,
        owner_path=row.owner_path,
        shown=tuple((entry["path"], entry["zh"], entry["en"]) for entry in row.shown),
        replies=(row.reply_zh, row.reply_en),
        card=row.card,
    )


def url_problem(url: str, *, arguments: Iterable[str], auth_env: str) -> tuple[str, str] | None:
    """Why a tool may not have this URL, in Chinese and English; None when it may.

    A key goes to hosts that the operator named, and nowhere else: who edits rows must not be able to send it away.
    """
    unknown = [name for name in addresses.PLACE.findall(url) if name not in set(arguments)]
    if unknown:
        return (
            f"网址里的 {{{unknown[0]}}} 不是参数。",
            f"{{{unknown[0]}}} in the URL is no argument.",
        )
    filled = addresses.PLACE.sub(PLACE_VALUE, url)
    try:
        target = addresses.target_of(filled)
    except addresses.BadAddress:
        return "需要完整的 http 或 https 网址。", "A whole http or https URL is wanted."
    if addresses.PLACE.search(url.split("/", 3)[2]):
        return "主机名里不能有参数。", "The host may not hold an argument."
    named = addresses.is_named(target, settings.TOOL_HOSTS)
    if auth_env and not named:
        return (
            f"密钥不会发送到 {target.host}：请先把它加入环境变量 YINGDA_TOOL_HOSTS。",
            f"No key is sent to {target.host}: add it to YINGDA_TOOL_HOSTS first.",
        )
    if not named and (reason := addresses.refusal(target.host)) not in {"", "unreadable"}:
        return (
            f"{target.host} 是内部地址：请先把它加入环境变量 YINGDA_TOOL_HOSTS。",
            f"{target.host} is an internal address ({reason}): add it to YINGDA_TOOL_HOSTS first.",
        )
    return None
