"""A bundle's directory, read within bounds and written without leaving it."""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prompts import yaml_marks
from prompts.bundle import lines, places
from prompts.bundle.problems import BundleError, Problem, whole
from prompts.yaml_marks import Malformed, Mark, Marked

YAML_BYTES, LINES_BYTES, ALL_BYTES, FILES = 2_000_000, 16_000_000, 256_000_000, 60_000
DEPTH = 4
FORMAT = 1
HEAD_TEXT = (
    f"# Written by manage.py bundle export; docs/bundle.md says what is what.\nformat: {FORMAT}\n"
)
# What people keep beside a bundle; everything else that is no part of it is refused, because it may be a slip.
BESIDE = ("README", "LICENSE", "CHANGELOG")
MALFORMED = {
    "aliases": "anchors and aliases (& and *) are not allowed",
    "tag": "tags are not allowed",
    "depth": f"nested more than {yaml_marks.DEPTH} deep",
    "key": "a key must be a plain word",
    "broken": "no YAML",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One object as a file holds it."""

    kind: str
    path: str
    said: dict[str, Any]
    marks: Marked
    # Of the line it is on, in a file of lines.
    line: int = 0

    def at(self, *path: str | int) -> Mark:
        return Mark(self.line, 1) if self.line else self.marks.at(path)

    def problem(self, message: str, *path: str | int) -> Problem:
        return Problem(self.path, self.at(*path), message)


@dataclass(slots=True)
class Directory:
    """Every object that could be read, and what is wrong with the others."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(folder: Path) -> Directory:
    """The objects of a bundle. Raises BundleError when it is none, or holds what no bundle holds."""
    if folder.is_dir() and not (folder / places.HEAD).is_file():
        raise whole(places.HEAD, "is missing: this is no bundle")
    paths = listed(folder)
    check_head(folder)
    found = Directory()
    for path in paths:
        if kind := places.kind_of(path):
            add(found, folder, path, kind)
    return found


def listed(folder: Path) -> list[str]:
    """The paths of a bundle's files, sorted. Raises BundleError for links, strange files and too much of anything."""
    if not folder.is_dir():
        raise whole(str(folder), "is no directory")
    found, total, problems = [], 0, []
    for path, entry in entries(folder, "", 0):
        if isinstance(entry, Problem):
            problems.append(entry)
            continue
        found.append(path)
        total += entry
        if len(found) > FILES or total > ALL_BYTES:
            raise whole(path, f"more than {FILES} files or {ALL_BYTES // 1_000_000} MB in all")
    if problems:
        raise BundleError(*problems)
    return sorted(found)


def entries(folder: Path, above: str, depth: int) -> Iterator[tuple[str, int | Problem]]:
    """Each file with its bytes, or with what is wrong with it."""
    with os.scandir(folder) as listing:
        for entry in listing:
            path = f"{above}{entry.name}"
            if entry.name.startswith(".") or (not depth and entry.name.startswith(BESIDE)):
                continue
            mode = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(mode.st_mode) and depth < DEPTH:
                yield from entries(Path(entry.path), f"{path}/", depth + 1)
            else:
                yield path, mode.st_size if not (wrong := misfit(path, mode)) else wrong


def misfit(path: str, mode: os.stat_result) -> Problem | None:
    message = ""
    if stat.S_ISLNK(mode.st_mode):
        message = "is a link; a bundle holds plain files only"
    elif not stat.S_ISREG(mode.st_mode):
        message = "is no plain file"
    elif path != places.HEAD and not places.kind_of(path):
        message = "is no part of a bundle; see docs/bundle.md for the layout"
    elif mode.st_size > (most := LINES_BYTES if path.endswith(".jsonl") else YAML_BYTES):
        message = f"has {mode.st_size:,} bytes; at most {most:,} are read"
    return Problem(path, Mark(1, 1), message) if message else None


def check_head(folder: Path) -> None:
    """Raises BundleError for a format we do not know."""
    marked = parsed(places.HEAD, text_of(folder, places.HEAD))
    if not isinstance(marked.value, dict) or marked.value.get("format") != FORMAT:
        raise whole(places.HEAD, f"format: {FORMAT} is wanted")


def text_of(folder: Path, path: str) -> str:
    """Raises BundleError for what is not UTF-8, naming the line."""
    # Not followed even where it became a link since it was listed.
    with os.fdopen(os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        content = file.read(LINES_BYTES + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BundleError(Problem(path, Mark(line, 1), "is not UTF-8; save it as UTF-8")) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BundleError(Problem(path, Mark(line, 1), "holds a NUL character"))
    return text


def parsed(path: str, text: str) -> Marked:
    """Raises BundleError."""
    try:
        return yaml_marks.load(text)
    except Malformed as error:
        said = f"{MALFORMED[error.reason]}{f' ({error.detail})' if error.detail else ''}"
        raise BundleError(Problem(path, error.mark, said)) from None


def add(found: Directory, folder: Path, path: str, kind: str) -> None:
    """Adds the objects of one file, or its problems."""
    try:
        text = text_of(folder, path)
        if kind == "case":
            add_lines(found, path, text)
            return
        marked = parsed(path, text)
    except BundleError as error:
        found.problems += error.problems
        return
    doubled = [
        Problem(path, mark, f"the key {where[-1]} stands here a second time")
        for where, mark in marked.doubled
    ]
    if not isinstance(marked.value, dict):
        doubled.append(Problem(path, Mark(1, 1), "an object of fields is wanted"))
    if doubled:
        found.problems += doubled
    else:
        found.found.append(Found(kind, path, marked.value, marked))


def add_lines(found: Directory, path: str, text: str) -> None:
    for number, said in lines.read(text):
        if isinstance(said, str):
            found.problems.append(Problem(path, Mark(number, 1), said))
        else:
            found.found.append(Found("case", path, said, Marked(said), number))


def write(files: Mapping[str, str], folder: Path) -> list[str]:
    """Makes the directory say exactly this; the paths that were written or removed.

    Raises BundleError for a directory that holds something else. Files are replaced one by one, each whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = any(not entry.name.startswith(".") for entry in folder.iterdir())
    if there and not (folder / places.HEAD).is_file():
        raise whole(str(folder), f"is not empty and has no {places.HEAD}: it is no bundle")
    known = listed(folder)
    wanted = {places.HEAD: HEAD_TEXT, **files}
    changed = [path for path in wanted if replaced(folder, path, wanted[path].encode())]
    gone = [path for path in known if path not in wanted]
    for path in gone:
        (folder / path).unlink()
        remove_empty(folder, (folder / path).parent)
    return sorted([*changed, *gone])


def replaced(folder: Path, path: str, content: bytes) -> bool:
    """Writes one file where it says something else."""
    target = folder / path
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(target)
    return True


def remove_empty(folder: Path, emptied: Path) -> None:
    while emptied != folder and not any(emptied.iterdir()):
        emptied.rmdir()
        emptied = emptied.parent
