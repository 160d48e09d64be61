"""The figures of a canary's page: arm beside control, the guard, and how evenly order numbers end. Pure but for words."""

from dataclasses import dataclass

from prompts.admin.wording import as_ms, as_percent, both, in_chinese, pick
from prompts.canaries import Comparison
from prompts.llm.canary import BUCKETS, ArmStats, Uniformity, share
from prompts.models import Canary

# The histogram is drawn on a field of 1000 by 100; every tail has 10 of its width.
HEIGHT, STEP, GAP = 100, 10, 2
P_SHOWN = 0.0001
WORDS = {
    "status": both("状态", "Status"),
    "range": both("尾号范围", "Tails"),
    "reason": both("原因", "Reason"),
    "start": both("开始…", "Start…"),
    "start_sure": both(
        "这个范围的会话将改用灰度模型。随时可以回滚。",
        "Conversations in the range go to the canary's endpoint. It can be rolled back at any time.",
    ),
    "start_yes": both("确认开始", "Yes, start"),
    "roll_back": both("回滚…", "Roll back…"),
    "roll_back_sure": both(
        "所有会话几秒内回到对照组。", "Within seconds everybody is back in the control."
    ),
    "roll_back_yes": both("确认回滚", "Yes, roll back"),
    "finish": both("结束…", "Finish…"),
    "finish_sure": both(
        "灰度成功：停止分流。之后请按需要调整策略或优先级。",
        "It went well: the split ends. Then change the policy or the priorities as you like.",
    ),
    "finish_yes": both("确认结束", "Yes, finish"),
    "arms": both("灰度组与对照组", "Arm and control"),
    "measure": both("指标", "Measure"),
    "arm": both("灰度组", "Arm"),
    "control": both("对照组", "Control"),
    "tails": both("订单尾号是否均匀（最近 30 天）", "Are order numbers even? (last 30 days)"),
    "show_tails": both("查看尾号分布", "Show how order numbers end"),
    "p_value": both("p 值", "p-value"),
    "orders": both("订单数", "Orders"),
    "in_range": both("落在范围内", "In the range"),
    "wanted": both("均匀时应为", "If even"),
    "worst": both("偏差最大的尾号", "Tails that differ most"),
    "tail": both("尾号", "Tail"),
    "count": both("订单数", "Orders"),
    "ratio": both("是平均的几倍", "Times the even share"),
}
VERDICTS = {
    "uniform": (
        "good",
        both("尾号分布均匀，可以按尾号分流。", "The tails are even: a split by tail is fair."),
    ),
    "uneven": (
        "bad",
        both(
            "尾号分布不均匀：按尾号分流会偏。请换一个范围，或先弄清尾号的含义（渠道、买家编号等）。",
            "The tails are uneven: a split by tail is biased. Take another range, or find out what they encode.",
        ),
    ),
    "too_few": (
        "warn",
        both(
            "订单太少，还看不出是否均匀（至少需要 500 个）。",
            "Too few orders to tell whether they are even (500 at least).",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Arms:
    """Lines of (measure, arm, control), and the guard in a sentence."""

    lines: list[tuple[str, str, str]]
    guard: str
    broken: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One tail of the histogram, in drawing units."""

    x: int
    y: float
    width: int
    height: float
    chosen: bool
    title: str


@dataclass(frozen=True, slots=True)
class Tails:
    """The report of uniformity."""

    tone: str
    verdict: str
    orders: int
    p_value: str
    in_range: str
    wanted: str
    columns: list[Column]
    even_y: float
    worst: list[tuple[str, int, str]]


def range_text(row: Canary) -> str:
    """As "00–04 (5%)"."""
    width = row.last_bucket - row.first_bucket + 1
    return f"{row.first_bucket:02d}–{row.last_bucket:02d} ({width}%)"


def arms(found: Comparison) -> Arms:
    """Arm and control, measure by measure."""
    left, right = shown(found.arm), shown(found.control)
    lines = [(name, left[name], right[name]) for name in left]
    if found.breach is None:
        return Arms(lines, pick("护栏正常。", "The guard is not broken."), broken=False)
    said = found.breach.message_zh if in_chinese() else found.breach.message_en
    return Arms(lines, pick("护栏被突破：", "The guard is broken: ") + said, broken=True)


def shown(stats: ArmStats) -> dict[str, str]:
    return {
        pick("轮次", "Turns"): f"{stats.turns:,}",
        pick("调用失败率", "Failed calls"): rate(stats.errors, stats.calls),
        pick("JSON 失败率", "Unusable JSON"): rate(stats.json_failures, stats.asked_json),
        pick("人工接管率", "Takeovers"): rate(stats.takeovers, stats.turns),
        "p99": as_ms(stats.p99_ms or None),
    }


def rate(count: int, of: int) -> str:
    """As "1.5% (3 / 200)"."""
    return f"{as_percent(share(count, of))} ({count} / {of})" if of else "—"


def tails(found: Uniformity, row: Canary) -> Tails:
    """How evenly order numbers end, with the canary's range marked."""
    tone, verdict = VERDICTS[found.verdict]
    chosen = range(row.first_bucket, row.last_bucket + 1)
    highest = max(found.counts, default=0) or 1
    return Tails(
        tone=tone,
        verdict=str(verdict),
        orders=found.n,
        p_value=chance_text(found),
        in_range=as_percent(share(sum(found.counts[at] for at in chosen), found.n)),
        wanted=as_percent(len(chosen) / BUCKETS),
        columns=[
            column(at, count=count, highest=highest, chosen=at in chosen)
            for at, count in enumerate(found.counts)
        ],
        even_y=round(HEIGHT - found.n / BUCKETS / highest * HEIGHT, 1),
        worst=[(f"{t.bucket:02d}", t.count, f"{t.ratio:.2f}") for t in found.worst if found.n],
    )


def chance_text(found: Uniformity) -> str:
    if not found.n:
        return "—"
    return f"{found.p_value:.4f}" if found.p_value >= P_SHOWN else f"< {P_SHOWN}"


def column(at: int, *, count: int, highest: int, chosen: bool) -> Column:
    height = round(count / highest * HEIGHT, 1)
    return Column(
        x=at * STEP,
        y=round(HEIGHT - height, 1),
        width=STEP - GAP,
        height=height,
        chosen=chosen,
        title=f"{at:02d}: {count}",
    )
