"""A stored decision and the calls that followed it, as what a page shows. Called by the turn's page in chat.admin.

The decision is JSON written by this or an older version of the platform, so nothing in it is taken for granted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from prompts.admin.policy_texts import effect_text
from prompts.admin.wording import as_money, as_ms, as_percent, both, in_chinese, pick
from prompts.llm.conditions import FIELDS
from prompts.llm.features import Features
from prompts.models import ModelCall

# The bars are drawn on an axis of so many units.
AXIS = 1000.0
# Less is no time at all, and would not fit on any axis.
SHORTEST_MS = 0.001
ACCOUNTING = "CNY"
MORE_FEATURES = {
    "output_tokens": both("输出上限", "Output limit"),
    "bucket_source": both("尾号来源", "Source of the bucket"),
    "current_endpoint": both("上一轮的模型", "Model of the turn before"),
    "draw": both("抽签", "Draw"),
    "dispatched": both("分诊结果", "Dispatcher's word"),
}
REJECTED = {
    "no_key": both("没有密钥", "no key"),
    "breaker": both("已熔断", "cut off by its breaker"),
    "context": both("超出上下文窗口", "too long for its window"),
    "output": both("输出上限不够", "cannot write that much"),
    "tools": both("不支持工具", "no tools"),
    "json": both("不支持 JSON", "no JSON"),
    "tokens_per_minute": both("本分钟 token 已用完", "tokens of this minute are used up"),
    "budget": both("预算已用完", "budget used up"),
    "load": both("负载保护", "load protection"),
}
CAUSES = {
    "pinned": both("规则指定", "pinned by a rule"),
    "quality_cheapest": both("达到质量要求的最便宜者", "the cheapest that is good enough"),
    "priority": both("没有价格，按优先级", "no prices: by priority"),
    "dispatcher": both("由分诊模型判断", "the dispatcher's word"),
    "sticky": both("沿用本会话的模型", "stays with the conversation's model"),
    "explore": both("探索", "exploration"),
    "canary": both("灰度", "canary"),
    "shed": both("负载保护", "load protection"),
    "no_model": both("没有可用的模型", "no model could be asked"),
}
OUTCOMES = {
    "forestalled": both("前面的规则已指定", "forestalled by a rule before it"),
    "infeasible": both("指定的模型不可用", "nothing it pins can answer"),
}
LEVELS = (
    both("正常", "normal"),
    both("轻量", "light"),
    both("标准答案", "SOP"),
    both("排队", "queue"),
)
# JSON columns forget the order of keys.
ORDER = {field.name: at for at, field in enumerate(fields(Features))}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One endpoint as the router saw it."""

    name: str
    feasible: bool
    reason: str
    cost: str
    p_ok: str
    reaches: bool
    seen: str
    p95: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One call on the time axis: slept, waited for the first token, then wrote. Positions of AXIS."""

    call: ModelCall
    x: float
    slept: float
    waited: float
    wrote: float
    wait: str
    first_token: str
    total: str
    cost: str

    @property
    def waited_x(self) -> float:
        return self.x + self.slept

    @property
    def wrote_x(self) -> float:
        return self.waited_x + self.waited


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The way from features to the answer. Empty texts where the decision says nothing."""

    known: bool
    policy: str
    features: list[tuple[str, str]]
    load: str
    rules: list[str]
    candidates: list[Candidate]
    threshold: str
    cause: str
    chosen: str
    plan: list[str]
    baseline: str
    saving: str
    propensity: str
    canary: str
    remarks: list[str]
    answered_by: str
    bars: list[Bar]
    span: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a comparison."""

    label: str
    stored: str
    replayed: str

    @property
    def changed(self) -> bool:
        return self.stored != self.replayed


def explain(decision: Any, calls: Iterable[ModelCall] = ()) -> Waterfall:
    """Everything the page shows of a decision, in the language of the request."""
    stored = decision if isinstance(decision, Mapping) else {}
    bars, span = draw(list(calls))
    chosen = text_of(stored, "chosen")
    threshold = number_of(stored, "threshold")
    return Waterfall(
        known=bool(stored),
        policy=text_of(stored, "policy_version"),
        features=features_of(stored),
        load=load_of(stored),
        rules=[rule_text(hit) for hit in list_of(stored, "rule_hits")],
        candidates=[
            candidate_of(found, chosen=chosen, threshold=threshold)
            for found in list_of(stored, "candidates")
            if isinstance(found, Mapping)
        ],
        threshold=as_percent(threshold),
        cause=cause_of(stored),
        chosen=chosen,
        plan=[str(name) for name in list_of(stored, "plan")],
        baseline=text_of(stored, "baseline"),
        saving=money_of(stored, "est_saving"),
        propensity=as_percent(number_of(stored, "propensity")),
        canary=text_of(stored, "canary"),
        remarks=remarks_of(stored),
        answered_by=text_of(stored, "answered_by"),
        bars=bars,
        span=span,
    )


def compare(stored: Waterfall, replayed: Waterfall) -> list[Difference]:
    """What another policy would have made of it, line by line, beside what was decided."""
    lines = [
        (pick("选中", "Chosen"), stored.chosen, replayed.chosen),
        (pick("原因", "Cause"), stored.cause, replayed.cause),
        (pick("质量要求", "Quality wanted"), stored.threshold, replayed.threshold),
        (pick("命中的规则", "Rules hit"), joined(stored.rules), joined(replayed.rules)),
        (pick("计划", "Plan"), " → ".join(stored.plan), " → ".join(replayed.plan)),
        (pick("预计节省", "Estimated saving"), stored.saving, replayed.saving),
        (pick("灰度", "Canary"), stored.canary or "—", replayed.canary or "—"),
        (pick("备注", "Remarks"), joined(stored.remarks), joined(replayed.remarks)),
    ]
    return [Difference(*line) for line in lines]


def joined(texts: Sequence[str]) -> str:
    return pick("、", ", ").join(texts) or "—"


# --- parts of the decision -----------------------------------------------------------------------------


def features_of(stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The features with their names in the language of the request."""
    found = stored.get("features")
    if not isinstance(found, Mapping):
        return []
    ordered = sorted(found.items(), key=lambda item: ORDER.get(item[0], len(ORDER)))
    return [(label_of(str(name)), value_text(value)) for name, value in ordered]


