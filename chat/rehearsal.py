"""A case of an evaluation asked in a shop: understood line by line, with the shop's tools. Called by prompts' evaluation.

Nothing is stored of it but the calls that read. What a tool would write is noted and not done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils import timezone

from chat import analysis, memory, question
from chat import dialogue as dialogues
from chat.analysis import Analysis
from chat.dialogue import Dialogue
from chat.models import Conversation, Inbox, Turn, Visitor
from chat.question import Thread
from chat.states import Role
from chat.tools import registry
from chat.tools.acting import Acts, Finding
from chat.tools.arguments import Arguments
from chat.tools.registry import Spec
from chat.tools.running import Caller
from chat.transcript import Line
from prompts import understanding
from prompts.evaluation.asking import Asked, NoShop
from prompts.evaluation.checks import Called
from prompts.models import EvalCase

SPEAKERS = {"visitor": Role.VISITOR.value, "bot": Role.BOT.value}
LOCALES = {"zh": "zh-CN", "en": "en"}


@dataclass
class Rehearsal(Acts):
    """The acts of nobody's turn: reads are made, writes stop at their card, all of them are noted in `calls`."""

    calls: list[Called] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        return Caller("slots", language=self.language)

    def call_or_propose(self, spec: Spec, arguments: Arguments, *, asked_by: str) -> Finding:
        self.calls.append(Called(spec.name, dict(arguments)))
        return Acts.call_or_propose(self, spec, arguments, asked_by=asked_by)

    def proposed(self, spec: Spec, arguments: Arguments, caller: Caller) -> Finding:
        # A card that is never shown needs nobody's name.
        return Acts.proposed(self, replace(spec, needs_verified=False), arguments, caller)

    def written(self, spec: Spec, arguments: Arguments, caller: Caller) -> Finding:
        return self.proposed(spec, arguments, caller)


def ask(case: EvalCase) -> Asked:
    """The case as a turn of its set's shop would ask it. Raises NoShop."""
    inbox = Inbox.objects.filter(key=case.set.inbox).first()
    if inbox is None:
        raise NoShop(case.set.inbox)
    visitor = Visitor(inbox=inbox, locale=LOCALES.get(case.language, "zh-CN"))
    conversation = Conversation(visitor=visitor, inbox=inbox)
    number = len(case.history) + 1
    turn = Turn(conversation=conversation, first_seq=number, last_seq=number, epoch=0)
    thread, dialogue = Thread([], []), Dialogue(conversation_id=str(conversation.pk))
    for thread in threads(case):
        found = understand(thread, dialogue, language=visitor.language)
        after = dialogues.advance(dialogue, found.understood)
        dialogue = memory.advanced(after, now=timezone.now())
    acts = Rehearsal(turn, visitor.language, lambda: False, registry.of_inbox(inbox.pk))
    acts.answer(after, found.understood)
    return Asked(question.build(turn, thread, after, found=found, acts=acts), acts, acts.calls)


def inboxes() -> list[tuple[str, str]]:
    """(key, name) of the inboxes a case may be asked in, by name."""
    rows = Inbox.objects.order_by("name", "key").values_list("key", "name")
    return [(key, name) for key, name in rows]


def threads(case: EvalCase) -> Iterator[Thread]:
    """The thread as each turn of the case read it, that of the case's own line last."""
    lines = [
        Line(seq, SPEAKERS[role], text, {}) for seq, (role, text) in enumerate(case.history, 1)
    ]
    asked: list[Line] = []
    for at, line in enumerate(lines):
        if line.role == Role.VISITOR:
            asked.append(line)
        elif asked:
            yield Thread(before(lines[:at], asked), [each.text for each in asked])
            asked = []
    yield Thread(lines[-question.HISTORY_LINES :], [case.text])


def before(lines: Sequence[Line], asked: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.seq < asked[0].seq][-question.HISTORY_LINES :]


def understand(thread: Thread, dialogue: Dialogue, *, language: str) -> Analysis:
    """As a turn understands its lines, without a model's second opinion."""
    return analysis.analyse(
        thread.asked,
        language=language,
        dialogue=dialogue,
        today=timezone.localdate(),
        prev=thread.previous,
        classifier=understanding.classifier(),
        patterns=question.order_patterns(),
        margin=settings.SECOND_OPINION_MARGIN,
    )
