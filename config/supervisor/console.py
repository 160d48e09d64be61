"""The terminal of the supervisor: every line of every part, with the part's name in front.

Lines pass through a queue to one writing thread, so a terminal that stands still (or a pipe nobody reads) never
blocks a part: what does not fit is dropped and counted.
"""

import os
import queue
import threading

NAME_WIDTH = 8
QUEUE_LINES = 10_000
COLOURS = {"web": 36, "turns": 32, "default": 33, "beat": 35, "provider": 34, "yingda": 1}
# Escape sequences in a log line could rewrite the operator's terminal.
UNPRINTABLE = dict.fromkeys((*range(9), *range(10, 32), 127, *range(128, 160)), "?")


class Console:
    def __init__(self, *, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._is_terminal = os.isatty(descriptor)
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write_all, daemon=True)
        self._writer.start()

    def say(self, line: str, *, name: str = "yingda") -> None:
        """Shows one line under a part's name."""
        label = f"{name:<{NAME_WIDTH}}|"
        if self._is_terminal:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self.show(f"{label} {line.translate(UNPRINTABLE)}")

    def show(self, line: str) -> None:
        """Shows one line as it is."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Writes what is left, for a second at most."""
        try:
            self._lines.put(None, timeout=1)
        except queue.Full:
            return
        self._writer.join(timeout=1)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            if dropped:
                self._write(f"({dropped} lines dropped: nobody was reading)")
            self._write(line)

    def _write(self, line: str) -> None:
        data = f"{line}\n".encode(errors="replace")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            # The reader has gone; the platform runs on.
            return