def label_of(name: str) -> str:
    if name in FIELDS:
        return FIELDS[name].label_zh if in_chinese() else FIELDS[name].label_en
    return str(MORE_FEATURES.get(name, name))


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return pick("是", "yes") if value else pick("否", "no")
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value) if value not in ("", None) else "—"


def load_of(stored: Mapping[str, Any]) -> str:
    situation = stored.get("situation")
    level = situation.get("load_level") if isinstance(situation, Mapping) else None
    return str(LEVELS[level]) if isinstance(level, int) and 0 <= level < len(LEVELS) else ""


def rule_text(hit: Any) -> str:
    """A rule that matched, what it does, and whether that came to nothing."""
    if not isinstance(hit, Mapping):
        return str(hit)
    effect = hit.get("effect")
    does = effect_text(effect) if isinstance(effect, Mapping) else "—"
    outcome = OUTCOMES.get(text_of(hit, "outcome"), "")
    return f"{text_of(hit, 'name')}: {does}" + (f" ({outcome})" if outcome else "")


def candidate_of(found: Mapping[str, Any], *, chosen: str, threshold: float | None) -> Candidate:
    name = text_of(found, "name") or text_of(found, "endpoint")
    reason = text_of(found, "reject_reason")
    p_ok, seen = number_of(found, "p_ok"), number_of(found, "n")
    return Candidate(
        name=name,
        feasible=found.get("feasible") is True,
        reason=str(REJECTED.get(reason, reason)),
        cost=money_of(found, "est_cost"),
        p_ok=as_percent(p_ok),
        reaches=p_ok is not None and threshold is not None and p_ok >= threshold,
        seen="—" if seen is None else f"{seen:.0f}",
        p95=as_ms(number_of(found, "p95_ms") or None),
        chosen=name == chosen,
    )


def cause_of(stored: Mapping[str, Any]) -> str:
    cause = text_of(stored, "cause")
    return str(CAUSES.get(cause, cause))


def remarks_of(stored: Mapping[str, Any]) -> list[str]:
    """What else the decision asks for."""
    found = []
    if stored.get("wait") is True:
        found.append(pick("顾客需要等待", "the customer waits"))
    if stored.get("offer_human") is True:
        found.append(pick("主动提供人工", "a person is offered"))
    if text_of(stored, "ask_dispatcher"):
        asked = text_of(stored, "ask_dispatcher")
        found.append(pick(f"先问分诊模型 {asked}", f"asks the dispatcher {asked} first"))
    return found


def text_of(stored: Mapping[str, Any], key: str) -> str:
    value = stored.get(key)
    return "" if value is None or isinstance(value, list | Mapping) else str(value)


def number_of(stored: Mapping[str, Any], key: str) -> float | None:
    value = stored.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value is not None else None


def list_of(stored: Mapping[str, Any], key: str) -> list[Any]:
    value = stored.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def money_of(stored: Mapping[str, Any], key: str) -> str:
    value = number_of(stored, key)
    return "—" if value is None else as_money(value, ACCOUNTING)


# --- the calls on a time axis --------------------------------------------------------------------------


def draw(calls: Sequence[ModelCall]) -> tuple[list[Bar], str]:
    """The calls one after the other, as they were made, and how long all of them took."""
    span_ms = sum(call.wait_ms + call.total_ms for call in calls)
    scale = AXIS / span_ms if span_ms > SHORTEST_MS else 0.0
    bars, x = [], 0.0
    for call in calls:
        bar = bar_of(call, x=x, scale=scale)
        bars.append(bar)
        x = bar.wrote_x + bar.wrote
    return bars, as_ms(span_ms) if calls else ""


def bar_of(call: ModelCall, *, x: float, scale: float) -> Bar:
    first = (
        call.total_ms if call.first_token_ms is None else min(call.first_token_ms, call.total_ms)
    )
    return Bar(
        call=call,
        x=round(x, 1),
        slept=round(call.wait_ms * scale, 1),
        waited=round(first * scale, 1),
        wrote=round((call.total_ms - first) * scale, 1),
        wait=as_ms(call.wait_ms),
        first_token=as_ms(call.first_token_ms),
        total=as_ms(call.total_ms),
        cost=("≈ " if call.usage_estimated else "") + as_money(call.cost, call.currency),
    )
