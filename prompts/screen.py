"""What a model says passes here on its way to the visitor: other people's data is hidden while it streams.

Called by completion. The visitor's own placeholders pass as they are; they become values at the very edge.
"""

from collections.abc import Sequence

import structlog

from prompts.llm.types import Sink
from prompts.redaction.engine import Language
from prompts.redaction.stream import Scanner

log = structlog.get_logger(__name__)


class Screen:
    """A sink before a sink. `text` is what passed."""

    def __init__(self, sink: Sink, *, language: Language, public: Sequence[str]) -> None:
        """`public` is what the shop itself publishes, as the hotline in an SOP: it is nobody's data."""
        self.sink = sink
        self.language = language
        self.public = public
        self.begin()

    def begin(self) -> None:
        self.text = ""
        self.scanner = Scanner({}, language=self.language, allowed=(), public=self.public)

    def write(self, piece: str) -> None:
        """Takes the next piece. Raises RedactionFailed: nothing more of this answer may be shown."""
        self.show(self.scanner.feed(piece))

    def restart(self) -> None:
        """Another endpoint starts over."""
        if self.text:
            self.sink.restart()
        self.begin()

    def finish(self) -> str:
        """Shows what was held back; the whole text that passed. Raises RedactionFailed."""
        self.show(self.scanner.flush())
        return self.text

    @property
    def hidden(self) -> dict[str, int]:
        """How often each kind of other people's data was hidden in this answer."""
        return {str(kind): times for kind, times in self.scanner.hidden.items()}

    def say(self, words: str) -> None:
        """Adds words of the shop's own to the answer."""
        self.show(self.scanner.flush() + words)

    def show(self, safe: str) -> None:
        if safe:
            self.text += safe
            self.sink.write(safe)
