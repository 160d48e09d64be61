"""What is asked: the measures, and of each the items an endpoint gets, as requests. Pure."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from random import Random
from typing import Any

import yaml

from analytics.comparison import cases, graders, probing
from analytics.comparison.cases import LABELS, EmotionCase, IdiomCase, ToolCase
from analytics.comparison.graders import Grade
from chat.management import demo_tools
from prompts.llm.router import estimate_tokens
from prompts.llm.types import Line, Request, Tool
from prompts.trials import Trial

FIRST_TOKEN, LOAD, WINDOW = "first_token", "load", "window"
IDIOMS, TOOLS, EMOTIONS = "idioms", "tools", "emotions"
# In this order; how many items each has.
SIZES = {
    FIRST_TOKEN: 40,
    LOAD: 400,
    WINDOW: probing.PROBES_MOST,
    IDIOMS: 100,
    TOOLS: 60,
    EMOTIONS: 120,
}
# Answers may be as long as this, so that no model is cut off; most are a word.
MOST_OUTPUT = {FIRST_TOKEN: 256, LOAD: 256, WINDOW: 64, IDIOMS: 64, TOOLS: 256, EMOTIONS: 64}
# Our guess at what they come to, for the price that is told beforehand.
USUAL_OUTPUT = {FIRST_TOKEN: 40, LOAD: 40, WINDOW: 8, IDIOMS: 6, TOOLS: 40, EMOTIONS: 6}
# Estimates of tokens are rough; what is set aside for a request is not to be too little.
CAUTION = 1.5
SAMPLES_MOST, RATE_MOST, WINDOW_MOST = 400, 200.0, 1_000_000

SPEED_ASKED = (
    "什么时候发货？",
    "可以开发票吗？",
    "退货的运费谁出？",
    "尺码偏大还是偏小？",
    "优惠券怎么用？",
    "能改收货地址吗？",
    "支持货到付款吗？",
    "多久能到北京？",
    "质量有问题怎么办？",
    "有没有赠品？",
)
SPEED = "你是一家网店的客服。请用不超过三十个字回答顾客。"
IDIOM = "下面是一道关于成语的单选题。只回答选项的字母 A、B、C 或 D，不要解释。"
EMOTION = f"判断说话人的情绪。只回答一个词：{'、'.join(LABELS.values())}。不要解释。"
TOOL = (
    "你是一家网店的客服。需要查询或办理时，调用合适的工具；订单号等必要信息不全时，先向顾客询问，不要编造；"
    "不需要工具的问题直接回答。像 <ADDRESS_1> 这样的占位符代表顾客的个人信息，原样传给工具。"
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is made. `samples` bounds the items of every measure; `rate` is requests a second under load."""

    seed: int = 8
    samples: int | None = None
    rate: float = 20.0
    # Larger prompts are not tried, however large a window is said to be.
    window_tokens: int = 64_000

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def size(self, measure: str) -> int:
        """How many items the measure has at most."""
        whole = SIZES[measure]
        return whole if self.samples is None or measure == WINDOW else min(whole, self.samples)


