"""Every figure once more, slowly, by one statement over the raw rows: an independent reading of its definition."""

from typing import Any

from django.conf import settings
from django.db import connection

SPOKE = "EXISTS (SELECT FROM chat_message m WHERE m.conversation_id = c.id AND m.role = '{}')"
AGENT = SPOKE.format("agent")
QUIET = "(c.resolved_at IS NULL AND c.last_activity_at <= %(now)s - interval '2 hours')"
OVER = f"(c.resolved_at IS NOT NULL OR {QUIET})"
WAITED = "EXISTS (SELECT FROM chat_escalation e WHERE e.conversation_id = c.id)"
LAST_END = """(SELECT e."end" FROM chat_escalation e WHERE e.conversation_id = c.id ORDER BY opened_at DESC LIMIT 1)"""
LAST_ROLE = "(SELECT role FROM chat_message m WHERE m.conversation_id = c.id AND role <> 'system' ORDER BY seq DESC LIMIT 1)"
LAST_ANSWER = "(SELECT meta FROM chat_message m WHERE m.conversation_id = c.id AND role = 'bot' ORDER BY seq DESC LIMIT 1)"
SAID_NO = "EXISTS (SELECT FROM chat_rating r WHERE r.conversation_id = c.id AND NOT r.resolved)"
LEFT_ALONE = f"(NOT {AGENT} AND ({WAITED} AND {LAST_END} <> 'left' OR {LAST_ROLE} = 'visitor'))"
BADLY = f"({LAST_ANSWER} IS NULL OR {LAST_ANSWER} ? 'unanswered' OR coalesce({LAST_ANSWER} ->> 'feedback', '') = 'down' OR {SAID_NO})"
BY_BOT = f"({OVER} AND NOT {AGENT} AND NOT {LEFT_ALONE} AND NOT {BADLY})"
BY_AGENT = f"({OVER} AND {AGENT} AND NOT {SAID_NO})"
ABANDONED = f"({OVER} AND {LEFT_ALONE})"
UNRESOLVED = (
    f"({OVER} AND (({AGENT} AND {SAID_NO}) OR (NOT {AGENT} AND NOT {LEFT_ALONE} AND {BADLY})))"
)
AGAIN = """EXISTS (SELECT FROM chat_conversation n WHERE n.visitor_id = c.visitor_id AND n.last_seq > 0
    AND n.created_at > c.resolved_at AND n.created_at - c.resolved_at <= interval '24 hours')"""
MOOD = "t.decision #>> '{analysis,emotion,0}'"
RUNS = "chat_turn t WHERE t.conversation_id = c.id AND t.state IN ('done', 'failed')"
NEGATIVE = f"EXISTS (SELECT FROM {RUNS} AND {MOOD} = 'negative')"
BETTER = f"""EXISTS (SELECT FROM (SELECT {MOOD} AS mood, lead({MOOD}) OVER (ORDER BY queued_at, id) AS next FROM {RUNS}) w
    WHERE mood = 'negative' AND next <> 'negative')"""
STAYED = f"(SELECT {MOOD} FROM {RUNS} ORDER BY queued_at DESC, id DESC LIMIT 1) = 'negative'"


def among(condition: str) -> str:
    """How many conversations of the period are so."""
    return f"""SELECT count(*) FROM chat_conversation c WHERE c.created_at >= %(since)s AND c.created_at < %(until)s
        AND {SPOKE.format("visitor")} AND ({condition}) AND c.inbox_id = ANY (%(inboxes)s)"""


def over(value: str, table: str, condition: str = "true") -> str:
    """A sum over rows that belong to those conversations."""
    return f"""SELECT coalesce({value}, 0) FROM chat_conversation c JOIN {table} ON x.conversation_id = c.id
        WHERE c.created_at >= %(since)s AND c.created_at < %(until)s AND {SPOKE.format("visitor")} AND ({condition})
        AND c.inbox_id = ANY (%(inboxes)s)"""


def called(value: str, condition: str = "true") -> str:
    return f"""SELECT {value} FROM prompts_modelcall x JOIN chat_inbox i ON i.key = x.inbox WHERE x.at >= %(since)s
        AND x.at < %(until)s AND x.error_class <> 'abandoned' AND ({condition}) AND i.id = ANY (%(inboxes)s)"""


