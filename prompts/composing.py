"""What a model is asked: the system text of one wording, the thread, the question. Called by completion and trials.

Everything comes from the one snapshot and the one wording it is given, so that a turn never mixes versions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from prompts import example_sets, fewshots, rendering, retrieval
from prompts.fewshots import Example
from prompts.llm.types import Document, Line, Request
from prompts.models import Wording
from prompts.retrieval import Hit, Scope
from prompts.routing import Question
from prompts.snapshot import Snapshot

KNOWLEDGE_LIMIT = 3
# The id of what the thread itself answers.
THREAD = "thread"
ASKS_ORDER = re.compile("订单号|order number", re.IGNORECASE)
# Behind the system text, whatever staff wrote into it: the facts of this very moment.
FINDINGS = {
    "zh": "店铺系统刚刚的结果（按这个顺序如实告诉顾客，数字和时间不要改；待确认的事还没有做，请顾客点卡片确认，不要说已经办好）：",
    "en": "What the shop's system has just said (tell the customer in this order, change no number or time; what is "
    "to be confirmed is not done yet: ask to confirm it in the card, and never say it is done):",
}

# Below an SOP's answer, for the model alone.
HANDLING = {
    "zh": {"steps": "办理：{}", "lacking": "还缺：{}", "tool": "用工具：{}"},
    "en": {"steps": "Steps: {}", "lacking": "Still missing: {}", "tool": "With the tool: {}"},
}


@dataclass(frozen=True, slots=True)
class Composed:
    """A request and what it was made of. `system` is the exact text the model reads first."""

    request: Request
    system: str
    examples: tuple[Example, ...]
    version_id: int | None
    sop_set: int
    # The shop's systems had a part in it.
    told: bool
    # The version's words for a negative mood stood in it.
    soothes: bool = False

    def as_json(self, hits: list[Hit]) -> dict[str, Any]:
        """What is kept with a turn to explain its answer: the rendering, whole, and where it came from."""
        return {
            "version": self.version_id,
            "system": self.system,
            "examples": [example.pk for example in self.examples],
            "hits": [{"sop": hit.sop_id, "key": hit.key, "score": hit.score} for hit in hits],
            **({"sop_set": self.sop_set} if self.sop_set else {}),
            **({"told": True} if self.told else {}),
            **({"soothes": True} if self.soothes else {}),
        }


def find_hits(question: Question, current: Snapshot) -> list[Hit]:
    """The SOPs that may answer, as every place that retrieves for a question finds them: of one set only."""
    hits = retrieval.search(
        question.text,
        language=question.language,
        limit=KNOWLEDGE_LIMIT,
        scope=Scope(shop=question.inbox, sku=question.slots.get("sku", "")),
        sop_set=current.sop_set,
    )
    if not question.handled:
        return hits
    # What the shop's systems have answered needs no SOP; what was asked beside it may.
    return [hit for hit in hits if hit.intent in question.wanted - question.handled]


def compose(
    question: Question, hits: list[Hit], *, wording: Wording | None, current: Snapshot
) -> Composed:
    """The request for a question under one wording."""
    examples = chosen(question, wording=wording, current=current)
    system = system_text(question, hits, examples, wording=wording, current=current)
    if question.findings or question.asks:
        system = f"{system}\n\n{findings_text(question)}".strip()
    lines = [Line("system", system)]
    lines += [Line("user" if role == "visitor" else "assistant", t) for role, t in question.history]
    lines.append(Line("user", question.text))
    request = Request(
        purpose="answer",
        lines=tuple(lines),
        documents=tuple(documents_of(question, hits)),
        fallback="\n".join(question.asks)
        or with_noted(text(current, "unknown", language=question.language), question),
        findings="\n".join([*question.findings, *question.asks]) if question.findings else "",
        user=question.user,
    )
    if wording and wording.max_output_tokens:
        request = replace(request, max_output_tokens=wording.max_output_tokens)
    version_id = wording.pk if wording else None
    told = bool(question.findings or question.asks)
    soothes = question.emotion == "negative" and rendering.soothes(wording)
    return Composed(request, system, examples, version_id, current.sop_set, told, soothes)


def findings_text(question: Question) -> str:
    words = FINDINGS.get(question.language, FINDINGS["zh"])
    return "\n".join([words, *(f"- {each}" for each in (*question.findings, *question.asks))])


def chosen(
    question: Question, *, wording: Wording | None, current: Snapshot
) -> tuple[Example, ...]:
    if wording is None:
        return ()
    library = example_sets.library_for(wording, current.example_sets, current.library)
    return library.choose(
        wording,
        asked=question.text,
        language=question.language,
        intent=question.intent,
        emotion=question.emotion,
    )


def system_text(
    question: Question,
    hits: list[Hit],
    examples: tuple[Example, ...],
    *,
    wording: Wording | None,
    current: Snapshot,
) -> str:
    if wording is None:
        return ""
    upset = question.emotion == "negative"
    values = {
        "shop_name": question.shop_name,
        "slots": rendering.slots_text(question.slots, language=question.language) or "—",
        "knowledge": "\n".join(known(hit, question) for hit in hits) or "—",
        "examples": fewshots.shown(examples),
        "topic": question.topic or "—",
        "state": question.state or "—",
        "mood": text(current, "soothe", language=question.language) if upset else "",
        "max_chars": str(wording.max_chars or ""),
    }
    return rendering.render_wording(wording, values, upset=upset)


def known(hit: Hit, question: Question) -> str:
    """An SOP as the model reads it: its answer, and how staff want it handled."""
    lacking = [name for name in hit.required_slots if name not in question.slots]
    words = HANDLING.get(question.language, HANDLING["zh"])
    told = [
        words["steps"].format("; ".join(hit.steps)) if hit.steps else "",
        words["lacking"].format(rendering.slot_names(lacking, language=question.language))
        if lacking
        else "",
        words["tool"].format(hit.tool) if hit.tool else "",
    ]
    return "\n  ".join([f"- {hit.title}: {hit.answer}", *filter(None, told)])


def documents_of(question: Question, hits: list[Hit]) -> Iterator[Document]:
    """What may be said without a model, the thread's own answer before any SOP."""
    if question.reply and not question.findings:
        yield Document(THREAD, "", question.reply, score=1.0, confident=True)
    for hit in hits:
        yield as_document(hit, with_noted(hit.answer, question))


def with_noted(said: str, question: Question) -> str:
    """A text that asks for the order, with the word that it is known where it is."""
    return f"{said} {question.noted}".strip() if ASKS_ORDER.search(said) else said


def as_document(hit: Hit, answer: str) -> Document:
    return Document(
        id=hit.key,
        title=hit.title,
        answer=answer,
        score=hit.score,
        confident=hit.score >= retrieval.CONFIDENT,
    )


def text(current: Snapshot, purpose: str, *, language: str, **values: str) -> str:
    """The text of a purpose in `current` with its parts, filled with values; empty when staff removed it."""
    if purpose == "resume":
        answering = current.prompts.get(("answer", language))
        if answering is not None and answering.resume_text:
            return rendering.render(answering.resume_text, values).strip()
    found = current.prompts.get((purpose, language)) or current.prompts.get((purpose, "zh"))
    return rendering.render_wording(found, values, upset=False) if found else ""
