"""What goes on at this moment, from the rows themselves: by indexes that hold only what is open, whatever the history."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Min, QuerySet

from chat import intake
from chat.models import Conversation, Turn
from chat.states import TURN_OPEN, Owner

LATELY = timedelta(minutes=5)
# The spans between queueing and answer, of turns that were queued lately.
ANSWERS = """
    SELECT count(*), count(*) FILTER (WHERE state = 'failed'),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at))
               FILTER (WHERE state = 'done'),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - queued_at))
               FILTER (WHERE state = 'done')
    FROM chat_turn JOIN chat_conversation AS c ON c.id = conversation_id
    WHERE queued_at >= %(since)s AND (%(all)s OR c.inbox_id = ANY (%(inboxes)s))
"""


def now(*, at: datetime, inboxes: tuple[int, ...] | None) -> dict[str, Any]:
    """Counts of this moment; `waited_seconds` of whoever has waited longest, None when nobody waits."""
    waiting = seen(inboxes).filter(owner=Owner.QUEUE.value, resolved_at=None)
    queue = waiting.aggregate(count=Count("pk"), since=Min("waiting_since"))
    active = seen(inboxes).filter(last_activity_at__gte=at - LATELY)
    served = seen(inboxes).filter(
        owner=Owner.AGENT.value, resolved_at=None, last_activity_at__gte=at - 12 * LATELY
    )
    turns = Turn.objects.all()
    if inboxes is not None:
        turns = turns.filter(conversation__inbox_id__in=inboxes)
    online = intake.online().filter(user__is_active=True, user__is_staff=True)
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "since": at - LATELY,
            "all": inboxes is None,
            "inboxes": list(inboxes or ()),
        }
        cursor.execute(ANSWERS, values)
        asked, failed, median, slow = cursor.fetchone()
    return {
        "active": active.count(),
        "waiting": queue["count"],
        "waited_seconds": (at - queue["since"]).total_seconds() if queue["since"] else None,
        "served": served.count(),
        # One by one: each state has an index of its own, which a list of states would not use.
        "answering": sum(turns.filter(state=state.value).count() for state in TURN_OPEN),
        "agents_online": online.count(),
        "turns": asked,
        "failed": failed,
        "p50_seconds": median,
        "p95_seconds": slow,
    }


def seen(inboxes: tuple[int, ...] | None) -> QuerySet[Conversation]:
    rows = Conversation.objects.all()
    return rows if inboxes is None else rows.filter(inbox_id__in=inboxes)
