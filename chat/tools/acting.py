"""What tools do in one turn: carry out what was confirmed, read what was asked for, ask before anything is written.

Called by the turn; the findings go to the model or, without one, are the answer.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from chat.dialogue import Dialogue, Topic, Understood, open_topics, settled
from chat.models import Message, ToolCall, Turn
from chat.states import CallState
from chat.tools import arguments as args
from chat.tools import cards, confirming, planning, registry, results, running, wording
from chat.tools.arguments import Arguments, BadArguments
from chat.tools.confirming import Proposal
from chat.tools.planning import Step
from chat.tools.registry import Spec
from chat.tools.running import Caller, Outcome
from prompts.llm.types import Tool
from prompts.llm.types import ToolCall as ToolCallWanted

MOST_CALLS = 5
# All calls of a turn together: a model's answer has to fit behind them into the turn's lease.
MOST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say, and what it comes from. `asks`: more is needed before anything can be called."""

    sentence: str
    intent: str = ""
    outcome: Outcome | None = None
    proposal: Proposal | None = None
    asks: bool = False
    asked_by: str = "slots"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The customer's word on a card, as the visitor's line holds it."""

    act: str
    call_id: UUID

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> "Chosen":
        return cls(stored["act"], UUID(stored["call"]))

    def as_json(self) -> dict[str, str]:
        return {"act": self.act, "call": str(self.call_id)}


@dataclass(slots=True)
class Acts:
    """The acts of one turn. `is_ours` says, just before something is written, whether the turn still is."""

    turn: Turn
    language: str
    is_ours: Callable[[], bool]
    specs: tuple[Spec, ...] = ()
    # The intents that were said, and those of the topics that are open.
    wanted: frozenset[str] = frozenset()
    open_intents: frozenset[str] = frozenset()
    until: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)
    findings: list[Finding] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        conversation = self.turn.conversation
        return Caller(
            "slots",
            language=self.language,
            conversation=conversation,
            turn=self.turn,
            customer=conversation.visitor.customer_id,
        )

    # --- what is done ---------------------------------------------------------------------------

    def carry_out(self, chosen: Iterable[Chosen]) -> None:
        """Runs what the customer confirmed, and says what was cancelled."""
        for each in chosen:
            if each.act == cards.CONFIRM:
                outcome = confirming.carry_out(
                    each.call_id, self.specs, self.caller, turn=self.turn
                )
                gone = Finding(wording.say(wording.GONE, self.language))
                self.add(finding_of(outcome) if outcome else gone)
            else:
                self.note_cancelled(each.call_id)

    def note_cancelled(self, call_id: UUID) -> None:
        call = ToolCall.objects.filter(
            pk=call_id, conversation_id=self.turn.conversation_id
        ).first()
        spec = next((s for s in self.specs if call and s.id == call.tool_id), None)
        words = wording.say(wording.GONE, self.language)
        if spec is not None:
            title = spec.title(self.language)
            words = wording.say(wording.CANCELLED, self.language, title=title)
        self.add(Finding(words))

    def answer(self, after: Dialogue, understood: Understood) -> None:
        """Does what the visitor's words ask for, as far as their slots allow; `after` knows of the words."""
        self.language = understood.language
        self.wanted = frozenset(name for name, _ in understood.intents)
        self.open_intents = frozenset(topic.intent for topic in open_topics(after))
        if self.specs:
            self.run_steps(planning.plan(self.specs, after))

    def run_steps(self, steps: Sequence[Step]) -> None:
        """Reads, writes that need no confirmation, and proposals, in the order they were asked for."""
        for step in steps:
            self.add(
                replace(
                    self.asked_for(step) if step.missing else self.done(step),
                    intent=step.topic.intent,
                )
            )

    def asked_for(self, step: Step) -> Finding:
        names = [cards.label_of(step.spec, slot, self.language) for slot in step.missing]
        words = wording.say(
            wording.ASK,
            self.language,
            title=step.spec.title(self.language),
            slots=wording.say(wording.BETWEEN, self.language).join(names),
        )
        return Finding(words, asks=True)

    def done(self, step: Step) -> Finding:
        return self.call_or_propose(step.spec, step.arguments, asked_by="slots")

    def call_or_propose(self, spec: Spec, arguments: Arguments, *, asked_by: str) -> Finding:
        """One call, or the card that asks for it, which one card does; refused beyond MOST_CALLS and MOST_SECONDS."""
        caller = replace(self.caller, asked_by=asked_by)
        if spec.asks_first and (known := self.find_proposal(spec, arguments)):
            return known
        if sum(bool(each.outcome or each.proposal) for each in self.findings) >= MOST_CALLS:
            return finding_of(running.refuse(spec, arguments, caller, error="limit"))
        if spec.asks_first:
            return self.proposed(spec, arguments, caller)
        left = self.until - time.monotonic()
        if left <= 0:
            return finding_of(running.refuse(spec, arguments, caller, error="limit"))
        spec = replace(spec, timeout_seconds=min(spec.timeout_seconds, left))
        if spec.writes:
            return self.written(spec, arguments, caller)
        return finding_of(running.run(spec, arguments, caller))

    def find_proposal(self, spec: Spec, arguments: Arguments) -> Finding | None:
        """The finding of this turn that asks for the same thing: two cards could both be confirmed."""
        asked = ((each, each.proposal) for each in self.findings if each.proposal)
        same = (f for f, p in asked if (p.spec.id, p.arguments) == (spec.id, arguments))
        return next(same, None)

    def proposed(self, spec: Spec, arguments: Arguments, caller: Caller) -> Finding:
        """A card, unless confirming it would come to nothing."""
        if spec.needs_verified and not caller.customer:
            return finding_of(running.refuse(spec, arguments, caller, error="unverified"))
        try:
            proposal = confirming.propose(spec, arguments, asked_by=caller.asked_by)
        except BadArguments:
            return finding_of(running.refuse(spec, arguments, caller, error="bad_arguments"))
        title = spec.title(self.language)
        return Finding(wording.say(wording.PROPOSED, self.language, title=title), proposal=proposal)

    def written(self, spec: Spec, arguments: Arguments, caller: Caller) -> Finding:
        """A write that runs unasked: under a key that is the same in every attempt of the turn."""
        if not self.is_ours():
            return finding_of(running.refuse(spec, arguments, caller, error="moved_on"))
        key = uuid5(self.turn.pk, args.digest(spec, arguments))
        row = ToolCall.objects.filter(key=key).first()
        if row is None:
            row = running.opening_row(spec, arguments, caller, key=key)
        return finding_of(running.run(spec, arguments, caller, row=row))

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)

    # --- what a model may do --------------------------------------------------------------------

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What is offered to a model: the tools for what is spoken of, without those that were used already."""
        used = names_used(self.findings)
        return tuple(
            Tool(spec.name, spec.description(self.language), spec.schema)
            for spec in self.allowed
            if spec.name not in used
        )

    @property
    def allowed(self) -> tuple[Spec, ...]:
        """What a model may call: what it was offered at first, also a second time."""
        used = names_used(each for each in self.findings if each.asked_by != "model")
        about = self.wanted | self.open_intents
        return tuple(
            spec
            for spec in self.specs
            if spec.name not in used and (not self.wanted or about & set(spec.intents))
        )

    def call(self, call: ToolCallWanted) -> str:
        """Calls a tool for a model, or puts up its card, and says what became of it."""
        spec = next((each for each in self.allowed if each.name == call.name), None)
        if spec is None:
            running.refuse_unoffered(call.name, replace(self.caller, asked_by="model"))
            return toolbox_words(Finding(f"There is no tool {call.name[:40]}."), state="refused")
        try:
            arguments = args.from_model(spec, call.arguments)
        except BadArguments as error:
            caller = replace(self.caller, asked_by="model")
            self.audit(running.refuse(spec, {}, caller, error="bad_arguments"))
            return toolbox_words(Finding(f"Refused: {error}"), state="refused")
        finding = self.call_or_propose(spec, arguments, asked_by="model")
        if finding not in self.findings:
            self.add(replace(finding, asked_by="model"))
        return toolbox_words(finding, language=self.language)

    def audit(self, outcome: Outcome) -> None:
        """A refusal that the customer need not hear of: the model may mend it."""
        self.refused.append(outcome)

    # --- what comes of it -----------------------------------------------------------------------

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(each.sentence for each in self.findings if not each.asks)

    @property
    def asks(self) -> tuple[str, ...]:
        """What is still to be asked of the customer."""
        return tuple(each.sentence for each in self.findings if each.asks)

    @property
    def handled(self) -> frozenset[str]:
        """The intents that were seen to."""
        return frozenset(each.intent for each in self.findings if each.intent and not each.asks)

    @property
    def outcomes(self) -> list[Outcome]:
        return [each.outcome for each in self.findings if each.outcome is not None]

    @property
    def failed(self) -> bool:
        """True when a tool did not do what it should, for a reason that is not the customer's."""
        return any(outcome.failed for outcome in self.outcomes)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        return tuple(each.proposal for each in self.findings if each.proposal is not None)

    def meta(self) -> dict[str, object]:
        """What the answer's row keeps: its cards, and which calls it rests on."""
        shown = [
            cards.result_card(outcome.spec, outcome.shown, language=self.language)
            for outcome in self.outcomes
            if outcome.spec.card and outcome.state is CallState.DONE
        ]
        put_up = [*shown, *(each.card(self.language) for each in self.proposals)]
        kept: dict[str, object] = {"cards": put_up} if put_up else {}
        if self.outcomes:
            kept["tools"] = [str(outcome.call_id) for outcome in self.outcomes]
        return kept

    def decision(self) -> dict[str, object]:
        """What the turn's page shows."""
        calls = [outcome.as_json() for outcome in (*self.outcomes, *self.refused)]
        calls += [
            {"call": str(p.call_id), "tool": p.spec.name, "effect": "write", "state": "proposed", "error": "", "ms": None}
            for p in self.proposals
        ]  # fmt: skip
        return {"tools": calls} if calls else {}

    def settle(self, dialogue: Dialogue) -> Dialogue:
        """The dialogue with the topics done that a write saw to."""
        made = [o for o in self.outcomes if o.spec.writes and o.state is CallState.DONE]
        ids = [topic.id for topic in open_topics(dialogue) for o in made if is_about(topic, o)]
        return settled(dialogue, ids) if ids else dialogue

    def put_up(self, message: Message) -> None:
        """Stores the proposals whose cards the message carries. The caller holds the row lock."""
        if self.proposals:
            confirming.put_up(self.proposals, turn=self.turn, message=message)