def checked(options: Options) -> Options:
    """Raises ValueError for numbers that make no sense."""
    if options.samples is not None and not 1 <= options.samples <= SAMPLES_MOST:
        raise ValueError(f"samples: 1 to {SAMPLES_MOST}")
    if not 0.1 <= options.rate <= RATE_MOST:
        raise ValueError(f"rate: 0.1 to {RATE_MOST} requests a second")
    if not probing.LEAST_TOKENS <= options.window_tokens <= WINDOW_MOST:
        raise ValueError(f"window_tokens: {probing.LEAST_TOKENS} to {WINDOW_MOST}")
    return options


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask. `grade` says whether an answer is right; None where only its times count."""

    measure: str
    key: str
    request: Request
    grade: Callable[[Trial], Grade] | None = None


def items(measure: str, options: Options) -> list[Item]:
    """What every endpoint is asked for a measure, the same for the same options; of a window see `probe`."""
    if measure == WINDOW:
        return []
    count = options.size(measure)
    if measure in {FIRST_TOKEN, LOAD}:
        return [speed_item(measure, at, seed=options.seed) for at in range(count)]
    if measure == IDIOMS:
        return [idiom_item(case) for case in cases.sample(cases.idioms(), count, seed=options.seed)]
    if measure == TOOLS:
        return [tool_item(case) for case in cases.sample(cases.tools(), count, seed=options.seed)]
    found = cases.sample(cases.emotions(), count, seed=options.seed)
    return [emotion_item(case) for case in found]


def speed_item(measure: str, at: int, *, seed: int) -> Item:
    """A short question that was not asked before, so that no cache answers it."""
    asked = Random(f"{seed}-{at}").choice(SPEED_ASKED)  # noqa: S311 - nothing secret is drawn
    return Item(
        measure, f"{measure}-{at:04}", request(measure, SPEED, f"我是第 {at + 1} 位顾客。{asked}")
    )


def idiom_item(case: IdiomCase) -> Item:
    choices = "\n".join(
        f"{letter}. {each}" for letter, each in zip("ABCD", case.choices, strict=True)
    )
    return Item(
        IDIOMS,
        case.key,
        request(IDIOMS, IDIOM, f"{case.text}\n{choices}"),
        lambda trial: graders.idiom(case, trial.text),
    )


def tool_item(case: ToolCase) -> Item:
    return Item(
        TOOLS,
        case.key,
        request(TOOLS, TOOL, case.text, tools=demo_shop()),
        lambda trial: graders.tools(case, trial.tools, trial.text),
    )


def emotion_item(case: EmotionCase) -> Item:
    return Item(
        EMOTIONS,
        case.key,
        request(EMOTIONS, EMOTION, case.text),
        lambda trial: graders.emotion(case, trial.text),
    )


def probe(tokens: int, *, seed: int) -> Item:
    """A prompt of about so many tokens with a code in it."""
    text, code = probing.prompt(tokens, seed=seed)
    asked = Request("comparison", (Line("user", text),), max_output_tokens=MOST_OUTPUT[WINDOW])
    return Item(WINDOW, f"probe-{tokens}", asked, lambda trial: graders.needle(code, trial.text))


def request(measure: str, system: str, text: str, *, tools: tuple[Tool, ...] = ()) -> Request:
    return Request(
        "comparison",
        (Line("system", system), Line("user", text)),
        max_output_tokens=MOST_OUTPUT[measure],
        user="staff",
        tools=tools,
        temperature=None if measure in {FIRST_TOKEN, LOAD} else 0.0,
    )


@cache
def demo_shop() -> tuple[Tool, ...]:
    """The tools of the demo shop as a model is offered them."""
    entries = yaml.safe_load(demo_tools.FILE.read_text(encoding="utf-8"))
    return tuple(
        Tool(
            entry["name"],
            entry["description_zh"],
            demo_tools.fields_of(entry, shop_url="https://shop.invalid")["schema"],
        )
        for entry in entries
    )


def most_tokens(declared: int, options: Options) -> int:
    """The largest prompt to try: a little less than the window that is declared (0: none is), or than may be tried."""
    window = (declared or options.window_tokens) - MOST_OUTPUT[WINDOW]
    return max(probing.LEAST_TOKENS, int(min(window, options.window_tokens) * 0.97))


def tokens_of(item: Item) -> tuple[int, int]:
    """What a request may read and write at most, in tokens."""
    return round(estimate_tokens(item.request) * CAUTION), item.request.max_output_tokens


def expected(measure: str, options: Options, *, has_tools: bool) -> int:
    """How many items an endpoint gets of a measure; of a window it shows itself how many probes it takes."""
    if measure == WINDOW:
        return 1
    return 0 if measure == TOOLS and not has_tools else options.size(measure)
