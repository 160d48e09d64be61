"""What a condition may ask about: the table of fields and operators, from which an editor can be built."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["number", "whole", "flag", "choice", "word"]

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
    "$in": lambda actual, wanted: actual in wanted,
    "$nin": lambda actual, unwanted: actual not in unwanted,
}
FOR_WORDS = ("$eq", "$ne", "$in", "$nin")
WORD_CHARS = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a condition or policy, and where, as `rules[0].when.tier`."""

    path: str
    message_zh: str
    message_en: str

    def under(self, path: str, *, chinese: str, english: str) -> "Problem":
        """The same, as a part of what is at `path` and has these names."""
        whole = f"{path}.{self.path}" if self.path else path
        return Problem(whole, f"{chinese}:{self.message_zh}", f"{english}: {self.message_en}")


@dataclass(frozen=True, slots=True)
class Field:
    """A feature a condition may ask about: `low` to `high` for numbers, `values` for choices."""

    name: str
    kind: Kind
    label_zh: str
    label_en: str
    low: float = -math.inf
    high: float = math.inf
    values: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(OPERATORS) if self.is_number else FOR_WORDS

    @property
    def is_number(self) -> bool:
        return self.kind in {"number", "whole"}

    def takes(self, value: object) -> bool:
        """Whether `value` is one this field may be compared with."""
        match self.kind:
            case "flag":
                return isinstance(value, bool)
            case "choice":
                return value in self.values
            case "word":
                return isinstance(value, str) and 0 < len(value) <= WORD_CHARS
            case "whole":
                return isinstance(value, int) and not isinstance(value, bool)
            case "number":
                return is_finite(value)

    def wants(self) -> tuple[str, str]:
        """What a value must be, in Chinese and English."""
        match self.kind:
            case "flag":
                return "true 或 false", "true or false"
            case "choice":
                return f"{'、'.join(self.values)} 之一", f"one of {', '.join(self.values)}"
            case "word":
                return (
                    f"1 到 {WORD_CHARS} 个字符的文本",
                    f"a text of 1 to {WORD_CHARS} characters",
                )
            case "whole":
                return "整数", "a whole number"
            case "number":
                return "数字", "a number"


def is_finite(value: object) -> bool:
    """Whether it is a number that can be compared: no flag, no NaN, no infinity."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("intent", "word", "意图", "Intent"),
        Field("intent_p", "number", "意图把握", "Sureness of the intent", 0, 1),
        Field("intent_margin", "number", "意图领先幅度", "Lead over the next intent", 0, 1),
        Field("emotion", "choice", "情绪", "Emotion", values=("negative", "neutral", "positive")),
        Field("emotion_score", "number", "情绪强度", "Strength of the emotion", 0, 1),
        Field("emotion_trend", "number", "情绪走向", "Trend of the emotion", -1, 1),
        Field("input_tokens", "whole", "输入令牌数", "Input tokens", 0),
        Field("turn_number", "whole", "第几轮", "Turn number", 1),
        Field("failed_turns", "whole", "未解决轮数", "Failed turns", 0),
        Field("needs_tools", "flag", "需要工具", "Needs tools"),
        Field("needs_json", "flag", "需要 JSON", "Needs JSON"),
        Field("tier", "choice", "客户等级", "Tier", values=("standard", "vip")),
        Field("order_value", "number", "订单金额", "Order value", 0),
        Field("language", "choice", "语言", "Language", values=("zh", "en")),
        Field("inbox", "word", "接入点", "Inbox"),
        Field("bucket", "whole", "订单尾号", "Bucket", 0, 99),
    )
}
