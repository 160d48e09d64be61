"""Every number that is counted, declared in one place: what it is counted from, by what it is split, and how.

A family's rows are those of one hour; each of its stats is an aggregate over them. Stats are stored by position, so new
ones go to the end of their family, and `manage.py fill_analytics --again` counts them for the past.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from analytics.models import SPLITS
from analytics.outcomes import ANSWERED_MS, WAITED_MS
from analytics.sketches import bucket_sql

OF_OUTCOME = {
    "inbox_id": "o.inbox_id",
    "channel": "o.channel",
    "tier": "o.tier",
}


@dataclass(frozen=True, slots=True)
class Family:
    """Stats that are counted together. `source` begins at FROM; `at` says to which hour one of its rows belongs."""

    source: str
    at: str
    where: str
    dimensions: Mapping[str, str]
    stats: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        return list(self.stats)


def splits(family: Family) -> list[list[str]]:
    """What days of a family are split by, beside the inbox: nothing, each dimension alone, and all of them."""
    own = [name for name in SPLITS if name in family.dimensions]
    found: list[list[str]] = []
    for split in ([], *([name] for name in own), own):
        if split not in found:
            found.append(split)
    return found


def split_mask(split: Collection[str]) -> int:
    """The number under which days with this split are kept: a bit for each dimension they are not split by."""
    mask = 0
    for name in SPLITS:
        mask = mask * 2 + (name not in split)
    return mask


def labelled(prefix: str) -> Family:
    """Conversations by the part of a trait that follows its prefix, as the reasons of "reason:asked"."""
    return Family(
        source="FROM analytics_outcome AS o CROSS JOIN LATERAL unnest(o.traits) AS trait",
        at="o.created_at",
        where=f"o.kind <> 'empty' AND trait LIKE '{prefix}:%%'",
        dimensions={**OF_OUTCOME, "label": f"substr(trait, {len(prefix) + 2})"},
        stats={
            "conversations": "count(*)",
            "taken_over": "count(*) FILTER (WHERE o.agent_lines > 0)",
        },
    )


MICRO_CNY = (
    "coalesce(round(sum(call.cost * CASE call.currency WHEN 'USD' THEN %(usd)s ELSE 1 END) "
    "* 1000000), 0)::bigint"
)
BEGUN = "FROM analytics_outcome AS o"
NEGATIVE = "decision -> 'analysis' -> 'emotion' ->> 0"
ANSWERING = "call.purpose = 'answer'"
# A turn counts once, for the last model that was asked in it: sums over models must not count it twice.
LAST = (
    f"{ANSWERING} AND NOT EXISTS (SELECT FROM prompts_modelcall AS later WHERE later.trace_id = call.trace_id "
    "AND later.purpose = 'answer' AND later.error_class <> 'abandoned' "
    "AND (later.at, later.id) > (call.at, call.id))"
)

FAMILIES: dict[str, Family] = {
    # By when it began.
    "conversation": Family(
        source=BEGUN,
        at="o.created_at",
        where="o.kind <> 'empty'",
        dimensions={**OF_OUTCOME, "intent": "o.intent", "release": "o.release"},
        stats={
            "conversations": "count(*)",
            "open": "count(*) FILTER (WHERE kind = 'open')",
            "by_bot": "count(*) FILTER (WHERE kind = 'bot')",
            "by_agent": "count(*) FILTER (WHERE kind = 'agent')",
            "abandoned": "count(*) FILTER (WHERE kind = 'abandoned')",
            "unresolved": "count(*) FILTER (WHERE kind = 'unresolved')",
            "by_itself": "count(*) FILTER (WHERE kind = 'bot' AND NOT reopened)",
            "contained": "count(*) FILTER (WHERE kind <> 'open' AND NOT escalated AND agent_lines = 0)",
            "escalated": "count(*) FILTER (WHERE escalated)",
            "taken_over": "count(*) FILTER (WHERE agent_lines > 0)",
            "ended": "count(*) FILTER (WHERE resolved_at IS NOT NULL)",
            "reopened": "count(*) FILTER (WHERE reopened)",
            "bot_lines": "sum(bot_lines)",
            "no_answer": "sum(no_answer)",
            "visitor_lines": "sum(visitor_lines)",
            "turns": "sum(turns)",
            "failed_turns": "sum(failed_turns)",
            "breaks": "sum(breaks)",
            "returns": "sum(returns)",
            "negative": "count(*) FILTER (WHERE moods LIKE '%%-%%')",
            "negative_taken": "count(*) FILTER (WHERE moods LIKE '%%-%%' AND agent_lines > 0)",
            "recovered": "count(*) FILTER (WHERE moods ~ '-[0+]')",
            "ended_negative": "count(*) FILTER (WHERE moods LIKE '%%-')",
            "rated": "count(score)",
            "score": "coalesce(sum(score), 0)",
            "satisfied": "count(*) FILTER (WHERE score >= 4)",
            "said_resolved": "count(*) FILTER (WHERE said_resolved)",
            "thumbs_up": "sum(thumbs_up)",
            "thumbs_down": "sum(thumbs_down)",
            "micro_cny": "sum(cost_micro_cny)",
            "tokens": "sum(tokens)",
        },
    ),
    "agent": Family(
        source=BEGUN,
        at="o.created_at",
        where="o.kind <> 'empty' AND (o.agent_lines > 0 OR o.escalated)",
        dimensions={**OF_OUTCOME, "label": "coalesce(o.agent_id::text, '')"},
        stats={
            "waits": "count(*) FILTER (WHERE escalated)",
            "claimed": "count(wait_ms)",
            "claimed_in_time": f"count(*) FILTER (WHERE wait_ms <= {WAITED_MS})",
            "wait_ms": "coalesce(sum(wait_ms), 0)",
            "served": "count(*) FILTER (WHERE agent_lines > 0)",
            "replied": "count(first_reply_ms)",
            "replied_in_time": f"count(*) FILTER (WHERE first_reply_ms <= {ANSWERED_MS})",
            "handled": "count(handle_ms)",
            "handle_ms": "coalesce(sum(handle_ms), 0)",
            "responses": "sum(responses)",
            "responses_in_time": "sum(responses_in_time)",
            "lines": "sum(agent_lines)",
            "rated": "count(score)",
            "score": "coalesce(sum(score), 0)",
        },
    ),
    # The mood of the first turn, of the second, …
    "mood": Family(
        source="FROM analytics_outcome AS o "
        "CROSS JOIN LATERAL regexp_split_to_table(o.moods, '') WITH ORDINALITY AS turn(sign, place)",
        at="o.created_at",
        where="o.kind <> 'empty' AND o.moods <> '' AND place <= 12",
        dimensions={**OF_OUTCOME, "label": "lpad(place::text, 2, '0')"},
        stats={
            "turns": "count(*)",
            "negative": "count(*) FILTER (WHERE sign = '-')",
            "neutral": "count(*) FILTER (WHERE sign = '0')",
            "positive": "count(*) FILTER (WHERE sign = '+')",
        },
    ),
    # Negative turns and the turn after each, by whether the prompt had its words for such a mood.
    "soothing": Family(
        source=f"""FROM analytics_outcome AS o JOIN chat_turn AS turn USING (conversation_id)
            LEFT JOIN LATERAL (SELECT later.{NEGATIVE} AS mood FROM chat_turn AS later
                WHERE later.conversation_id = turn.conversation_id AND later.state IN ('done', 'failed')
                AND (later.queued_at, later.id) > (turn.queued_at, turn.id)
                ORDER BY later.queued_at, later.id LIMIT 1) AS next ON true""",
        at="o.created_at",
        where=f"turn.state = 'done' AND turn.{NEGATIVE} = 'negative'",
        dimensions={
            **OF_OUTCOME,
            "release": "coalesce(turn.decision ->> 'release', '')",
            "label": "CASE WHEN turn.rendering ? 'soothes' AND turn.decision ->> 'answered_by' <> 'sop' "
            "THEN 'with' ELSE 'without' END",
        },
        stats={
            "turns": "count(*)",
            "followed": "count(next.mood)",
            "softened": "count(*) FILTER (WHERE next.mood <> 'negative')",
            "taken_over": "count(*) FILTER (WHERE o.agent_lines > 0)",
        },
    ),
    "reason": labelled("reason"),
    "sop": labelled("sop"),
    "error": labelled("error"),
    "cause": labelled("cause"),
    "masked": labelled("masked"),
    "rated": labelled("rated"),
    "praised": labelled("praised"),
    "tag": labelled("tag"),
    # By when it was queued.
    "turn": Family(
        source="FROM chat_turn AS turn JOIN analytics_outcome AS o USING (conversation_id)",
        at="turn.queued_at",
        where="true",
        dimensions={
            **OF_OUTCOME,
            "intent": "coalesce(decision -> 'analysis' -> 'intents' -> 0 ->> 0, '')",
            "release": "coalesce(decision ->> 'release', '')",
            "model": "coalesce(decision ->> 'answered_by', '')",
        },
        stats={
            "turns": "count(*) FILTER (WHERE state IN ('done', 'failed'))",
            "done": "count(*) FILTER (WHERE state = 'done')",
            "failed": "count(*) FILTER (WHERE state = 'failed')",
            "superseded": "count(*) FILTER (WHERE state = 'superseded')",
            "negative": f"count(*) FILTER (WHERE {NEGATIVE} = 'negative')",
            "saved_micro_cny": "coalesce(round(sum(CASE jsonb_typeof(decision -> 'est_saving') WHEN 'number' "
            "THEN (decision ->> 'est_saving')::numeric END) * 1000000), 0)::bigint",
        },
    ),
    # By when it was recorded; says nothing of conversations, so erasing one changes nothing.
    "call": Family(
        source="FROM prompts_modelcall AS call LEFT JOIN chat_inbox AS inbox ON inbox.key = call.inbox",
        at="call.at",
        where="call.error_class <> 'abandoned'",
        dimensions={
            "inbox_id": "coalesce(inbox.id, 0)",
            "intent": "call.intent",
            "release": "call.release",
            "model": "call.endpoint",
            "label": "call.canary",
        },
        stats={
            "calls": "count(*)",
            "errors": "count(*) FILTER (WHERE error_class <> '')",
            "answers": f"count(*) FILTER (WHERE {ANSWERING} AND error_class = '')",
            "turns": f"count(*) FILTER (WHERE {LAST})",
            "fallbacks": f"count(*) FILTER (WHERE {ANSWERING} AND error_class = '' "
            "AND jsonb_typeof(decision -> 'plan') = 'array' AND decision -> 'plan' ->> 0 <> endpoint)",
            "input_tokens": "sum(input_tokens)",
            "output_tokens": "sum(output_tokens)",
            "cached_tokens": "sum(cached_tokens)",
            "micro_cny": MICRO_CNY,
            "taken_over": f"count(*) FILTER (WHERE {LAST} AND taken_over)",
            "negative": f"count(*) FILTER (WHERE {LAST} AND emotion = 'negative')",
            "thumbs_down": f"count(*) FILTER (WHERE {LAST} AND feedback = 'down')",
        },
    ),
    "reveal": Family(
        source="FROM chat_reveal AS reveal JOIN chat_visitor AS visitor ON visitor.id = reveal.visitor_id",
        at="reveal.at",
        where="true",
        dimensions={
            "inbox_id": "visitor.inbox_id",
            "label": "substring(placeholder FROM '<([A-Z_]+)_[0-9]+>')",
        },
        stats={"reveals": "count(*)"},
    ),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in milliseconds whose percentiles are shown."""

    source: str
    at: str
    where: str
    milliseconds: str
    inbox_id: str = "o.inbox_id"
    model: str = "''"

    @property
    def bucket(self) -> str:
        return bucket_sql(self.milliseconds)


def of_outcome(column: str) -> Timing:
    return Timing(
        BEGUN, "o.created_at", f"o.kind <> 'empty' AND o.{column} IS NOT NULL", f"o.{column}"
    )


def of_call(column: str) -> Timing:
    return Timing(
        "FROM prompts_modelcall AS call LEFT JOIN chat_inbox AS inbox ON inbox.key = call.inbox",
        "call.at",
        f"call.purpose = 'answer' AND call.error_class = '' AND call.{column} IS NOT NULL",
        f"call.{column}",
        inbox_id="coalesce(inbox.id, 0)",
        model="call.endpoint",
    )


TIMINGS: dict[str, Timing] = {
    "wait": of_outcome("wait_ms"),
    "first_reply": of_outcome("first_reply_ms"),
    "handle": of_outcome("handle_ms"),
    "answer": Timing(
        "FROM chat_turn AS turn JOIN analytics_outcome AS o USING (conversation_id)",
        "turn.queued_at",
        "turn.state = 'done' AND turn.finished_at IS NOT NULL",
        "extract(epoch FROM turn.finished_at - turn.queued_at) * 1000",
    ),
    "first_token": of_call("first_token_ms"),
    "call": of_call("total_ms"),
}
