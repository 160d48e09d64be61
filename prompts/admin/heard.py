"""What a turn understood, as its page explains it: the classifier's word, the model's, and which stood and why.

The analysis is JSON written by this or an older version of the platform, so nothing in it is taken for granted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prompts.admin.candidates import MOODS, NOTHING
from prompts.admin.wording import as_ms, as_percent, both

WORDS = {
    "title": both("听懂了什么", "What was understood"),
    "who": both("谁", "Who"),
    "local": both("分类器", "Classifier"),
    "model": both("模型", "Model"),
    "stood": both("采用", "What stood"),
    "intents": both("意图", "Intents"),
    "emotion": both("情绪", "Mood"),
    "lead": both("领先", "Lead"),
}
# What became of asking a model.
WHYS = {
    "sure": both("分类器有把握，没有问模型。", "The classifier was sure: no model was asked."),
    "none": both("当时还没有分类器。", "There was no classifier yet."),
    "model": both(
        "分类器拿不准，采用模型的判断。", "The classifier was unsure: the model's word stood."
    ),
    "agreed": both(
        "分类器拿不准，模型的判断相同。", "The classifier was unsure, and the model agreed."
    ),
    "cached": both(
        "分类器拿不准，采用模型之前对同样的话的判断。",
        "The classifier was unsure: what the model said of the same words before stood.",
    ),
    "no_model": both(
        "分类器拿不准，但没有可问的模型，维持分类器的判断。",
        "The classifier was unsure, but there is no model to ask: its own word stood.",
    ),
    "budget": both(
        "分类器拿不准，但今天的预算已用完，维持分类器的判断。",
        "The classifier was unsure, but the day's budget is used up: its own word stood.",
    ),
    "load": both(
        "分类器拿不准，但平台正忙，维持分类器的判断。",
        "The classifier was unsure, but the platform was busy: its own word stood.",
    ),
    "breaker": both(
        "分类器拿不准，但模型已熔断，维持分类器的判断。",
        "The classifier was unsure, but the models were cut off by their breakers: its own word stood.",
    ),
    "late": both(
        "模型没有在 0.3 秒内回答，维持分类器的判断。",
        "The model did not answer within 0.3 s: the classifier's word stood.",
    ),
    "failed": both(
        "模型没有给出可用的回答，维持分类器的判断。",
        "The model gave no usable answer: the classifier's word stood.",
    ),
    "unusable": both(
        "模型说了不存在的意图，维持分类器的判断。",
        "The model named an intent that does not exist: the classifier's word stood.",
    ),
    "broken": both(
        "询问模型时出错（见日志），维持分类器的判断。",
        "Asking the model went wrong (see the log): the classifier's word stood.",
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    who: Any
    intents: str
    emotion: str
    lead: str = "—"
    stood: bool = False


def explain(stored: Any) -> dict[str, Any]:
    """{"rows", "why", "ms"} of a turn's analysis; empty where none was stored."""
    if not isinstance(stored, Mapping) or "intents" not in stored:
        return {}
    local, model = part(stored, "local"), part(stored, "model")
    rows = []
    if local:
        lead = as_percent(local.get("lead"))
        rows.append(Row(WORDS["local"], names(local), mood(local.get("emotion")), lead))
    if model:
        who = f"{WORDS['model']} ({model.get('endpoint', '')})"
        rows.append(Row(who, names(model), mood(model.get("emotion"))))
    rows.append(Row(WORDS["stood"], names(stored), mood(stored.get("emotion")), stood=True))
    asked = stored.get("asked")
    return {
        "rows": rows,
        "why": WHYS.get(reason(stored, local, model), ""),
        "ms": as_ms(stored.get("ms")) if asked else "",
    }


def reason(stored: Mapping[str, Any], local: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    if not stored.get("asked"):
        return "sure" if local else "none"
    if not model or stored.get("why"):
        return str(stored.get("why"))
    return "agreed" if said(local) == said(model) else "model"


def part(stored: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = stored.get(name)
    return found if isinstance(found, Mapping) else {}


def said(of: Mapping[str, Any]) -> list[str]:
    return [one if isinstance(one, str) else str(one[0]) for one in of.get("intents") or []]


def names(of: Mapping[str, Any]) -> str:
    """ "logistics 91%, return 80%"; a model does not say how sure it is."""
    shown = [
        one if isinstance(one, str) else f"{one[0]} {as_percent(one[1], digits=0)}"
        for one in of.get("intents") or []
    ]
    return ", ".join(shown) or str(NOTHING)


def mood(found: Any) -> str:
    if isinstance(found, str):
        return str(MOODS.get(found, found))
    if isinstance(found, list) and len(found) == 2:
        return f"{MOODS.get(found[0], found[0])} {as_percent(found[1], digits=0)}"
    return "—"
