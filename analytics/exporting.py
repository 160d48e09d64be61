"""Conversations as a file, a row each: figures and names, nothing that was said, and nothing a spreadsheet would run.

Called by tasks and views. A job is safe to run twice: whoever holds its lease writes it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation

from analytics import asking, listing, naming, spans
from analytics.models import Export, Outcome
from analytics.naming import KINDS, MOODS, TIERS, Names
from prompts import lease
from prompts.bilingual import both
from prompts.transfer.columns import inert
from prompts.transfer.writing import text_cell

log = structlog.get_logger(__name__)

ROWS_MOST = 100_000
TOLD_EACH = 1000
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=7)
State = Export.State


def named(outcome: Outcome, prefix: str) -> str:
    """What stands behind a prefix among the traits, as "asked, vip"."""
    start = len(prefix) + 1
    return ", ".join(trait[start:] for trait in outcome.traits if trait.startswith(f"{prefix}:"))


def at(moment: datetime | None) -> str:
    return moment.astimezone(spans.zone()).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def seconds(milliseconds: int | None) -> Any:
    return "" if milliseconds is None else round(milliseconds / 1000, 1)


def yes(value: "bool | int | None") -> Any:
    return "" if value is None else int(value)


# What each column is called, and what stands in it.
COLUMNS: tuple[tuple[Any, Callable[[Outcome, Names], Any]], ...] = (
    (both("会话", "Conversation"), lambda o, _: str(o.conversation_id)),
    (both("接入点", "Inbox"), lambda o, names: names.inboxes.get(o.inbox_id, "")),
    (both("渠道", "Channel"), lambda o, _: o.channel),
    (both("客户等级", "Tier"), lambda o, _: str(TIERS.get(o.tier, o.tier))),
    (both("意图", "Intent"), lambda o, names: names.intents.get(o.intent, o.intent)),
    (both("结局", "Outcome"), lambda o, _: str(KINDS[o.kind])),
    (both("开始", "Began"), lambda o, _: at(o.created_at)),
    (both("最后活动", "Last activity"), lambda o, _: at(o.last_at)),
    (both("结束", "Resolved"), lambda o, _: at(o.resolved_at)),
    (both("转人工", "Escalated"), lambda o, _: yes(o.escalated)),
    (both("转人工原因", "Reasons"), lambda o, _: named(o, "reason")),
    (both("重复来访", "Reopened"), lambda o, _: yes(o.reopened)),
    (both("坐席", "Agent"), lambda o, names: names.agents.get(str(o.agent_id), "")),
    (both("顾客消息", "Customer's lines"), lambda o, _: o.visitor_lines),
    (both("机器人消息", "Bot's lines"), lambda o, _: o.bot_lines),
    (both("坐席消息", "Agent's lines"), lambda o, _: o.agent_lines),
    (both("未答", "No answers"), lambda o, _: o.no_answer),
    (both("点赞", "Thumbs up"), lambda o, _: o.thumbs_up),
    (both("点踩", "Thumbs down"), lambda o, _: o.thumbs_down),
    (both("最初情绪", "First mood"), lambda o, _: str(MOODS[o.moods[0]]) if o.moods else ""),
    (both("最后情绪", "Last mood"), lambda o, _: str(MOODS[o.moods[-1]]) if o.moods else ""),
    (both("等待秒数", "Wait, s"), lambda o, _: seconds(o.wait_ms)),
    (both("首次应答秒数", "First reply, s"), lambda o, _: seconds(o.first_reply_ms)),
    (both("处理秒数", "Handle time, s"), lambda o, _: seconds(o.handle_ms)),
    (both("评分", "Rating"), lambda o, _: "" if o.score is None else o.score),
    (both("顾客说已解决", "Said to be resolved"), lambda o, _: yes(o.said_resolved)),
    (both("评价标签", "Customer's tags"), lambda o, _: named(o, "praised")),
    (both("坐席标签", "Agent's tags"), lambda o, _: named(o, "tag")),
    (both("发布", "Release"), lambda o, _: o.release),
    (both("模型", "Models"), lambda o, _: named(o, "model")),
    (both("SOP", "SOPs"), lambda o, _: named(o, "sop")),
    (both("token", "Tokens"), lambda o, _: o.tokens),
    (both("费用（元）", "Cost, CNY"), lambda o, _: round(o.cost_micro_cny / 1e6, 6)),
)


def run(pk: int) -> None:
    """Writes the file of a job that waits, or whose worker died."""
    with transaction.atomic():  # what is read is the lease that was written
        if not lease.claim(Export.objects.filter(pk=pk), LEASE, written=0):
            return
        job = Export.objects.defer("file").get(pk=pk)
    try:
        with translation.override(job.language):
            body = KINDS_OF_FILE[job.kind][1](rows(job))
    except LostLease:
        return
    except Exception:  # whatever it was, nobody waits for the file any longer
        log.exception("export_failed", job=pk)
        lease.end(held(job), State.FAILED)
        return
    lease.end(held(job), State.DONE, file=body)
    log.info("exported", job=pk, kind=job.kind)


class LostLease(Exception):
    """Another worker writes the file."""


def held(job: Export) -> QuerySet[Export]:
    """The job's row as long as this worker's lease on it holds."""
    return Export.objects.filter(pk=job.pk, state=State.RUNNING, lease_until=job.lease_until)


def renew(job: Export, *, written: int) -> None:
    """Tells how far it is. Raises LostLease."""
    with transaction.atomic():
        if not lease.keep(held(job), LEASE, written=written):
            raise LostLease
        job.refresh_from_db(fields=["lease_until"])


def rows(job: Export) -> Iterator[list[Any]]:
    """The heading, then a conversation each, the latest first; tells how far it is."""
    allowed = None if job.inboxes is None else tuple(job.inboxes)
    asked = asking.read(job.query, today=spans.day_of(job.created_at), allowed=allowed)
    names = naming.read(inboxes=allowed)
    found = listing.matching(asked.question, job.query).order_by("-created_at", "-conversation_id")[
        :ROWS_MOST
    ]
    held(job).update(total=found.count())
    yield [str(name) for name, _ in COLUMNS]
    for number, outcome in enumerate(found.iterator(chunk_size=TOLD_EACH), 1):
        yield [value(outcome, names) for _, value in COLUMNS]
        if number % TOLD_EACH == 0:
            renew(job, written=number)


def as_csv(found: Iterable[list[Any]]) -> bytes:
    """With a mark at the beginning, by which Excel knows UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in found:
        writer.writerow([inert(value) if isinstance(value, str) else value for value in row])
    return out.getvalue().encode("utf-8-sig")


def as_workbook(found: Iterable[list[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("conversations")
    try:
        for row in found:
            sheet.append([as_cell(sheet, value) for value in row])
    finally:
        # Also after a row that cannot be written: else what was begun is ended by chance, with an error of its own.
        sheet.close()
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_cell(sheet: Any, value: Any) -> Any:
    return text_cell(sheet, inert(value)) if isinstance(value, str) else value


KINDS_OF_FILE: dict[str, tuple[str, Callable[[Iterable[list[Any]]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_workbook),
}


def sweep() -> int:
    """Removes files that were asked for long ago; how many."""
    return Export.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
