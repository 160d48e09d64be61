"""YAML as plain values that know where they stand. Read by prompts.transfer and prompts.bundle.

Safer than a loader: aliases, tags of other languages, deep nesting and merge keys are refused, and a key that
stands twice in one mapping is told instead of forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

# libyaml reads in a tenth of the time; it is in every wheel, but not in every build.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEPTH = 20
PLAIN = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, both from 1."""

    line: int
    column: int


class Malformed(Exception):
    """No YAML we read: `reason` is "aliases", "tag", "depth", "key" or "broken", at `mark`."""

    def __init__(self, reason: str, mark: Mark, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.mark = mark
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Marked:
    """A value, where each part of it stands by path, and the keys that stand a second time in their mapping."""

    value: Any
    marks: dict[Path, Mark] = field(default_factory=dict)
    doubled: list[tuple[Path, Mark]] = field(default_factory=list)

    def at(self, path: Path) -> Mark:
        """Where the part is, or the nearest part around it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))


def load(text: str) -> Marked:
    """The one document of a text. Raises Malformed."""
    try:
        check_events(text)
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise Malformed("broken", mark_of(error.problem_mark), str(error.problem)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Malformed("broken", Mark(1, 1), " ".join(str(error).split())[:200]) from None
    found = Marked(None)
    value = None if node is None else value_of(node, (), found, LOADER(""))
    return Marked(value, found.marks, found.doubled)


def check_events(text: str) -> None:
    """A few aliases unfold into gigabytes, and deep nesting into a crash: both before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise Malformed("aliases", mark_of(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH:
            raise Malformed("depth", mark_of(event.start_mark))


def value_of(node: yaml.Node, path: Path, found: Marked, loader: Any) -> Any:
    found.marks.setdefault(path, mark_of(node.start_mark))
    if node.tag not in PLAIN:
        raise Malformed("tag", mark_of(node.start_mark), node.tag[:80])
    if isinstance(node, yaml.MappingNode):
        return dict(entries(node, path, found, loader))
    if isinstance(node, yaml.SequenceNode):
        return [
            value_of(each, (*path, place), found, loader) for place, each in enumerate(node.value)
        ]
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError):
        raise Malformed("broken", mark_of(node.start_mark), str(node.value)[:80]) from None


def entries(
    node: yaml.MappingNode, path: Path, found: Marked, loader: Any
) -> Iterator[tuple[str, Any]]:
    """The pairs of a mapping, each key once: the first one counts, later ones are told."""
    seen: set[str] = set()
    for key_node, value_node in node.value:
        mark = mark_of(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in PLAIN:
            raise Malformed("key", mark, str(key_node.value)[:80])
        key = str(key_node.value)
        here = (*path, key)
        if key in seen:
            found.doubled.append((here, mark))
            continue
        seen.add(key)
        found.marks[here] = mark
        yield key, value_of(value_node, here, found, loader)


def mark_of(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)
