"""Makes the outcomes of conversations from their rows. The only place that says what "resolved by the bot" means."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

# Nobody says anything for so long: it is over, resolved or not, until the visitor writes again.
SETTLED_AFTER = timedelta(hours=2)
# The visitor writes again after so long a silence: a break, and a return.
BREAK = timedelta(minutes=30)
# A new conversation within this of the end of the last one says that it was no end.
REOPENED_WITHIN = timedelta(hours=24)
ANSWERED_MS, RESPONDED, WAITED_MS = 30_000, timedelta(minutes=3), 60_000
MADE_AT_ONCE = 500
# They say nothing of what a conversation is about.
SMALL_TALK = ("greeting", "thanks_bye", "confirm", "provide_info", "other")


def array(value: str) -> str:
    """The value as an array, whatever it is: one row of another shape must not stop the counting."""
    return f"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} ELSE '[]' END"


LINES = """
    SELECT count(*) FILTER (WHERE role = 'visitor') AS visitor_lines,
           count(*) FILTER (WHERE role = 'bot') AS bot_lines,
           count(*) FILTER (WHERE role = 'agent') AS agent_lines,
           count(*) FILTER (WHERE role = 'bot' AND meta ? 'unanswered') AS no_answer,
           count(*) FILTER (WHERE meta ->> 'feedback' = 'up') AS thumbs_up,
           count(*) FILTER (WHERE meta ->> 'feedback' = 'down') AS thumbs_down,
           (array_agg(role ORDER BY seq DESC))[1] AS last_role,
           (array_agg(meta ? 'unanswered' OR coalesce(meta ->> 'feedback' = 'down', false) ORDER BY seq DESC)
               FILTER (WHERE role = 'bot'))[1] AS ended_badly,
           coalesce((array_agg(meta ->> 'release' ORDER BY seq)
               FILTER (WHERE role = 'bot' AND meta ->> 'release' <> ''))[1], '') AS release,
           min(at) FILTER (WHERE role = 'agent') AS first_agent_at,
           max(at) FILTER (WHERE role = 'agent') AS last_agent_at,
           count(*) FILTER (WHERE role = 'agent' AND before = 'visitor') AS responses,
           count(*) FILTER (WHERE role = 'agent' AND before = 'visitor' AND at - before_at <= %(responded)s)
               AS responses_in_time,
           count(*) FILTER (WHERE role = 'visitor' AND at - before_at > %(break)s) AS returns
    FROM (SELECT role, seq, at, meta, lag(role) OVER line AS before, lag(at) OVER line AS before_at
          FROM chat_message WHERE conversation_id = c.id AND role <> 'system'
          WINDOW line AS (ORDER BY seq)) AS spoken
"""
TURNS = """
    SELECT count(*) AS turns,
           count(*) FILTER (WHERE state = 'failed') AS failed_turns,
           coalesce(string_agg(CASE decision -> 'analysis' -> 'emotion' ->> 0
               WHEN 'negative' THEN '-' WHEN 'neutral' THEN '0' WHEN 'positive' THEN '+' END,
               '' ORDER BY queued_at, id), '') AS moods,
           coalesce((array_agg(intent ORDER BY queued_at, id)
                        FILTER (WHERE intent <> ALL (%(small_talk)s) AND intent <> ''))[1],
                    (array_agg(intent ORDER BY queued_at, id) FILTER (WHERE intent <> ''))[1], '') AS intent
    FROM (SELECT *, coalesce(decision -> 'analysis' -> 'intents' -> 0 ->> 0, '') AS intent
          FROM chat_turn WHERE conversation_id = c.id AND state IN ('done', 'failed')) AS run
"""
WAITS = """
    SELECT count(*) > 0 AS escalated,
           (array_agg(escalation."end" ORDER BY opened_at DESC))[1] AS last_end,
           min(ended_at) FILTER (WHERE escalation."end" = 'claimed') AS claimed_at,
           (array_agg(round(extract(epoch FROM ended_at - opened_at) * 1000) ORDER BY opened_at)
               FILTER (WHERE escalation."end" = 'claimed'))[1]::bigint AS wait_ms
    FROM chat_escalation AS escalation WHERE conversation_id = c.id
"""
CALLS = """
    SELECT coalesce(round(sum(call.cost * CASE call.currency WHEN 'USD' THEN %(usd)s ELSE 1 END) * 1000000), 0)::bigint
               AS cost_micro_cny,
           coalesce(sum(call.input_tokens + call.output_tokens), 0)::bigint AS tokens
    FROM chat_turn AS run JOIN prompts_modelcall AS call ON call.trace_id = run.id::text
    WHERE run.conversation_id = c.id
