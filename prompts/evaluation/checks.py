"""What is asked of an answer. Pure: an expectation and what came of it in, what failed out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

APOLOGY = re.compile(r"抱歉|对不起|不好意思|致歉|歉意|sorry|apolog", re.IGNORECASE)
# An apology comes first when it stands in the first sentence that does more than greet.
SENTENCE_END = re.compile(r"[。！？!?\n]|\.\s")
# A sentence that does no more, its words alone, a blank between what signs part.
WORDS = re.compile(r"\w+")
GREETING = re.compile(
    r"(亲爱的|尊敬的|亲亲?)? ?(顾客|客户|用户|朋友|先生|女士)? ?"
    r"((您|你|大家)好|[早晚]上好|[上中下]午好|早|嗨|哈喽|在的)?[呀啊哦呢哈]? ?(欢迎光临)?"
    r"|(hi|hello|hey|dear|good (morning|afternoon|evening))?( there| again)?"
    r"( dear| valued)?( customer| friend| sir| madam)?"
)
SHOWN_CHARS = 200


class Expected(Protocol):
    """What a case asks for; what is empty or false is not checked."""

    intent: str
    emotion: str
    slots: dict[str, Any]
    must_contain: list[str]
    must_not_contain: list[str]
    max_chars: int | None
    apology_first: bool
    sop: str
    no_personal_data: bool
    valid_json: bool
    tool: str
    tool_arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Called:
    """A tool that was called, with what was asked for."""

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.tool} {json.dumps(dict(self.arguments), ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was understood of a case and said to it. `personal` are kinds of personal data in the answer."""

    answer: str
    intent: str = "unknown"
    emotion: str = "neutral"
    slots: Mapping[str, str] | None = None
    sops: Sequence[str] = ()
    personal: Sequence[str] = ()
    # What tools were called with.
    calls: Sequence["Called"] = ()
    # Why there is no answer of a model though one was to be; a name that the pages have words for.
    error: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed."""

    check: str
    wanted: str
    found: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def failures(expected: Expected, got: Outcome) -> list[Failure]:
    """Everything that is not as the case wants it; empty: it passed."""
    if got.error:
        return [Failure("answered", "", got.error)]
    return [
        *understanding(expected, got),
        *tools(expected, got),
        *wording(expected, got),
        *manners(expected, got),
    ]


def understanding(expected: Expected, got: Outcome) -> Iterator[Failure]:
    """Intent, mood, slots, and the SOP that was found."""
    if expected.intent and got.intent != expected.intent:
        yield Failure("intent", expected.intent, got.intent)
    if expected.emotion and got.emotion != expected.emotion:
        yield Failure("emotion", expected.emotion, got.emotion)
    found = got.slots or {}
    for name, value in expected.slots.items():
        if found.get(name) != str(value):
            yield Failure("slots", f"{name}={value}", f"{name}={found.get(name, '')}")
    if expected.sop and expected.sop not in got.sops:
        yield Failure("sop", expected.sop, ", ".join(got.sops))


def tools(expected: Expected, got: Outcome) -> Iterator[Failure]:
    """The tool that was called, with at least the wanted arguments."""
    if not expected.tool:
        return
    wanted = {name: str(value) for name, value in expected.tool_arguments.items()}
    for call in got.calls:
        given = {name: str(call.arguments.get(name, "")) for name in wanted}
        if call.tool == expected.tool and given == wanted:
            return
    found = "; ".join(map(str, got.calls))
    yield Failure("tool", str(Called(expected.tool, wanted)), shown(found))


def wording(expected: Expected, got: Outcome) -> Iterator[Failure]:
    """What stands in the answer and what does not, whatever the case of its letters; its length and form."""
    said = got.answer.casefold()
    for part in expected.must_contain:
        if part.casefold() not in said:
            yield Failure("must_contain", part, shown(got.answer))
    for part in expected.must_not_contain:
        if part.casefold() in said:
            yield Failure("must_not_contain", part, shown(got.answer))
    length = len(got.answer)
    if expected.max_chars and length > expected.max_chars:
        yield Failure("max_chars", str(expected.max_chars), str(length))
    if expected.valid_json and not is_json(got.answer):
        yield Failure("valid_json", "JSON", shown(got.answer))


def manners(expected: Expected, got: Outcome) -> Iterator[Failure]:
    """The apology to a customer in a negative mood, and nobody's personal data."""
    upset = "negative" in (expected.emotion, got.emotion)
    if expected.apology_first and upset and not apologises_first(got.answer):
        yield Failure("apology_first", "", shown(got.answer))
    if expected.no_personal_data and got.personal:
        yield Failure("no_personal_data", "", ", ".join(got.personal))


def apologises_first(answer: str) -> bool:
    """Whether the first sentence apologises, greetings before it aside."""
    for sentence in SENTENCE_END.split(answer):
        if not GREETING.fullmatch(" ".join(WORDS.findall(sentence.lower()))):
            return APOLOGY.search(sentence) is not None
    return False


def is_json(answer: str) -> bool:
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return True


def shown(answer: str) -> str:
    return answer if len(answer) <= SHOWN_CHARS else f"{answer[:SHOWN_CHARS]}…"
