"""Server-sent events out of the blocks of bytes a response comes in. Called by providers.exchange.

Every vendor puts one JSON object on one `data:` line, so a line is handed on at once, blank line after it or not.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prompts.llm.errors import ErrorClass, ModelError

LINE_BYTES_MAX = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STATUS = b":HTTP_STATUS/"


class Event(NamedTuple):
    """What one `data:` line carries; without data it is only a sign of life.

    `name` is of the `event:` line before it, `number` of `id:`, `status` of DashScope's `:HTTP_STATUS/429`.
    """

    data: bytes = b""
    name: bytes = b""
    number: int = 0
    status: int = 0


SILENCE = Event()


def read(blocks: Iterable[bytes]) -> Iterator[Event]:
    """The events of a body. Every block gives at least one, so that the reader can look at its clock.

    Raises BAD_OUTPUT for a line that does not end.
    """
    reader = Reader()
    for block in blocks:
        yield from reader.feed(block) or (SILENCE,)
    yield from reader.feed(b"\n\n")  # a last line may lack its end


class Reader:
    """What is left over between two blocks: the start of a line, and the fields before a `data:` line."""

    def __init__(self) -> None:
        self.rest = b""
        self.forget()

    def forget(self) -> None:
        self.name, self.number, self.status = b"", 0, 0

    def feed(self, block: bytes) -> list[Event]:
        """The events whose lines end in this block."""
        *lines, self.rest = split(self.rest + block)
        if len(self.rest) > LINE_BYTES_MAX:
            raise ModelError(ErrorClass.BAD_OUTPUT, "frame too long")
        return [event for line in lines if (event := self.take(line))]

    def take(self, line: bytes) -> Event | None:
        """The event that `line` completes, if it does."""
        if line.startswith(b"data:"):
            return Event(line[5:].strip(), self.name, self.number, self.status)
        if line.startswith(b"{"):  # some servers put a bare error into the stream
            return Event(line, self.name, self.number, self.status)
        if not line:
            self.forget()
        elif line.startswith(b"event:"):
            self.name = line[6:].strip()
        elif line.startswith(b"id:"):
            self.number = number_in(line[3:])
        elif line.startswith(STATUS):
            self.status = number_in(line.removeprefix(STATUS))
        return None


def split(text: bytes) -> list[bytes]:
    """The lines of `text`, the last of them not ended yet, by the three ends that the standard knows.

    JSON may hold others that `splitlines` knows, such as U+2028.
    """
    if b"\r" in text:
        held = b"\r" if text.endswith(b"\r") else b""  # its line feed may be in the next block
        text = text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
    return text.removeprefix(BYTE_ORDER_MARK).split(b"\n")


def number_in(value: bytes) -> int:
    digits = value.strip()[:9]
    return int(digits) if digits.isdigit() else 0
