"""What a release's page shows: its gate, what it holds, how it fares beside everybody else."""

from typing import Any

from django.db import models
from django.http import HttpRequest

from prompts import releases, retrieval
from prompts.admin.canary_report import rate
from prompts.admin.evaluation_pages import as_line
from prompts.admin.release_words import DIFFERENCES, MOVES, STATUSES, WORDS
from prompts.admin.sops_heard import how
from prompts.admin.wording import as_money, as_ms, in_chinese, pick
from prompts.models import Release, SopSet
from prompts.releases import Comparison, Figures
from prompts.retrieval import Difference

DRIFT_SHOWN, MOVES_SHOWN = 20, 100
Status = Release.Status


def context(request: HttpRequest, row: Release) -> dict[str, Any]:
    found = releases.gate(row)
    changed = drift(row)
    return {
        "t": WORDS,
        "status_text": STATUSES[row.status],
        "range": releases.range_text(row),
        "gate": found,
        "run": as_line(found.run) if found.run else None,
        "holds": row.versions.select_related("prompt"),
        "sop_count": size_of(row),
        "drift": changed[:DRIFT_SHOWN],
        "drift_count": len(changed),
        "moves": moves(row),
        "arms": arms(releases.statistics(row)) if row.started_at else None,
        "may_publish": request.user.has_perm("prompts.publish_release"),
        "may_evaluate": request.user.has_perm("prompts.change_evalset"),
        "may_ask": request.user.has_perm("prompts.add_release"),
        "is_asker": row.override_asked_by_id == request.user.pk,
    }


def size_of(row: Release) -> int:
    """How many SOPs it holds."""
    sized = SopSet.objects.annotate(size=models.Func("members", function="cardinality"))
    found = sized.filter(releases=row).values_list("size", flat=True).first()
    return found or 0


def drift(row: Release) -> list[tuple[Difference, Any]]:
    """The SOPs that differ from what it holds, with how; of a release that nobody will hear, none."""
    if not row.sop_set_id or row.status in (Status.SUPERSEDED, Status.ROLLED_BACK):
        return []
    return [(each, DIFFERENCES[how(each)]) for each in retrieval.differences(row.sop_set_id)]


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


def arms(found: Comparison) -> dict[str, Any]:
    """Release and others, measure by measure."""
    left, right = shown(found.arm), shown(found.control)
    broken = found.breach is not None
    said = str(WORDS["guard_ok"])
    if found.breach is not None:
        why = found.breach.message_zh if in_chinese() else found.breach.message_en
        said = f"{WORDS['guard_broken']}{why}"
    return {
        "lines": [(name, left[name], right[name]) for name in left],
        "broken": broken,
        "guard": said,
    }


def shown(figures: Figures) -> dict[str, str]:
    stats = figures.stats
    return {
        pick("轮次", "Turns"): f"{stats.turns:,}",
        pick("调用失败率", "Failed calls"): rate(stats.errors, stats.calls),
        pick("人工接管率", "Takeovers"): rate(stats.takeovers, stats.turns),
        pick("负面情绪", "Negative moods"): rate(stats.negatives, stats.turns),
        pick("差评", "Thumbs down"): rate(figures.thumbs_down, stats.turns),
        pick("每轮费用", "Cost a turn"): as_money(figures.cost_cny / stats.turns, "CNY")
        if stats.turns
        else "—",
        "p50": as_ms(figures.p50_ms or None),
        "p99": as_ms(stats.p99_ms or None),
    }


def refusal(row: Release) -> str:
    """Why a move was not made."""
    now = Release.objects.only("status", "first_bucket", "last_bucket", "eval_set").get(pk=row.pk)
    if not releases.gate(row).is_open:
        return str(WORDS["gate_shut"])
    other = releases.overlapping(now)
    if other is not None:
        tails = releases.range_text(other)
        return pick(
            f"与灰度中的发布「{other.name}」重叠（尾号 {tails}）。",
            f"It overlaps with the release “{other.name}” (tails {tails}).",
        )
    status = STATUSES[now.status]
    return pick(f"现在不行：发布的状态是「{status}」。", f"Not now: the release is {status}.")
