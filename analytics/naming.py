"""What values are called on pages: intents, agents, reasons, moods, kinds of personal data. Read once a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.pages import Table
from chat.admin.escalation import REASONS
from chat.models import Agent, Inbox
from prompts.admin.waterfall import CAUSES
from prompts.bilingual import both, pick
from prompts.models import Intent, ModelEndpoint, Release

KINDS = {
    "open": both("进行中", "open"),
    "bot": both("机器人解决", "resolved by the bot"),
    "agent": both("人工解决", "resolved by an agent"),
    "abandoned": both("放弃", "abandoned"),
    "unresolved": both("未解决", "not resolved"),
    "empty": both("没说话", "nothing said"),
}
# Where personal data was masked.
STAGES = {
    "visitor": both("顾客发来、存储之前", "in, from the customer, before storage"),
    "agent": both("坐席发来、存储之前", "in, from an agent, before storage"),
    "bot": both("机器人提到顾客本人的", "out, the customer's own in the bot's answer"),
    "out": both("模型输出中他人的、发出之前", "out, other people's in a model's answer"),
    "system": both("系统", "system"),
}
SOOTHING = {
    "with": both("带有情绪补充", "with its words for a negative mood"),
    "without": both("没有情绪补充（或由 SOP 回答）", "without them, or answered by an SOP"),
}
MOODS = {"-": both("负面", "negative"), "0": both("中性", "neutral"), "+": both("正面", "positive")}
TIERS = {"standard": both("普通", "standard"), "vip": both("VIP", "VIP")}
# What values of a table's family are called.
WORDS: dict[str, Mapping[Any, Any]] = {"reason": REASONS, "cause": CAUSES, "soothing": SOOTHING}


@dataclass(frozen=True, slots=True)
class Names:
    """The rows that pages call by name, as they are now."""

    inboxes: Mapping[int, str]
    intents: Mapping[str, str]
    agents: Mapping[str, str]
    endpoints: tuple[str, ...]
    releases: tuple[str, ...]

    def of(self, table: Table, value: str) -> str:
        """What a row of a table is called."""
        if not value:
            return NOTHING[table.dimension if table.dimension != "label" else table.family]()
        if table.dimension == "intent":
            return self.intents.get(value, value)
        if table.family == "agent":
            return self.agents.get(value, f"#{value}")
        if table.family == "mood":
            return pick(f"第 {int(value)} 轮", f"turn {int(value)}")
        if table.family == "rated":
            return pick(f"{value} 分", f"{value} of 5")
        if table.family == "masked":
            stage, _, kind = value.partition("/")
            return f"{STAGES.get(stage, stage)} / {kind}"
        return str(WORDS.get(table.family, {}).get(value, value))


NOTHING = {
    "intent": lambda: pick("（没有意图）", "(no intent)"),
    "release": lambda: pick("（不属于发布）", "(of no release)"),
    "model": lambda: pick("（没有模型）", "(no model)"),
    "agent": lambda: pick("（没有坐席）", "(no agent)"),
    "call": lambda: pick("（对照组）", "(control)"),
    "reveal": lambda: pick("（其他）", "(other)"),
}


def read(*, inboxes: tuple[int, ...] | None) -> Names:
    """The names a reader of these inboxes needs."""
    rows = Inbox.objects.order_by("name")
    if inboxes is not None:
        rows = rows.filter(pk__in=inboxes)
    field = pick("title_zh", "title_en")
    return Names(
        inboxes=dict(rows.values_list("pk", "name")),
        intents={name: title or name for name, title in Intent.objects.values_list("name", field)},
        agents={str(pk): name for pk, name in Agent.objects.values_list("pk", "name")},
        endpoints=tuple(ModelEndpoint.objects.values_list("name", flat=True)),
        releases=tuple(Release.objects.order_by("-pk").values_list("name", flat=True)[:50]),
    )
