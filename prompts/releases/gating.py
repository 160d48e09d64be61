"""What keeps a release from customers until its evaluation set passed on it, and how two people go without."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection, transaction

from prompts.models import EvalRun, PromptVersion, Release
from prompts.releases.history import note

Status = Release.Status
# Those that may go to customers yet.
BEFORE = (Status.DRAFT, Status.CANARY)


# What counts of a case, by name: a column that comes later shuts no gate before somebody says that it counts.
ASKED = (
    "key", "language", "history", "text", "intent", "emotion", "slots", "must_contain", "must_not_contain",
    "max_chars", "apology_first", "sop", "no_personal_data", "valid_json", "tool", "tool_arguments", "rubric",
    "reference", "critical", "enabled",
)  # fmt: skip
# A set as a run found it: what makes it pass or fail, of the set and of every case that is asked.
CASES = f"""
    SELECT md5(concat_ws('|', chosen.threshold, chosen.judge_id, chosen.judge_blocks, chosen.inbox, string_agg(md5(
        jsonb_build_object({", ".join(f"'{each}', one.{each}" for each in ASKED)})::text), '' ORDER BY one.key COLLATE "C") FILTER (WHERE one.id IS NOT NULL)))
    FROM prompts_evalset chosen LEFT JOIN prompts_evalcase one ON one.set_id = chosen.id AND one.enabled
    WHERE chosen.id = %s GROUP BY chosen.id
"""  # noqa: S608 - of constants
Why = Literal["", "not_run", "gate_shut", "gate_changed"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a release may go to customers, or why not; `run` is the latest finished run of its set on it."""

    why: Why
    run: EvalRun | None
    overridden: bool

    @property
    def is_open(self) -> bool:
        return self.overridden or not self.why


def gate(release: Release) -> Gate:
    """Open when the latest finished run of its set, as it is now, passed on it, or two people agreed to go without."""
    runs = EvalRun.objects.filter(release=release, set=release.eval_set_id, state="done")
    run = runs.select_related("set").order_by("-pk").first()
    return Gate(why_shut(run), run, release.override_by_id is not None)


def why_shut(run: EvalRun | None) -> Why:
    if run is None:
        return "not_run"
    if not run.passes:
        return "gate_shut"
    return "gate_changed" if run.cases and run.cases != digest_of(run.set_id) else ""


def digest_of(eval_set: int) -> str:
    """Of a set's threshold, judge and enabled cases; another one after any of them changed."""
    with connection.cursor() as cursor:
        cursor.execute(CASES, [eval_set])
        return str(cursor.fetchone()[0])


def newer_in_force(release: Release) -> list[PromptVersion]:
    """The versions it holds of prompts of which a newer one is in force: publishing it goes back to them."""
    holds = release.versions.select_related("prompt__current")
    return [each for each in holds if is_older(each)]


def is_older(version: PromptVersion) -> bool:
    """Than what its prompt says now."""
    current = version.prompt.current
    return current is not None and current.number > version.number


def ask_to_override(release: Release, *, reason: str, user_id: int) -> bool:
    """Asks another person to let it out in spite of its gate; False without a reason, or once it is out, or over."""
    said = reason.strip()[:200]
    if not said:
        return False
    rows = Release.objects.filter(pk=release.pk, status__in=BEFORE, override_by=None)
    asked = {"override_reason": said, "override_asked_by_id": user_id}
    return written(release, rows.update, asked, act="override_asked", by=user_id, detail=said)


def agree_to_override(release: Release, *, user_id: int) -> bool:
    """Agrees; False for whoever asked, and where nobody did."""
    asked = Release.objects.filter(pk=release.pk, status__in=BEFORE, override_by=None)
    others = asked.exclude(override_asked_by=None).exclude(override_asked_by=user_id)
    agreed = {"override_by_id": user_id}
    return written(release, others.update, agreed, act="override_agreed", by=user_id)


def written(
    release: Release,
    update: Callable[..., int],
    changes: dict[str, Any],
    *,
    act: str,
    by: int,
    detail: str = "",
) -> bool:
    """The change with its step on record; False when there was nothing to change."""
    with transaction.atomic():
        done = bool(update(**changes))
        if done:
            note(release, act, before=release.status, after=release.status, by=by, detail=detail)
    return done