ALL = among("true")
BOT_LINES = over("count(*)", "chat_message x", "x.role = 'bot'")
VISITOR_LINES = over("count(*)", "chat_message x", "x.role = 'visitor'")
TURNS = over("count(*)", "chat_turn x", "x.state IN ('done', 'failed')")
RETURNS = over(
    "count(*)",
    """(SELECT conversation_id, role, at - lag(at) OVER (PARTITION BY conversation_id ORDER BY seq) AS gap
        FROM chat_message WHERE role <> 'system') x""",
    "x.role = 'visitor' AND x.gap > interval '30 minutes'",
)
CLAIMED = """(SELECT DISTINCT ON (conversation_id) conversation_id, ended_at, ended_at - opened_at AS waited
    FROM chat_escalation WHERE "end" = 'claimed' ORDER BY conversation_id, opened_at) x"""
ANSWERED = """(SELECT conversation_id, min(at) AS first_at, (SELECT min(ended_at) FROM chat_escalation e
    WHERE e.conversation_id = m.conversation_id AND e."end" = 'claimed') AS claimed_at
    FROM chat_message m WHERE role = 'agent' GROUP BY 1) x"""
HANDLED = """(SELECT m.conversation_id, greatest(coalesce(k.resolved_at, max(m.at)), max(m.at)) - least(min(m.at),
    (SELECT min(ended_at) FROM chat_escalation e WHERE e.conversation_id = k.id AND e."end" = 'claimed')) AS took
    FROM chat_message m JOIN chat_conversation k ON k.id = m.conversation_id WHERE role = 'agent'
    GROUP BY m.conversation_id, k.id) x"""
RESPONSES = """(SELECT conversation_id, role, lag(role) OVER w AS before, at - lag(at) OVER w AS took FROM chat_message
    WHERE role <> 'system' WINDOW w AS (PARTITION BY conversation_id ORDER BY seq)) x"""
MS = "round(extract(epoch FROM {}) * 1000)"
COST = "sum(x.cost * CASE x.currency WHEN 'USD' THEN %(usd)s ELSE 1 END)"
OF_TURNS = "(SELECT t.conversation_id, m.* FROM prompts_modelcall m JOIN chat_turn t ON t.id::text = m.trace_id) x"
RATINGS = over("count(*)", "chat_rating x")
ANSWERS = "count(DISTINCT trace_id) FILTER (WHERE purpose = 'answer'{})"
ASKED = called(ANSWERS.format(""))
QUEUED = """SELECT {} FROM chat_turn x JOIN chat_conversation c ON c.id = x.conversation_id WHERE x.queued_at >= %(since)s
    AND x.queued_at < %(until)s AND c.inbox_id = ANY (%(inboxes)s)"""
RAN = QUEUED.format("count(*) FILTER (WHERE state IN ('done', 'failed'))")
SOOTHED = f"""(SELECT *, lead({MOOD}) OVER (PARTITION BY conversation_id ORDER BY queued_at, id) AS next
    FROM chat_turn t WHERE state IN ('done', 'failed')) x"""
UPSET = "x.state = 'done' AND x.decision #>> '{analysis,emotion,0}' = 'negative'"
# What tables show: {what it is: (conversations, those an agent wrote in)}, of a table of (conversation, label).
LABELLED = f"""SELECT label, count(*), count(*) FILTER (WHERE {AGENT}) FROM chat_conversation c
    JOIN LATERAL (SELECT DISTINCT label FROM ({{}}) AS named(label) WHERE label IS NOT NULL) AS each ON true
    WHERE c.created_at >= %(since)s AND c.created_at < %(until)s AND {SPOKE.format("visitor")}
    AND c.inbox_id = ANY (%(inboxes)s) GROUP BY 1"""
KINDS = "unnest(regexp_split_to_array(m.text, '(?=<[A-Z_]+_[0-9]+>)')) AS piece"
LABELS: dict[str, str] = {
    "reason": """SELECT r ->> 'code' FROM chat_escalation e, jsonb_array_elements(e.reasons) r
        WHERE e.conversation_id = c.id""",
    "sop": """SELECT cited ->> 'sop' FROM chat_message m, jsonb_array_elements(m.meta -> 'citations') cited
        WHERE m.conversation_id = c.id AND m.role = 'bot'""",
    "cause": "SELECT t.decision ->> 'cause' FROM chat_turn t WHERE t.conversation_id = c.id",
    "error": """SELECT m.error_class FROM prompts_modelcall m WHERE m.error_class <> '' AND m.trace_id IN
        (SELECT t.id::text FROM chat_turn t WHERE t.conversation_id = c.id)""",
    "masked": f"""SELECT m.role || '/' || substring(piece FROM '^<([A-Z_]+)_[0-9]+>') FROM chat_message m, {KINDS}
        WHERE m.conversation_id = c.id
        UNION ALL SELECT 'out/' || kind FROM chat_turn t, jsonb_each(t.decision -> 'hidden') AS hid(kind, times)
        WHERE t.conversation_id = c.id""",
    "rated": "SELECT x.score::text FROM chat_rating x WHERE x.conversation_id = c.id",
    "praised": """SELECT tag FROM chat_rating x, jsonb_array_elements_text(x.tags) tag
        WHERE x.conversation_id = c.id""",
    "tag": "SELECT tag FROM jsonb_array_elements_text(c.tags) tag",
}