def toolbox_words(finding: Finding, *, state: str = "", language: str = "en") -> str:
    """A finding as a model reads it."""
    outcome = finding.outcome
    fields = results.labelled(outcome.spec, outcome.shown, language=language) if outcome else []
    found = {
        "state": state
        or (outcome.state.value if outcome else "waits_for_the_customers_confirmation"),
        "say": finding.sentence,
        **({"fields": dict(fields)} if fields else {}),
    }
    return json.dumps(found, ensure_ascii=False)


def names_used(findings: Iterable[Finding]) -> set[str]:
    """The tools that were called, or have a card up."""
    by = (each.outcome or each.proposal for each in findings)
    return {each.spec.name for each in by if each}


def is_about(topic: Topic, outcome: Outcome) -> bool:
    """True where the call did what the topic wants, with what the topic knows."""
    given = args.from_slots(outcome.spec, topic.slots)
    return topic.intent in outcome.spec.intents and given == outcome.arguments


def finding_of(outcome: Outcome) -> Finding:
    return Finding(outcome.sentence, outcome=outcome)


def begin(turn: Turn, *, is_ours: Callable[[], bool], chosen: Sequence[Chosen] = ()) -> Acts:
    """The acts of a turn, with what was confirmed carried out."""
    specs = registry.of_inbox(turn.conversation.inbox_id)
    acts = Acts(turn, turn.conversation.visitor.language, is_ours, specs)
    acts.carry_out(chosen)
    return acts


def written(turn: Turn) -> tuple[str, ...]:
    """What the customer must hear of a turn that failed after it had written something."""
    language = turn.conversation.visitor.language
    return confirming.written(Caller("slots", language=language), turn=turn)
