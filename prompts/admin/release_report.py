"""What a release's page shows: its gate, what it holds, how it fares beside everybody else."""

from typing import Any

import structlog
from django.db import DatabaseError, models
from django.http import HttpRequest

from prompts import example_sets, releases, retrieval
from prompts.admin.audit_words import ACTS
from prompts.admin.canary_report import rate
from prompts.admin.evaluation_pages import as_line
from prompts.admin.release_words import DIFFERENCES, MOVES, STATUSES, WORDS
from prompts.admin.sops_heard import how
from prompts.admin.wording import as_money, as_ms, in_chinese, pick
from prompts.llm.canary import BUCKETS
from prompts.models import AuditEntry, PromptVersion, Release
from prompts.releases import Figures, Outcomes, Standing, Told, Verdict
from prompts.releases.stages import as_hold
from prompts.retrieval import Difference

log = structlog.get_logger(__name__)

DRIFT_SHOWN, MOVES_SHOWN = 20, 100
Status = Release.Status
BEFORE = (Status.DRAFT, Status.CANARY)


def context(request: HttpRequest, row: Any) -> dict[str, Any]:
    found = releases.gate(row)
    # Read once for all who ask for them below.
    versions = PromptVersion.objects.select_related("prompt__current")
    models.prefetch_related_objects([row], models.Prefetch("versions", versions))
    holds = list(row.versions.all())
    changed, examples = drift(row), example_drift(row, holds)
    easier = loosened(row)
    older = [each for each in holds if releases.is_older(each)]
    return {
        "t": WORDS,
        "status_text": STATUSES[row.status],
        "range": releases.range_text(row),
        "gate": found,
        "gate_text": WORDS[found.why or "gate_open"],
        "loosened": [eased(each) for each in easier[:DRIFT_SHOWN]],
        "alone": row.status in BEFORE and bool(releases.alone(row, request.user.pk, easier)),
        "is_before": row.status in BEFORE,
        "shows_force": row.status in (*BEFORE, Status.PUBLISHED),
        "older": older,
        "run": as_line(found.run) if found.run else None,
        "holds": holds,
        "sop_count": row.sop_count,  # as the page's own queryset counts it
        "example_count": len(row.example_set.members) if row.example_set else 0,
        "example_drift": examples[:DRIFT_SHOWN],
        "example_drift_count": len(examples),
        "drift": changed[:DRIFT_SHOWN],
        "drift_count": len(changed),
        "moves": moves(row),
        "blocker": told_of(releases.blocker(row)) if row.status == Status.DRAFT else None,
        **compared(row, goes=[(found.is_open, "stage_gate"), (not older, "stage_newer")]),
        "may_publish": request.user.has_perm("prompts.publish_release"),
        "may_evaluate": request.user.has_perm("prompts.change_evalset"),
        "may_ask": request.user.has_perm("prompts.add_release"),
        "is_asker": row.override_asked_by_id == request.user.pk,
    }


def compared(row: Release, *, goes: list[tuple[bool, str]]) -> dict[str, Any]:
    """The arms and the stages; `goes` is what its last stage waits for beside them.

    The page has the button that takes a release back: it must come without figures, too.
    """
    # Published without a canary there is nothing to compare.
    had_canary = bool(row.started_at) and row.started_at != row.published_at
    try:
        fared = releases.told(row) if had_canary else None
        return {"arms": arms(row, fared) if fared else None, "stages": staged(row, fared, goes)}
    except DatabaseError:
        log.exception("release_not_compared", release=row.name)
        return {"uncompared": WORDS["uncompared"]}


def drift(row: Release) -> list[tuple[Difference, Any]]:
    """The SOPs that differ from what it holds, with how; of a release that nobody will hear, none."""
    if not row.sop_set_id or row.status in (Status.SUPERSEDED, Status.ROLLED_BACK):
        return []
    return [(each, DIFFERENCES[how(each)]) for each in retrieval.differences(row.sop_set_id)]