"""
# What is known by name rather than by number.
NAMED = f"""
    SELECT coalesce(array_agg(DISTINCT left(name, 120) ORDER BY left(name, 120)), '{{}}') AS names FROM (
        SELECT 'reason:' || (reason ->> 'code') AS name FROM chat_escalation AS escalation
        CROSS JOIN LATERAL jsonb_array_elements({array("escalation.reasons")}) AS reason WHERE conversation_id = c.id
        UNION ALL
        SELECT 'sop:' || (cited ->> 'sop') FROM chat_message CROSS JOIN LATERAL jsonb_array_elements({array("meta -> 'citations'")}) AS cited
        WHERE conversation_id = c.id AND role = 'bot'
        UNION ALL
        SELECT 'masked:' || role || '/' || kind[1] FROM chat_message
        CROSS JOIN LATERAL regexp_matches(text, '<([A-Z][A-Z_]*)_[0-9]+>', 'g') AS kind
        WHERE conversation_id = c.id AND strpos(text, '<') > 0
        UNION ALL
        SELECT 'masked:out/' || kind FROM chat_turn CROSS JOIN LATERAL jsonb_object_keys(
            CASE jsonb_typeof(decision -> 'hidden') WHEN 'object' THEN decision -> 'hidden' ELSE '{{}}' END) AS kind
        WHERE conversation_id = c.id
        UNION ALL
        SELECT 'cause:' || (decision ->> 'cause') FROM chat_turn WHERE conversation_id = c.id
        UNION ALL
        SELECT 'model:' || call.endpoint FROM chat_turn AS run
        JOIN prompts_modelcall AS call ON call.trace_id = run.id::text
        WHERE run.conversation_id = c.id AND call.purpose = 'answer'
        UNION ALL
        SELECT 'error:' || call.error_class FROM chat_turn AS run
        JOIN prompts_modelcall AS call ON call.trace_id = run.id::text
        WHERE run.conversation_id = c.id AND call.error_class <> ''
        UNION ALL
        SELECT 'tag:' || tag FROM jsonb_array_elements_text({array("c.tags")}) AS tag
        UNION ALL
        SELECT 'praised:' || tag FROM jsonb_array_elements_text({array("rating.tags")}) AS tag
        UNION ALL
        SELECT 'revealed' FROM chat_reveal WHERE conversation_id = c.id
    ) AS named WHERE name IS NOT NULL
"""
FOUND = f"""
    SELECT c.id AS conversation_id, c.visitor_id, c.inbox_id, 'widget' AS channel, visitor.tier, turns.intent,
           lines.release, c.agent_id, c.created_at, c.last_activity_at AS last_at, c.resolved_at,
           CASE WHEN lines.visitor_lines = 0 THEN 'empty'
                WHEN c.resolved_at IS NULL AND c.last_activity_at > %(settled)s THEN 'open'
                WHEN lines.agent_lines > 0 AND rating.resolved IS FALSE THEN 'unresolved'
                WHEN lines.agent_lines > 0 THEN 'agent'
                WHEN waits.escalated AND waits.last_end <> 'left' OR lines.last_role = 'visitor' THEN 'abandoned'
                WHEN lines.ended_badly OR rating.resolved IS FALSE OR lines.bot_lines = 0 THEN 'unresolved'
                ELSE 'bot' END AS kind,
           waits.escalated,
           c.resolved_at IS NOT NULL AND EXISTS (
               SELECT 1 FROM chat_conversation AS next WHERE next.visitor_id = c.visitor_id AND next.last_seq > 0
               AND next.created_at > c.resolved_at AND next.created_at <= c.resolved_at + %(reopened)s) AS reopened,
           lines.visitor_lines, lines.bot_lines, lines.agent_lines, lines.no_answer, lines.thumbs_up,
           lines.thumbs_down, turns.turns, turns.failed_turns, turns.moods, lines.returns,
           lines.returns + CASE WHEN c.resolved_at IS NULL AND c.last_activity_at <= %(settled)s THEN 1 ELSE 0 END
               AS breaks,
           waits.wait_ms,
           CASE WHEN lines.first_agent_at >= waits.claimed_at
                THEN round(extract(epoch FROM lines.first_agent_at - waits.claimed_at) * 1000)::bigint END
               AS first_reply_ms,
           CASE WHEN lines.agent_lines > 0
                THEN round(extract(epoch FROM greatest(coalesce(c.resolved_at, lines.last_agent_at), lines.last_agent_at)
                                              - least(waits.claimed_at, lines.first_agent_at)) * 1000)::bigint END
               AS handle_ms,
           lines.responses, lines.responses_in_time, rating.score, rating.resolved AS said_resolved,
           calls.cost_micro_cny, calls.tokens, named.names
    FROM chat_conversation AS c
    JOIN chat_visitor AS visitor ON visitor.id = c.visitor_id
    LEFT JOIN chat_rating AS rating ON rating.conversation_id = c.id
    CROSS JOIN LATERAL ({LINES}) AS lines
    CROSS JOIN LATERAL ({TURNS}) AS turns
    CROSS JOIN LATERAL ({WAITS}) AS waits
    CROSS JOIN LATERAL ({CALLS}) AS calls
    CROSS JOIN LATERAL ({NAMED}) AS named
    WHERE c.id = ANY (%(ids)s)
