"""The widget's files as browsers get them: shortened, compressed, named by what is in them.

Read once per process. There is no bundler: every module stays a file of its own.
"""

import gzip
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "chat" / "static" / "chat"
MINIFY_SECONDS = 30
CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
EMBED = ("embed_page.js", "embed.js")
# In the order in which later rules win.
STYLES = (
    "widget.css",
    "conversation.css",
    "opening.css",
    "cards.css",
    "sheets.css",
    "composer.css",
)
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
        """What every visitor's browser needs; of the languages each needs one, and only staff see previews."""
        scripts = [name for name in self.files if name.endswith(".js")]
        return [name for name in scripts if "_" not in name and name != "preview.js"]


def slim(text: str, suffix: str) -> str:
    """`text` without what only its authors read. Our sources break no string or template over lines."""
    text = BLOCK_COMMENT.sub("", text)
    if suffix == ".js":
        text = LINE_COMMENT.sub("", text)
    return INDENTATION.sub("", text)


def shorten(texts: Mapping[str, str]) -> dict[str, str]:
    """Scripts and styles by name, as short as this machine makes them: by `slim` where the library is missing."""
    command = [sys.executable, "-m", "chat.minify"]
    try:
        run = subprocess.run(  # noqa: S603 - our own module on our own files
            command,
            input=json.dumps(texts),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=MINIFY_SECONDS,
            check=True,
        )
        return {name: str(text) for name, text in json.loads(run.stdout).items()}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {name: slim(text, Path(name).suffix) for name, text in texts.items()}


def read(paths: list[Path]) -> dict[str, Asset]:
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    short = shorten({name: text for name, text in texts.items() if not name.endswith(".svg")})
    return {name: pack(name, (texts | short)[name]) for name in texts}


def pack(name: str, text: str) -> Asset:
    plain = text.encode()
    body = gzip.compress(plain, 9, mtime=0)
    return Asset(plain=plain, body=body, content_type=CONTENT_TYPES[Path(name).suffix])


@cache
def embed() -> Asset:
    """The script that shops include: its parts in one scope of their own, so that the page sees none of them."""
    parts = "\n".join((SOURCE / name).read_text(encoding="utf-8") for name in EMBED)
    text = f"(function () {{\n{parts}}})();\n"
    return pack("embed.js", shorten({"embed.js": text})["embed.js"])


@cache
def widget() -> Widget:
    """The frame's own files."""
    paths = sorted(path for path in (SOURCE / "widget").iterdir() if path.suffix in CONTENT_TYPES)
    files = read(paths)
    digest = hashlib.sha256(b"\0".join(asset.plain for asset in files.values()))
    return Widget(version=digest.hexdigest()[:12], files=files)
