"""How large a prompt an endpoint reads: which sizes to try, and a text of a size with a code to find in it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from prompts.llm.router import estimate_tokens
from prompts.llm.types import Line, Request

PROBES_MOST = 10
LEAST_TOKENS = 500
# Closer than this share of the size that did not fit is close enough.
CLOSE = 0.04
ASKED = "上面有一行写着取件码。取件码是多少？只回答数字。"
SENTENCES = (
    "仓库今天上午清点了货架，数量与系统一致。",
    "顾客询问尺码时，先请对方报身高和体重。",
    "雨天路滑，快递员会比平时晚到一些，请耐心等候。",
    "发票可以在订单详情页下载，抬头填错可以重开一次。",
    "新到的一批杯子颜色偏浅，已经请摄影重新拍照。",
    "活动期间咨询的人多，回复会慢，但每一条都会看到。",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A prompt of about `tokens` that was read whole, or was not; `counted` is the vendor's own count of it."""

    tokens: int
    fits: bool
    counted: int = 0


def next_size(probes: Sequence[Probe], *, most: int) -> int | None:
    """The next size to try, in tokens; None when enough is known. The first is the largest."""
    if not probes:
        return most
    fits, fails = bounds(probes)
    if fails is None or len(probes) >= PROBES_MOST or fails <= LEAST_TOKENS:
        return None
    if fails - fits <= CLOSE * fails:
        return None
    return max(LEAST_TOKENS, (fits + fails) // 2)


def bounds(probes: Sequence[Probe]) -> tuple[int, int | None]:
    """The largest size that was read, and the smallest that was not; 0 and None: none was."""
    fits = max((probe.tokens for probe in probes if probe.fits), default=0)
    return fits, min((probe.tokens for probe in probes if not probe.fits), default=None)


def window(probes: Sequence[Probe]) -> tuple[int, int | None]:
    """The bounds in tokens as the vendor counts them, where it told."""
    fits, fails = bounds(probes)
    counted = max((probe.counted for probe in probes if probe.fits), default=0)
    if not (fits and counted):
        return fits, fails
    return counted, None if fails is None else round(fails * counted / fits)


def prompt(tokens: int, *, seed: int) -> tuple[str, str]:
    """A text of about so many tokens by our own estimate, and the code that stands somewhere in it."""
    draw = Random(f"{seed}-{tokens}")  # noqa: S311 - nothing secret is drawn
    code = str(draw.randrange(100_000, 1_000_000))
    sizes = [size_of(f"000000 {sentence}\n") for sentence in SENTENCES]
    count = max(1, round((tokens - size_of(ASKED)) / (sum(sizes) / len(sizes))))
    lines = [f"{at:06} {SENTENCES[at % len(SENTENCES)]}" for at in range(count)]
    lines.insert(draw.randrange(count + 1), f"取件码是 {code}。")
    return "\n".join([*lines, ASKED]), code


def size_of(text: str) -> float:
    """Tokens of a text by our own estimate, of many so that rounding does not count."""
    many = 200
    return estimate_tokens(Request("comparison", (Line("user", text * many),))) / many
