"""Tables of how things stand at this moment, beside the figures of the days: endpoints, agents, SOPs that went stale."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from analytics import reading, spans
from analytics.figures import FilledTable, Row
from analytics.reading import Question
from chat import intake
from chat.models import Agent, Inbox
from chat.states import Presence
from prompts import controls
from prompts.admin.trying import BREAKERS
from prompts.bilingual import both, pick
from prompts.models import ModelCall, ModelEndpoint, Sop

SHOWN = 30
LATELY = timedelta(minutes=5)
Columns = list[tuple[str, str]]


def endpoints(question: Question) -> FilledTable:
    """Every enabled endpoint with its breaker, as all processes share it, and its calls of the last minutes."""
    columns = said(
        (
            both("熔断器", "Breaker"),
            both(
                "连续失败后暂停询问；稍后放行一次试探，成功即恢复。",
                "After failures in a row it is not asked for a while; then one call probes whether it is back.",
            ),
        ),
        (
            both("最近 5 分钟调用", "Calls in five minutes"),
            both("所有接入点的调用，含未成功的。", "Of all inboxes, those that failed included."),
        ),
        (both("其中失败", "Failed of them"), both("没有得到回答的。", "Those without an answer.")),
    )
    names = list(ModelEndpoint.objects.filter(enabled=True).values_list("name", flat=True))
    calls = lately(timezone.now() - LATELY)
    states = controls.breakers(names)
    rows = [
        row(
            name, columns, str(BREAKERS[states[name]]), *(f"{n:,}" for n in calls.get(name, (0, 0)))
        )
        for name in names
    ]
    title = both("各模型此刻", "Models at this moment")
    return table(title, both("模型", "Model"), columns, rows)


def lately(since: datetime) -> dict[str, tuple[int, int]]:
    """Calls, and those that failed, by endpoint."""
    failed = ~Q(error_class="")
    made = ModelCall.objects.filter(at__gte=since).exclude(error_class="abandoned")
    counted = made.values_list("endpoint").annotate(
        calls=Count("pk"), failures=Count("pk", filter=failed)
    )
    return {name: (calls, failures) for name, calls, failures in counted.order_by()}


PRESENCES = {
    Presence.ONLINE.value: both("在线", "online"),
    Presence.BUSY.value: both("忙碌", "busy"),
    Presence.AWAY.value: both("离开", "away"),
}


def agents(question: Question) -> FilledTable:
    """Who is there and has how much in hand, in the inboxes the reader may see."""
    columns = said(
        (both("状态", "Presence"), both("坐席此刻的状态。", "As it is now.")),
        (
            both("在手 / 上限", "In hand / capacity"),
            both(
                "正由其接待、没有暂挂的会话；上限为自动分配的最多数。",
                "Conversations they have that are not set aside; the capacity is the most that is given out.",
            ),
        ),
        (both("暂挂", "Set aside"), both("暂挂的会话。", "Conversations that are snoozed.")),
    )
    rows = [
        row(
            agent.name,
            columns,
            str(PRESENCES[intake.presence_of(agent)]),
            f"{agent.load} / {agent.capacity}",
            str(agent.aside),
            bar=min(100.0, agent.load / agent.capacity * 100) if agent.capacity else 0.0,
        )
        for agent in staff(question.inboxes)
    ]
    return table(both("坐席此刻", "Agents at this moment"), both("坐席", "Agent"), columns, rows)


def staff(inboxes: tuple[int, ...] | None) -> Iterable[Any]:
    """All agents; for a reader of some inboxes those who have a conversation there."""
    mine = intake.in_hand()
    if inboxes is not None:
        mine = mine.filter(inbox__in=inboxes)
    found = Agent.objects.filter(user__is_active=True, user__is_staff=True).annotate(
        load=intake.number_of(mine.filter(snoozed=False)),
        aside=intake.number_of(mine.filter(snoozed=True)),
    )
    if inboxes is not None:
        found = found.filter(Q(load__gt=0) | Q(aside__gt=0))
    return found.order_by("-load", "name")[:SHOWN]


WHY = {
    1: both("已过有效期", "past its time"),
    2: both("复审日期已过", "its review is due"),
    3: both("这些天没有被引用", "not cited on these days"),
}


def sops(question: Question) -> FilledTable:
    """Enabled SOPs that are over, due for review, or were not cited on these days though older than they."""
    columns = said(
        (
            both("原因", "Why"),
            both(
                "有效期已过、复审日期已过，或在所选日期内没有被引用（日期开始后才修改的不算）。",
                "Past its time, due for review, or not cited on these days; one that was edited since they began does not count.",
            ),
        ),
        (both("语言", "Language"), both("SOP 的语言。", "The SOP's language.")),
        (both("修改于", "Edited"), both("最后一次修改。", "The last time.")),
    )
    stale = gone_stale(question, now=timezone.now())
    rows = [
        row(
            f"{each.title} ({each.key})",
            columns,
            str(WHY[each.why]),
            each.language,
            f"{timezone.localtime(each.updated_at):%Y-%m-%d}",
        )
        for each in stale.order_by("why", "updated_at", "pk")[:SHOWN]
    ]
    more = stale.count() - len(rows) if len(rows) == SHOWN else 0
    title = both("可能过时的 SOP", "SOPs that may be stale")
    return table(title, "SOP", columns, rows, more=more)


def gone_stale(question: Question, *, now: datetime) -> "QuerySet[Any]":
    cited, _ = reading.by_group(question, "sop", "label", {"conversations"})
    unused = ~Q(key__in=[key for key in cited if key]) & Q(updated_at__lt=question.period.since)
    found = Sop.objects.filter(enabled=True).annotate(
        why=Case(
            When(valid_to__lte=now, then=Value(1)),
            When(review_on__lt=spans.day_of(now), then=Value(2)),
            When(unused, then=Value(3)),
            default=None,
            output_field=IntegerField(),
        )
    )
    if question.inboxes is not None:
        mine = Q(shops=[])
        for key in Inbox.objects.filter(pk__in=question.inboxes).values_list("key", flat=True):
            mine |= Q(shops__contains=[key])
        found = found.filter(mine)
    return found.filter(why__isnull=False).only("title", "key", "language", "updated_at")


TABLES: dict[str, Callable[[Question], FilledTable]] = {
    "endpoints": endpoints,
    "agents": agents,
    "sops": sops,
}


def said(*columns: tuple[object, object]) -> Columns:
    return [(str(name), str(definition)) for name, definition in columns]


def row(name: str, columns: Columns, *texts: str, bar: float = 0.0) -> Row:
    cells = [(title, text) for (title, _), text in zip(columns, texts, strict=True)]
    return Row(name=name, query="", cells=cells, bar=bar)


def table(
    title: object, heading: object, columns: Columns, rows: list[Row], *, more: int = 0
) -> FilledTable:
    nothing = pick("此刻没有。", "None at this moment.")
    return FilledTable(
        title=str(title),
        heading=str(heading),
        definitions=columns,
        rows=rows,
        more=more,
        why_not=nothing,
    )
