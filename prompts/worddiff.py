"""Two texts side by side, what differs marked by the word, Chinese words included. Used by the admin."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rjieba

# Letters and digits end where Chinese begins: "7天" is two words.
PIECE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[^\W\u3400-\u4dbf\u4e00-\u9fff]+|\s+|[^\w\s]")
ALIKE = 0.5
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a line; `changed` when the other side does not have them there."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of each text beside the other; an empty side has no such line."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    changed: bool


def words(line: str) -> list[str]:
    """The line cut so that joining gives it back: Chinese by words, the rest by words, blanks and signs."""
    found: list[str] = []
    for piece in PIECE.findall(line):
        found += rjieba.cut(piece) if HAN.match(piece) else [piece]
    return found


def rows(left: str, right: str) -> list[Row]:
    """The texts line by line."""
    one, other = left.splitlines(), right.splitlines()
    found: list[Row] = []
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += (
                Row((Piece(line, changed=False),), (Piece(line, changed=False),), changed=False)
                for line in one[a:b]
            )
        else:
            found += replaced(one[a:b], other[c:d])
    return found


def replaced(one: Sequence[str], other: Sequence[str]) -> Iterator[Row]:
    """Lines that stand in each other's place, each beside the one it is most like; what came or went stands alone."""
    at = 0
    for line in one:
        near = nearest(line, other, start=at) if len(one) != len(other) else at
        if near is None:
            yield Row(whole(line), (), changed=True)
            continue
        yield from (Row((), whole(new), changed=True) for new in other[at:near])
        yield Row(*by_word(line, other[near]), changed=True)
        at = near + 1
    yield from (Row((), whole(new), changed=True) for new in other[at:])


def nearest(line: str, others: Sequence[str], *, start: int) -> int | None:
    """The place from `start` on of the line most like this one; nothing where none shares half of it."""
    best, found = ALIKE, None
    for at in range(start, len(others)):
        score = difflib.SequenceMatcher(None, line, others[at], autojunk=False).ratio()
        if score > best:
            best, found = score, at
    return found


def whole(line: str) -> tuple[Piece, ...]:
    return (Piece(line, changed=True),)


def by_word(one: str, other: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    left, right = words(one), words(other)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for tag, a, b, c, d in matcher.get_opcodes():
        changed = tag != "equal"
        for side, said in ((sides[0], left[a:b]), (sides[1], right[c:d])):
            if said:
                side.append(Piece("".join(said), changed=changed))
    return tuple(sides[0]), tuple(sides[1])
