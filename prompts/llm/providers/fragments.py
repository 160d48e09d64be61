"""Tool calls out of the fragments they are streamed in. Called by the wires and providers.exchange."""

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import groupby
from uuid import uuid4

from pydantic_core import from_json

from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.types import ToolCall


@dataclass(slots=True)
class Growing:
    """A call that is still being written; `pieces` of its arguments with the number of the frame each came in."""

    id: str
    name: str
    pieces: list[tuple[int, str]] = field(default_factory=list)


class Fragments:
    """The calls of one answer, addressed by the index that the vendor gives each of them."""

    def __init__(self) -> None:
        self.calls: list[Growing] = []
        self.at: dict[int, Growing] = {}

    def add(
        self, index: int, *, id: str = "", name: str = "", arguments: str = "", number: int = 0
    ) -> None:
        """Adds a fragment; `number` is that of its frame where the wire numbers them, else 0.

        Only some fragments name the call, and not always the first. Another id under the same index is another
        call: there are servers that put all of them under 0.
        """
        call = self.at.get(index)
        if call is None or (id and call.id and id != call.id):
            call = self.at[index] = Growing(id, name)
            self.calls.append(call)
        call.id, call.name = call.id or id, call.name or name
        if arguments:
            call.pieces.append((number, arguments))

    def whole(self, offered: Collection[str]) -> tuple[ToolCall, ...]:
        """The finished calls. Raises BAD_OUTPUT for a tool not offered, and for arguments that are no object."""
        return tuple(finished(call, offered) for call in self.calls)


def finished(call: Growing, offered: Collection[str]) -> ToolCall:
    if call.name not in offered:
        raise ModelError(ErrorClass.BAD_OUTPUT, "unknown tool")
    # A call without arguments may come without a single fragment of them.
    arguments = joined(call.pieces) if call.pieces else "{}"
    return ToolCall(call.id or f"call_{uuid4().hex}", call.name, arguments)


def joined(pieces: list[tuple[int, str]]) -> str:
    """The arguments, in the order of the numbers, with what was sent twice counted once. Raises BAD_OUTPUT.

    Where frames have no numbers, a piece that repeats the one before may well be meant: what is doubled shows
    by the whole being no JSON.
    """
    texts = [text for _, text in in_order(pieces)]
    for candidate in ("".join(texts), halved(texts), repeated(texts)):
        if is_object(candidate):
            return candidate
    raise ModelError(ErrorClass.BAD_OUTPUT, "tool arguments are no JSON object")


def in_order(pieces: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The pieces by their numbers and each once, where every number stands for one piece; else as they came."""
    once = sorted(set(pieces))
    numbers = {number for number, _ in once}
    return once if 0 not in numbers and len(numbers) == len(once) else pieces


def halved(texts: list[str]) -> str:
    """The text when every fragment came twice; empty when not all did."""
    runs = [list(run) for _, run in groupby(texts)]
    if any(len(run) % 2 for run in runs):
        return ""
    return "".join(text for run in runs for text in run[::2])


def repeated(texts: list[str]) -> str:
    """The last fragment when it repeats all before it, as some servers do at the end; else empty."""
    return texts[-1] if texts[-1] == "".join(texts[:-1]) else ""


def is_object(text: str) -> bool:
    """True for a JSON object that a database takes: no NUL, no half of a surrogate pair."""
    try:
        return isinstance(from_json(text, allow_inf_nan=False), dict) and "\\u0000" not in text
    except ValueError:
        return False
