"""Holds an answer to what was done: one that promises what no tool has made is written once more, then a person is called.

Called by turn. What the shop's own SOPs say is the shop's promise and is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chat import promises
from chat.delivery import Delivery
from chat.promises import Promise
from chat.states import CallState
from chat.tools.acting import Acts
from prompts import completion
from prompts.completion import Answer, Question
from prompts.llm.catalogue import SOP

# Behind the facts of the thread, for the second attempt.
WARNING = {
    "zh": "注意：上一稿以店铺名义许诺了回电、退款或补偿，但没有任何工具办过。重写，不要许诺这些，也不要说已经办好。",
    "en": "Note: the last draft promised a call back, a refund or a compensation that no tool has made. Write it again "
    "without promising any of these, and never say that it was done.",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer. `broken` says that it promised too much twice; then those sentences are taken out of it."""

    reply: Answer
    broken: bool = False
    # Of each draft that promised, the kinds: what the turn's page shows.
    drafts: tuple[tuple[str, ...], ...] = ()

    def decision(self) -> Mapping[str, Any]:
        return {"promises": [list(kinds) for kinds in self.drafts]} if self.drafts else {}


def answer(asked: Question, delivery: Delivery, acts: Acts) -> Kept:
    """Streams the answer, and once more when it promises too much. Raises what completion.stream does."""
    reply = completion.stream(asked, delivery, acts)
    first = promised(reply, acts)
    if not first:
        return Kept(reply)
    delivery.restart()
    warned = "\n".join(filter(None, [asked.state, WARNING.get(asked.language, WARNING["zh"])]))
    # Who was let in, and has seen a draft withdrawn, is not sent to wait.
    reply = completion.stream(replace(asked, state=warned, may_wait=False), delivery, acts)
    second = promised(reply, acts)
    if not second:
        return Kept(reply, drafts=(kinds(first),))
    text = promises.without(reply.text, second)
    return Kept(replace(reply, text=text), broken=True, drafts=(kinds(first), kinds(second)))


def promised(reply: Answer, acts: Acts) -> dict[str, Promise]:
    """The sentences of a model's answer that promise what nobody has done; to look something up is to do nothing."""
    if reply.endpoint == SOP.name:
        return {}
    done = [o.spec for o in acts.outcomes if o.state is CallState.DONE and o.spec.writes]
    made = [name for spec in done for name in (spec.name, *spec.intents, *spec.titles)]
    known = [hit.answer for hit in reply.hits] + list(acts.sentences)
    looked_up = any(outcome.state is CallState.DONE for outcome in acts.outcomes)
    return promises.found_in(reply.text, made=made, known=known, looked_up=looked_up)


def kinds(found: Mapping[str, Promise]) -> tuple[str, ...]:
    return tuple(sorted({kind.value for kind in found.values()}))
