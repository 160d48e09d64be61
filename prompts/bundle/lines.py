"""Files of one JSON object a line."""

import json
from collections.abc import Iterator
from typing import Any

LINE_CHARS = 2_000_000


class Doubled(ValueError):
    """A key stands twice in one object."""


def read(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each line's number with its object, or with what is wrong with it."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, as_object(line)


def as_object(line: str) -> dict[str, Any] | str:
    if len(line) > LINE_CHARS:
        return f"has {len(line):,} characters; at most {LINE_CHARS:,} are read"
    try:
        value = json.loads(line, object_pairs_hook=once)
    except Doubled as error:
        return str(error)
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return f"no JSON: {type(error).__name__}"
    return value if isinstance(value, dict) else "an object is wanted"


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises Doubled."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Doubled(f"the key {twice[:80]} stands in it twice")
    return found
