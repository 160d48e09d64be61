"""Keeps the SOPs of a moment as a set: each wording of an SOP is stored once, however many sets hold it."""

import hashlib
from dataclasses import dataclass

from django.db import connection, transaction

from prompts.locks import Lock
from prompts.models import SopSet

# The first set of 10,000 SOPs stores 50,000 questions.
FREEZE_SECONDS = 60
COLUMNS = """
    key, language, title, category, intent, answer, steps, required_slots, tool, shops, skus, channels, valid_from,
    valid_to
"""
DIGESTS = """
    SELECT sop.id, sop.key, sop.language, md5(jsonb_build_array(
        key, language, title, category, intent, answer, steps, required_slots, tool, shops, skus, channels,
        extract(epoch FROM valid_from), extract(epoch FROM valid_to), asked.texts
    )::text) AS digest
    FROM prompts_sop sop
    LEFT JOIN (
        SELECT sop_id, jsonb_agg(text ORDER BY text COLLATE "C") AS texts FROM prompts_sopquestion GROUP BY sop_id
    ) asked ON asked.sop_id = sop.id
    WHERE enabled
"""
# One statement, and so one moment: what is edited meanwhile is in it whole or not at all.
FREEZE = f"""
    WITH live AS MATERIALIZED ({DIGESTS}),
    added AS (
        INSERT INTO prompts_sopversion (digest, {COLUMNS})
        SELECT live.digest, {", ".join(f"sop.{name.strip()}" for name in COLUMNS.split(","))}
        FROM live JOIN prompts_sop sop ON sop.id = live.id
        WHERE NOT EXISTS (SELECT FROM prompts_sopversion known WHERE known.digest = live.digest)
        RETURNING id, digest
    ),
    worded AS (
        INSERT INTO prompts_sopversionquestion (version_id, text, vector)
        SELECT added.id, question.text, question.vector
        FROM added JOIN live USING (digest) JOIN prompts_sopquestion question ON question.sop_id = live.id
    )
    SELECT coalesce(added.id, known.id)
    FROM live LEFT JOIN added USING (digest) LEFT JOIN prompts_sopversion known USING (digest)
"""  # noqa: S608 - of constants
TERMS = """
    SELECT term, count(DISTINCT version_id), count(*)
    FROM prompts_sopversionquestion question JOIN unnest(%(members)s::bigint[]) AS member(id) ON member.id = version_id,
         unnest(tsvector_to_array(vector)) AS term
    GROUP BY term
"""
DRIFT = f"""
    WITH live AS ({DIGESTS}),
    held AS (
        SELECT version.key, version.language, version.digest
        FROM prompts_sopset chosen, unnest(chosen.members) AS member(id)
        JOIN prompts_sopversion version ON version.id = member.id
        WHERE chosen.id = %(chosen)s
    )
    SELECT key, language, (held.digest IS NOT NULL), (live.digest IS NOT NULL)
    FROM held FULL JOIN live USING (key, language)
    WHERE held.digest IS DISTINCT FROM live.digest
    ORDER BY 1, 2
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Difference:
    """An SOP that says something else in a set than it does now. Not held: added since; not live: taken away."""

    key: str
    language: str
    held: bool
    live: bool


def freeze() -> SopSet:
    """The set of the SOPs as they are now: a new one, or the one that holds just these."""
    with transaction.atomic(), connection.cursor() as cursor:
        # In turn, so that two that find the same new wording store it once.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.FREEZING_SOPS])
        # The planner knows nothing of rows that the statement itself makes, and takes them for few.
        cursor.execute(
            f"SET LOCAL enable_nestloop = off; SET LOCAL statement_timeout = '{FREEZE_SECONDS}s'"
        )
        cursor.execute(FREEZE)
        members = sorted(pk for (pk,) in cursor.fetchall())
        digest = hashlib.md5(",".join(map(str, members)).encode(), usedforsecurity=False)
        kept = SopSet.objects.filter(digest=digest.hexdigest()).defer("terms").first()
        if kept is not None:
            return kept
        cursor.execute("SET LOCAL enable_nestloop = on")
        cursor.execute(TERMS, {"members": members})
        terms = {term: [sops, rows] for term, sops, rows in cursor.fetchall()}
        return SopSet.objects.create(digest=digest.hexdigest(), members=members, terms=terms)


def differences(sop_set: int) -> list[Difference]:
    """The SOPs that say something else now than they do in a set, by key and language."""
    with connection.cursor() as cursor:
        cursor.execute(DRIFT, {"chosen": sop_set})
        return [Difference(*row) for row in cursor.fetchall()]