"""
# A trait, and when a conversation has it.
TRAITS = {
    "escalated": "escalated",
    "taken_over": "agent_lines > 0",
    "reopened": "reopened",
    "contained": "NOT escalated AND agent_lines = 0",
    "by_itself": "kind = 'bot' AND NOT reopened",
    "no_answer": "no_answer > 0",
    "failed": "failed_turns > 0",
    "thumb:up": "thumbs_up > 0",
    "thumb:down": "thumbs_down > 0",
    "negative": "moods LIKE '%%-%%'",
    "negative_taken": "moods LIKE '%%-%%' AND agent_lines > 0",
    "recovered": "moods ~ '-[0+]'",
    "ended_negative": "moods LIKE '%%-'",
    "waited": "wait_ms IS NOT NULL",
    "waited_long": f"wait_ms > {WAITED_MS}",
    "replied_late": f"first_reply_ms > {ANSWERED_MS}",
    "returned": "returns > 0",
    "rated": "score IS NOT NULL",
    "said_unresolved": "said_resolved IS FALSE",
    "called": "tokens > 0",
}
COLUMNS = (
    "conversation_id", "visitor_id", "inbox_id", "channel", "tier", "intent", "release", "agent_id", "created_at",
    "last_at", "resolved_at", "kind", "escalated", "reopened", "visitor_lines", "bot_lines", "agent_lines", "no_answer",
    "thumbs_up", "thumbs_down", "turns", "failed_turns", "moods", "returns", "breaks", "wait_ms", "first_reply_ms",
    "handle_ms", "responses", "responses_in_time", "score", "said_resolved", "cost_micro_cny", "tokens",
)  # fmt: skip
# What stays as it was first found.
KEPT = {"conversation_id", "channel", "tier"}


def put_sql() -> str:
    """The statement that makes outcomes anew and writes those that differ."""
    traits = ",\n".join(f"CASE WHEN {when} THEN '{name}' END" for name, when in TRAITS.items())
    changed = [name for name in (*COLUMNS, "traits") if name not in KEPT]
    return f"""
        WITH found AS ({FOUND})
        INSERT INTO analytics_outcome AS was ({", ".join(COLUMNS)}, traits)
        SELECT {", ".join(COLUMNS)},
               array_remove(ARRAY[{traits}, 'kind:' || kind, 'rated:' || score,
                                  'release:' || nullif(release, '')], NULL) || names
        FROM found ORDER BY conversation_id
        ON CONFLICT (conversation_id) DO UPDATE SET
            {", ".join(f"{name} = EXCLUDED.{name}" for name in changed)}
        WHERE ({", ".join(f"was.{name}" for name in changed)})
            IS DISTINCT FROM ({", ".join(f"EXCLUDED.{name}" for name in changed)})
    """


PUT = put_sql()


def make(ids: Sequence[UUID], *, now: datetime) -> list[datetime]:
    """Makes the outcomes of these conversations as they stand; of those that are gone it removes them.

    Returns when they were begun: the moments whose counts change.
    """
    begun: list[datetime] = []
    for first in range(0, len(ids), MADE_AT_ONCE):
        begun += make_some(ids[first : first + MADE_AT_ONCE], now=now)
    return begun


def make_some(ids: Sequence[UUID], *, now: datetime) -> list[datetime]:
    values: dict[str, Any] = {
        "ids": list(ids),
        "settled": now - SETTLED_AFTER,
        "break": BREAK,
        "responded": RESPONDED,
        "reopened": REOPENED_WITHIN,
        "small_talk": list(SMALL_TALK),
        "usd": settings.CNY_PER["USD"],
    }
    with connection.cursor() as cursor:
        cursor.execute(PUT, values)
        cursor.execute(
            """SELECT created_at FROM analytics_outcome WHERE conversation_id = ANY (%(ids)s)""",
            values,
        )
        begun = [at for (at,) in cursor.fetchall()]
        cursor.execute(
            """DELETE FROM analytics_outcome WHERE conversation_id = ANY (%(ids)s) AND NOT EXISTS
               (SELECT 1 FROM chat_conversation AS c WHERE c.id = conversation_id)""",
            values,
        )
    return begun


def with_neighbours(ids: Iterable[UUID]) -> list[UUID]:
    """These conversations and those of the same visitors that ended shortly before one of them began."""
    wanted = list(ids)
    values: dict[str, Any] = {"ids": wanted, "within": REOPENED_WITHIN}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT before.id FROM chat_conversation AS c
               JOIN chat_conversation AS before ON before.visitor_id = c.visitor_id AND before.id <> c.id
               WHERE c.id = ANY (%(ids)s) AND before.resolved_at < c.created_at
                   AND before.resolved_at >= c.created_at - %(within)s
               UNION
               SELECT other.conversation_id FROM analytics_outcome AS gone
               JOIN analytics_outcome AS other ON other.visitor_id = gone.visitor_id AND other.reopened
               WHERE gone.conversation_id = ANY (%(ids)s)
                   AND NOT EXISTS (SELECT 1 FROM chat_conversation AS c WHERE c.id = gone.conversation_id)""",
            values,
        )
        return sorted({*wanted, *(pk for (pk,) in cursor.fetchall())})
