"""The widget's files as browsers get them: without comments and indentation, compressed, named by what is in them.

Read once per process. There is no bundler: every module stays a file of its own.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "static" / "chat"
CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# In the order in which later rules win.
STYLES = ("widget.css", "conversation.css", "composer.css")
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Only comments with a line of their own: the same signs within a line may belong to an address or an expression.
LINE_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
INDENTATION = re.compile(r"^\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `body` is gzip; `plain` is for the rare reader that takes none."""

    plain: bytes
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Widget:
    """All files of the frame by name, as "store.js". `version` changes with any of them."""

    version: str
    files: dict[str, Asset]

    def modules(self) -> list[str]:
        """What every visitor's browser needs; of the languages each needs one."""
        return [name for name in self.files if name.endswith(".js") and "_" not in name]


def slim(text: str, suffix: str) -> str:
    """`text` without what only its authors read. Our sources break no string or template over lines."""
    if suffix == ".svg":
        return text
    text = BLOCK_COMMENT.sub("", text)
    if suffix == ".js":
        text = LINE_COMMENT.sub("", text)
    return INDENTATION.sub("", text)


def read(path: Path) -> Asset:
    plain = slim(path.read_text(encoding="utf-8"), path.suffix).encode()
    return Asset(
        plain=plain,
        body=gzip.compress(plain, 9, mtime=0),
        content_type=CONTENT_TYPES[path.suffix],
    )


@cache
def embed() -> Asset:
    """The script that shops include."""
    return read(SOURCE / "embed.js")


@cache
def widget() -> Widget:
    """The frame's own files."""
    paths = sorted(path for path in (SOURCE / "widget").iterdir() if path.suffix in CONTENT_TYPES)
    files = {path.name: read(path) for path in paths}
    digest = hashlib.sha256(b"\0".join(asset.plain for asset in files.values()))
    return Widget(version=digest.hexdigest()[:12], files=files)
