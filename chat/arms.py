"""How conversations ended that heard a release, beside those that did not. Read by prompts.releases.

Every answered turn counts, also one that an SOP answered. A conversation that heard both is in neither arm.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from prompts.releases import Outcomes

# A conversation counts for the verdict once nothing was answered in it for so long.
QUIET_MINUTES = 10
RATED_BADLY = 2
# Turns of a long canary are sorted in memory.
SORTING = "SET LOCAL work_mem = '64MB'"
# A decision is stored out of line: `|| '{}'` fetches it once for all that is read of it, and OFFSET keeps it so.
# One row per arm: turns, without a model, negative, p50, p99; conversations, taken over, rated, their sum, resolved,
# disliked, settled, settled and well.
OUTCOMES = """
    WITH heard AS MATERIALIZED (
        SELECT id, conversation_id, started_at, finished_at,
               said->>'release' = %(name)s AS arm,
               said->>'answered_by' = 'sop' AS plain,
               coalesce(said->'analysis'->'emotion'->>0 = 'negative', false) AS negative,
               (timings->>'total')::float AS ms
        FROM (
            SELECT id, conversation_id, started_at, finished_at, timings, decision || '{}' AS said
            FROM chat_turn
            WHERE decision ? 'release' AND state = 'done' AND finished_at >= %(since)s AND finished_at < %(until)s
            OFFSET 0
        ) turn
    ),
    turns AS (
        SELECT arm, count(*), count(*) FILTER (WHERE plain) AS plain, count(*) FILTER (WHERE negative) AS negative,
               coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), 0) AS p50,
               coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 0) AS p99
        FROM heard GROUP BY arm
    ),
    threads AS (
        SELECT conversation_id, bool_and(arm) AS arm, min(started_at) AS first, max(finished_at) AS last,
               (array_agg(negative ORDER BY finished_at DESC))[1] AS ends_negative, array_agg(id) AS turns
        FROM heard GROUP BY conversation_id HAVING bool_and(arm) = bool_or(arm)
    ),
    ended AS MATERIALIZED (
        SELECT arm, last < %(quiet)s AS settled, ends_negative, score, coalesce(resolved, false) AS resolved,
               coalesce(score <= %(badly)s OR NOT resolved, false) AS unhappy,
               EXISTS (SELECT FROM chat_escalation wait
                       WHERE wait.conversation_id = threads.conversation_id AND wait.opened_at >= first) AS taken,
               EXISTS (SELECT FROM chat_message line
                       WHERE line.turn_id = ANY(turns) AND line.meta->'feedback' = '"down"') AS disliked
        FROM threads LEFT JOIN chat_rating rating ON rating.conversation_id = threads.conversation_id
    ),
    counted AS (
        SELECT arm, count(*), count(*) FILTER (WHERE taken) AS taken, count(score) AS rated,
               coalesce(sum(score), 0) AS score, count(*) FILTER (WHERE resolved) AS resolved,
               count(*) FILTER (WHERE disliked) AS disliked, count(*) FILTER (WHERE settled) AS settled,
               count(*) FILTER (WHERE settled AND NOT (taken OR disliked OR unhappy OR ends_negative)) AS well
        FROM ended GROUP BY arm
    )
    SELECT turns.*, coalesce(counted.count, 0), coalesce(taken, 0), coalesce(rated, 0), coalesce(score, 0),
           coalesce(resolved, 0), coalesce(disliked, 0), coalesce(settled, 0), coalesce(well, 0)
    FROM turns LEFT JOIN counted USING (arm)
"""


def outcomes(name: str, since: datetime, until: datetime) -> tuple[Outcomes, Outcomes]:
    """The turns and conversations of the release of that name in this time, and everybody else's."""
    asked: dict[str, Any] = {"name": name, "since": since, "until": until, "badly": RATED_BADLY}
    asked["quiet"] = until - timedelta(minutes=QUIET_MINUTES)
    with connection.cursor() as cursor:
        # In one go, and with that in one transaction: the setting is this statement's own.
        cursor.execute(f"{SORTING}; {OUTCOMES}", asked)
        cursor.nextset()
        found = {arm: Outcomes(*counts) for arm, *counts in cursor.fetchall()}
    return found.get(True, Outcomes()), found.get(False, Outcomes())