# Part and whole of each figure; a figure that is a plain number has no whole.
RECOUNTS: dict[str, tuple[str, str | None]] = {
    "conversations": (ALL, None),
    "open": (among(f"NOT {OVER}"), None),
    "by_bot": (among(BY_BOT), None),
    "by_agent": (among(BY_AGENT), None),
    "n_by_bot": (among(BY_BOT), None),
    "n_by_agent": (among(BY_AGENT), None),
    "n_abandoned": (among(ABANDONED), None),
    "n_unresolved": (among(UNRESOLVED), None),
    "n_open": (among(f"NOT {OVER}"), None),
    "abandoned": (among(ABANDONED), ALL),
    "unresolved": (among(UNRESOLVED), ALL),
    "containment": (among(f"{OVER} AND NOT {WAITED} AND NOT {AGENT}"), ALL),
    "self_service": (among(f"{BY_BOT} AND NOT (c.resolved_at IS NOT NULL AND {AGAIN})"), ALL),
    "reopened": (among(AGAIN), among("c.resolved_at IS NOT NULL")),
    "no_answer": (
        over("count(*)", "chat_message x", "x.role = 'bot' AND x.meta ? 'unanswered'"),
        BOT_LINES,
    ),
    "takeover": (among(AGENT), ALL),
    "escalated": (among(WAITED), ALL),
    "resumed": (RETURNS, f"SELECT ({RETURNS}) + ({among(QUIET)})"),
    "lines": (VISITOR_LINES, ALL),
    "failed_turns": (over("count(*)", "chat_turn x", "x.state = 'failed'"), TURNS),
    "negative": (among(NEGATIVE), ALL),
    "recovered": (among(BETTER), among(NEGATIVE)),
    "ended_negative": (among(STAYED), among(NEGATIVE)),
    "negative_taken": (among(f"{NEGATIVE} AND {AGENT}"), among(NEGATIVE)),
    "soothed_turns": (over("count(*)", SOOTHED, UPSET), None),
    "softened": (
        over("count(*)", SOOTHED, f"{UPSET} AND next <> 'negative'"),
        over("count(*)", SOOTHED, f"{UPSET} AND next IS NOT NULL"),
    ),
    "soothed_taken": (
        over("count(*)", SOOTHED, f"{UPSET} AND {AGENT}"),
        over("count(*)", SOOTHED, UPSET),
    ),
    "score": (over("sum(x.score)", "chat_rating x"), RATINGS),
    "rated": (RATINGS, ALL),
    "satisfied": (over("count(*)", "chat_rating x", "x.score IN (4, 5)"), RATINGS),
    "said_resolved": (over("count(*)", "chat_rating x", "x.resolved"), RATINGS),
    "thumbs_up": (over("count(*)", "chat_message x", "x.meta ->> 'feedback' = 'up'"), None),
    "thumbs_down": (over("count(*)", "chat_message x", "x.meta ->> 'feedback' = 'down'"), None),
    "cost_each": (over(COST, OF_TURNS), ALL),
    "tokens_each": (over("sum(input_tokens + output_tokens)", OF_TURNS), TURNS),
    "waits": (among(WAITED), None),
    "claimed": (over("count(*)", CLAIMED), among(WAITED)),
    "sla": (
        over("count(*)", CLAIMED, "waited <= interval '60 seconds'"),
        over("count(*)", CLAIMED),
    ),
    "answered_30s": (
        over(
            "count(*)",
            ANSWERED,
            "first_at - claimed_at BETWEEN interval '0' AND interval '30 seconds'",
        ),
        over("count(*)", ANSWERED, "first_at >= claimed_at"),
    ),
    "responded_3min": (
        over(
            "count(*)",
            RESPONSES,
            "x.role = 'agent' AND before = 'visitor' AND took <= interval '3 minutes'",
        ),
        over("count(*)", RESPONSES, "x.role = 'agent' AND before = 'visitor'"),
    ),
    "handle": (over(f"sum({MS.format('took')})", HANDLED), over("count(*)", HANDLED)),
    "wait": (over(f"sum({MS.format('waited')})", CLAIMED), over("count(*)", CLAIMED)),
    "served": (among(AGENT), None),
    "agent_score": (
        over("sum(x.score)", "chat_rating x", f"{WAITED} OR {AGENT}"),
        over("count(*)", "chat_rating x", f"{WAITED} OR {AGENT}"),
    ),
    "calls": (called("count(*)"), None),
    "success": (called("count(*)", "error_class <> ''"), called("count(*)")),
    "fallbacks": (
        called(
            "count(*)",
            "purpose = 'answer' AND error_class = '' AND x.decision #>> '{plan,0}' <> endpoint",
        ),
        called("count(*)", "purpose = 'answer' AND error_class = ''"),
    ),
    "cost": (called(COST), None),
    "turn_cost": (called(COST), ASKED),
    "input_tokens": (called("sum(input_tokens)"), None),
    "output_tokens": (called("sum(output_tokens)"), None),
    "turn_tokens": (called("sum(output_tokens)"), ASKED),
    "call_turns": (ASKED, None),
    "call_takeover": (called(ANSWERS.format(" AND taken_over")), ASKED),
    "call_negative": (called(ANSWERS.format(" AND emotion = 'negative'")), ASKED),
    "call_disliked": (called(ANSWERS.format(" AND feedback = 'down'")), ASKED),
    "saved": (QUEUED.format("sum((x.decision ->> 'est_saving')::numeric)"), None),
    "turns": (RAN, None),
    "turn_negative": (
        QUEUED.format("count(*) FILTER (WHERE x.decision #>> '{analysis,emotion,0}' = 'negative')"),
        RAN,
    ),
    "reveals": (
        """SELECT count(*) FROM chat_reveal x JOIN chat_visitor v ON v.id = x.visitor_id
           WHERE x.at >= %(since)s AND x.at < %(until)s AND v.inbox_id = ANY (%(inboxes)s)""",
        None,
    ),
}
# The true durations behind the percentiles, in milliseconds.
DURATIONS = {
    "answer": QUEUED.format("extract(epoch FROM x.finished_at - x.queued_at) * 1000")
    + " AND x.state = 'done'",
    "first_token": called(
        "first_token_ms", "purpose = 'answer' AND error_class = '' AND first_token_ms IS NOT NULL"
    ),
    "call": called("total_ms", "purpose = 'answer' AND error_class = ''"),
    "wait": over("extract(epoch FROM x.waited) * 1000", CLAIMED),
    "first_reply": over(
        "extract(epoch FROM x.first_at - x.claimed_at) * 1000", ANSWERED, "first_at >= claimed_at"
    ),
    "handle": over("extract(epoch FROM x.took) * 1000", HANDLED),
}


