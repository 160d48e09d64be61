"""The badly answered questions of some days, within bounds on how many are looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from chat import vault
from chat.states import EscalationEnd, Role
from prompts.nlu import segment
from prompts.nlu.person import wants_human
from prompts.redaction.placeholders import PLACEHOLDER

# What a process can compare in a minute; of more a sample is taken, the same one every time.
MOST = 10_000
RATED_BADLY = 2
# Lines before the turn in which the question may stand, when the turn only asks for a person.
BEFORE = 6
SHORTEST_CHARS, LONGEST_CHARS = 3, 300
# Nobody wants an SOP for these.
SMALL_TALK = frozenset({"greeting", "thanks_bye", "confirm", "provide_info"})
# Counted in one pass, so that the page can say how many there were; the sample is by the row's id.
BAD = """
    WITH bad AS (
        SELECT message.id, message.conversation_id, turn.first_seq, turn.last_seq,
               coalesce(turn.decision #>> '{features,intent}', '') AS intent,
               message.meta @> '{"unanswered": true}' AS unanswered,
               message.meta @> '{"feedback": "down"}' AS down,
               coalesce(rating.score <= %(badly)s, false) AS rated,
               EXISTS (
                   SELECT 1 FROM chat_escalation claimed
                   WHERE claimed.conversation_id = message.conversation_id AND claimed."end" = %(claimed)s
                     AND claimed.opened_at >= message.at
                     AND NOT EXISTS (
                         SELECT 1 FROM chat_message later
                         WHERE later.conversation_id = message.conversation_id AND later.role = %(bot)s
                           AND later.seq > message.seq AND later.at < claimed.opened_at)
               ) OR EXISTS (
                   SELECT 1 FROM prompts_modelcall call
                   WHERE call.trace_id = message.turn_id::text AND call.taken_over
               ) AS taken
        FROM chat_message message
        JOIN chat_turn turn ON turn.id = message.turn_id
        LEFT JOIN chat_rating rating ON rating.conversation_id = message.conversation_id
        WHERE message.role = %(bot)s AND message.at >= %(since)s AND message.at < %(until)s
    )
    SELECT *, count(*) OVER () FROM bad
    WHERE unanswered OR down OR rated OR taken
    ORDER BY md5(id::text) LIMIT %(most)s
"""
LINES = """
    SELECT asked.place, line.seq, line.text
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS asked(conversation, first, last, place)
    JOIN chat_message line ON line.conversation_id = asked.conversation
     AND line.seq BETWEEN asked.first AND asked.last AND line.role = %s
    ORDER BY asked.place, line.seq
"""
CHUNK = 500


class Bad(NamedTuple):
    """An answer that was none, or no good one."""

    message: UUID
    conversation: UUID
    first_seq: int
    last_seq: int
    intent: str
    unanswered: bool
    down: bool
    rated: bool
    taken: bool

    @property
    def why(self) -> list[str]:
        return [name for name in ("unanswered", "down", "rated", "taken") if getattr(self, name)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked, with placeholders, and where it stands."""

    text: str
    language: str
    conversation: UUID
    seq: int
    intent: str
    why: Sequence[str]


def collect(since: datetime, until: datetime) -> tuple[list[Asked], int, int]:
    """The questions, how many bad answers there were, and how many of them were looked at."""
    with connection.cursor() as cursor:
        cursor.execute(BAD, {
            "badly": RATED_BADLY, "claimed": EscalationEnd.CLAIMED.value, "bot": Role.BOT.value,
            "since": since, "until": until, "most": MOST,
        })  # fmt: skip
        rows = cursor.fetchall()
    bad = [Bad(*row[:-1]) for row in rows]
    asked = [found for start in range(0, len(bad), CHUNK) for found in asked_in(bad[start : start + CHUNK])]  # fmt: skip
    return once(asked), rows[0][-1] if rows else 0, len(rows)


def asked_in(bad: Sequence[Bad]) -> Iterator[Asked]:
    lines: list[list[tuple[int, str]]] = [[] for _ in bad]
    with connection.cursor() as cursor:
        cursor.execute(LINES, [
            [each.conversation for each in bad], [max(each.first_seq - BEFORE, 1) for each in bad],
            [each.last_seq for each in bad], Role.VISITOR.value,
        ])  # fmt: skip
        for place, seq, text in cursor.fetchall():
            lines[place - 1].append((seq, text))
    for each, said in zip(bad, lines, strict=True):
        if found := question_of(each, said):
            yield found


def question_of(bad: Bad, said: Sequence[tuple[int, str]]) -> Asked | None:
    """What was asked; where the turn only wanted a person, the line before it that says why. None: nothing to answer."""
    own = [(seq, text) for seq, text in said if seq >= bad.first_seq]
    questions = [(seq, text) for seq, text in own if is_question(text)]
    if bad.intent in SMALL_TALK:
        return None
    if not questions and any(wants_human(text) for _, text in own):
        questions = [line for line in said if line[0] < bad.first_seq and is_question(line[1])][-1:]
    if not questions:
        return None
    text = " ".join(" ".join(text.split()) for _, text in questions)[:LONGEST_CHARS]
    return Asked(
        text=text,
        language=segment.language_of(text),
        conversation=bad.conversation,
        seq=questions[0][0],
        intent="" if bad.intent in ("unknown", "human") else bad.intent,
        why=bad.why,
    )


def is_question(text: str) -> bool:
    """Whether it says anything but a placeholder or the wish for a person, and may be shown."""
    left = PLACEHOLDER.sub("", text).strip()
    return len(left) >= SHORTEST_CHARS and vault.is_readable(text) and not wants_human(text)


def once(asked: Sequence[Asked]) -> list[Asked]:
    """Each line once, whatever number of answers it got."""
    found: dict[tuple[UUID, int], Any] = {}
    for each in asked:
        found.setdefault((each.conversation, each.seq), each)
    return sorted(found.values(), key=lambda each: (str(each.conversation), each.seq))