def loosened(row: Release) -> list[AuditEntry]:
    """What made its gate easier to pass; of one that has been out already, nothing."""
    return releases.loosened(row) if row.status in BEFORE else []


def eased(entry: AuditEntry) -> dict[str, Any]:
    fields = ", ".join(sorted(entry.changes)) if entry.act == "changed" else ACTS[entry.act]
    return {"entry": entry, "what": f"{entry.label}: {fields}"}


def example_drift(row: Release, holds: list[PromptVersion]) -> list[tuple[Difference, Any]]:
    """The same of the examples its versions are shown."""
    if row.example_set is None or row.status in (Status.SUPERSEDED, Status.ROLLED_BACK):
        return []
    found = example_sets.differences(row.example_set, holds)
    return [(each, DIFFERENCES[how(each)]) for each in found]


def moves(row: Release) -> list[dict[str, Any]]:
    """Its story, the newest step first."""
    return [
        {
            "step": step,
            "act": MOVES.get(step.act, step.act),
            "who": step.by or WORDS["by_itself"],
            "before": STATUSES.get(step.before, ""),
            "after": STATUSES.get(step.after, ""),
        }
        for step in row.moves.select_related("by").order_by("-pk")[:MOVES_SHOWN]
    ]


def staged(row: Release, fared: Told | None, goes: list[tuple[bool, str]]) -> dict[str, Any] | None:
    """Its stages, where it is among them, and what it waits for; None where there are none."""
    if not row.stages:
        return None
    found = releases.standing(row, told=fared)
    at = found.at if found else (len(row.stages) if row.status == Status.PUBLISHED else None)
    steps = [
        {"text": f"{percent}%", "hold": as_hold(minutes), "state": state_of(number, at)}
        for number, (percent, minutes) in enumerate(row.stages)
    ]
    everybody = {"text": WORDS["stage_all"], "hold": "", "state": state_of(len(steps), at)}
    needs = needs_of(found, goes) if found else []
    blocker = told_of(found.blocker) if found else None
    return {
        "steps": [*steps, everybody],
        "standing": found,
        "needs": needs,
        "blocker": blocker,
        "asks_tails": found is not None and found.at + 1 < len(found.stages),
    }


def state_of(number: int, at: int | None) -> str:
    """Whether a stage is "past", "now", or "later"."""
    if at is None or number > at:
        return "later"
    return "now" if number == at else "past"


def told_of(other: Release | None) -> dict[str, Any] | None:
    """Who has the tails that it wants next, and which they are."""
    return {"release": other, "tails": releases.range_text(other)} if other else None


def needs_of(found: Standing, goes: list[tuple[bool, str]]) -> list[tuple[bool, Any]]:
    """What has to be so before it goes on, and whether it is; that nothing newer is in force goes without saying."""
    is_last = found.at + 1 == len(found.stages)
    told = [(so, WORDS[name]) for so, name in goes if name == "stage_gate" or not so]
    for_all = told if is_last else []
    return [
        (found.due is not None and found.held, WORDS["stage_hold"]),
        (
            found.turns >= found.wanted,
            f"{WORDS['stage_enough']}: {found.turns} / {found.wanted}",
        ),
        (found.judged and found.guarded, guarded(found)),
        (found.verdict.kind != "worse", WORDS["stage_verdict"]),
        *for_all,
    ]


def guarded(found: Standing) -> str:
    """What the guard says of this stage; nothing yet, before it has seen enough of it."""
    if not found.guarded:
        return str(WORDS["stage_broken"])
    if found.judged:
        return str(WORDS["stage_guard"])
    return f"{WORDS['stage_unjudged']}: {found.turns} / {found.judged_from}"