def ask(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "usd": settings.CNY_PER["USD"]})
        return [row[0] for row in cursor.fetchall()]


def recount(key: str, **values: Any) -> float | None:
    """The figure from the rows; None where there is nothing to divide by."""
    part, whole = RECOUNTS[key]
    counted = float(ask(part, **values)[0] or 0)
    if whole is None:
        return counted
    of = float(ask(whole, **values)[0] or 0)
    return counted / of if of else None


def recount_labels(family: str, **values: Any) -> dict[str, tuple[int, int]]:
    """What a table of this family shows, from the rows."""
    with connection.cursor() as cursor:
        cursor.execute(LABELLED.format(LABELS[family]), values)
        return {label: (count, taken) for label, count, taken in cursor.fetchall()}


def recount_soothing(**values: Any) -> dict[str, int]:
    """Negative turns by whether the model had read the words for such a mood."""
    had = "x.rendering ? 'soothes' AND x.decision ->> 'answered_by' <> 'sop'"
    return {
        label: int(ask(over("count(*)", SOOTHED, f"{UPSET} AND {condition}"), **values)[0])
        for label, condition in (("with", had), ("without", f"NOT ({had})"))
    }


def rank(values: list[float], share: float) -> float | None:
    """The value at the lower of the two ranks a percentile falls between, as a sketch takes it."""
    return sorted(values)[int(share * (len(values) - 1))] if values else None