def arms(row: Release, fared: Told) -> dict[str, Any]:
    """Release and others, measure by measure, the guard, and the verdict."""
    found, (arm, control) = fared
    left, right = shown(found.arm, arm), shown(found.control, control)
    stats = found.arm.stats
    judged = stats.turns >= max(row.min_samples, 1)
    said = str(WORDS["guard_ok"])
    if not judged:
        said = f"{WORDS['guard_unjudged']}: {stats.turns} / {row.min_samples}"
    if found.breach is not None:
        why = found.breach.message_zh if in_chinese() else found.breach.message_en
        said = f"{WORDS['guard_broken']}{why}"
    verdict = releases.verdict_of(arm, control)
    return {
        "lines": [(name, left[name], right[name]) for name in left],
        "broken": found.breach is not None,
        "judged": judged,
        "guard": said,
        "verdict": verdict,
        "verdict_text": verdict_text(verdict),
    }


def verdict_text(verdict: Verdict) -> str:
    if verdict.kind == "better":
        return pick("变好：顺利结束的会话更多。", "Better: more conversations end well.")
    if verdict.kind == "worse":
        return pick("变差：顺利结束的会话更少。", "Worse: fewer conversations end well.")
    return pick(
        f"还看不出差别，大约还需要发布组 {verdict.needed:,} 个会话。",
        f"No difference yet: about {verdict.needed:,} more conversations of the release are needed.",
    )


def shown(figures: Figures, found: Outcomes) -> dict[str, str]:
    stats = figures.stats
    mean = f"{found.score / found.rated:.2f} ({found.rated})" if found.rated else "—"
    turns = figures.stats.with_model
    cost = as_money(figures.cost_cny / turns, "CNY") if turns else "—"
    return {
        pick("会话", "Conversations"): f"{found.conversations:,}",
        pick("轮次", "Turns"): f"{found.turns:,}",
        pick("未用模型的回答", "Answers without a model"): rate(found.without_model, found.turns),
        pick("顺利结束", "Ended well"): rate(found.went_well, found.settled),
        pick("顾客说已解决", "Resolved, customers say"): rate(found.resolved, found.rated),
        pick("平均评分（评价数）", "Mean rating (ratings)"): mean,
        pick("转人工", "Takeovers"): rate(found.taken_over, found.conversations),
        pick("负面情绪的轮次", "Negative moods"): rate(found.negative, found.turns),
        pick("有差评的会话", "Thumbs down"): rate(found.disliked, found.conversations),
        pick("调用失败率", "Failed calls"): rate(stats.errors, stats.calls),
        pick("每轮模型费用", "Cost of a turn with a model"): cost,
        pick("整轮 p50", "Whole turn, p50"): as_ms(found.p50_ms or None),
        pick("整轮 p99", "Whole turn, p99"): as_ms(found.p99_ms or None),
    }


def refusal(row: Release, wanted: Release | None = None, *, by: int | None = None) -> str:
    """Why a move of this person was not made; `wanted` has the tails that were asked for."""
    now = Release.objects.only("status", "first_bucket", "last_bucket", "eval_set").get(pk=row.pk)
    is_before = now.status in BEFORE
    if wanted is None and not releases.gate(row).is_open:
        changed = releases.gate(row).why == "gate_changed"
        return str(WORDS["gate_changed" if changed else "gate_shut"])
    if wanted is None and is_before and releases.alone(row, by):
        return str(WORDS["alone"])
    if wanted is not None and not 0 <= wanted.first_bucket <= wanted.last_bucket < BUCKETS:
        return pick(
            "尾号是 0 到 99，起点不大于终点。",
            "Tails are 0 to 99, the first no larger than the last.",
        )
    other = releases.overlapping(wanted or now)
    if other is not None:
        tails = releases.range_text(other)
        return pick(
            f"与灰度中的发布「{other.name}」重叠（尾号 {tails}）。",
            f"It overlaps with the release “{other.name}” (tails {tails}).",
        )
    if wanted is None and is_before and releases.newer_in_force(row):
        return str(WORDS["newer_unconfirmed"])
    status = STATUSES[now.status]
    return pick(f"现在不行：发布的状态是「{status}」。", f"Not now: the release is {status}.")
