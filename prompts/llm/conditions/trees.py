"""Checks and evaluates condition trees."""

from collections.abc import Iterator, Mapping
from typing import Any

from prompts.llm.conditions import algebra
from prompts.llm.conditions.fields import FIELDS, OPERATORS, Field, Problem
from prompts.llm.features import Features

Tree = Mapping[str, Any]
DEPTH_MOST = 5
GROUPS = ("$and", "$or")


def matches(tree: Tree, features: Features) -> bool:
    """Whether the condition holds. `tree` must be one that `check` has no problem with; `{}` always holds."""
    return all(part_holds(key, value, features) for key, value in tree.items())


def part_holds(key: str, value: Any, features: Features) -> bool:
    if key == "$and":
        return all(matches(part, features) for part in value)
    if key == "$or":
        return any(matches(part, features) for part in value)
    if key == "$not":
        return not matches(value, features)
    actual = getattr(features, key)
    if isinstance(value, Mapping):
        return all(OPERATORS[word](actual, wanted) for word, wanted in value.items())
    return bool(actual == value)


def fields_of(tree: Tree) -> set[str]:
    """The fields a checked condition asks about."""
    found: set[str] = set()
    for key, value in tree.items():
        if key in GROUPS:
            found |= {name for part in value for name in fields_of(part)}
        elif key == "$not":
            found |= fields_of(value)
        else:
            found.add(key)
    return found


def check(tree: object) -> list[Problem]:
    """Everything wrong with a condition, each with its path inside it; empty when it can be used."""
    found = list(shape_problems(tree, path="", depth=1))
    if found or not isinstance(tree, Mapping):
        return found
    try:
        # Its opposite is needed to compare it with others, so it must fit as well.
        possible = algebra.terms(tree)
        algebra.terms(tree, negated=True)
    except algebra.TooLarge:
        return [
            problem("", "条件过于复杂,请拆成几条规则", "too large, split it into several rules")
        ]
    return [] if possible else [problem("", "永远不会成立", "can never be true")]


def shape_problems(tree: object, *, path: str, depth: int) -> Iterator[Problem]:
    if not isinstance(tree, Mapping):
        yield problem(path, "应为一个对象", "must be an object")
        return
    if depth > DEPTH_MOST:
        yield problem(
            path, f"嵌套超过 {DEPTH_MOST} 层", f"is nested deeper than {DEPTH_MOST} levels"
        )
        return
    for key, value in tree.items():
        yield from part_problems(str(key), value, path=joined(path, str(key)), depth=depth)


def part_problems(key: str, value: object, *, path: str, depth: int) -> Iterator[Problem]:
    if key == "$not":
        yield from shape_problems(value, path=path, depth=depth + 1)
    elif key in GROUPS:
        if not isinstance(value, list) or not value:
            yield problem(path, "应为非空列表", "must be a list that is not empty")
            return
        for number, part in enumerate(value):
            yield from shape_problems(part, path=f"{path}[{number}]", depth=depth + 1)
    elif key in FIELDS:
        yield from field_problems(FIELDS[key], value, path=path)
    else:
        known = ", ".join([*FIELDS, *GROUPS, "$not"])
        yield problem(
            path, f"没有这个条件字段,可用:{known}", f"there is no such field; known are {known}"
        )


def field_problems(field: Field, value: object, *, path: str) -> Iterator[Problem]:
    """The problems of what a field is compared with; last, that nothing can ever satisfy it."""
    asked = value if isinstance(value, Mapping) else {"$eq": value}
    if not asked:
        yield problem(path, "缺少运算符", "names no operator")
        return
    found: list[Problem] = []
    for word, wanted in asked.items():
        found += operator_problems(field, str(word), wanted, path=path)
    yield from found
    if not found and not algebra.satisfying(field, asked):
        yield problem(path, "永远不会成立", "can never be true")


def operator_problems(field: Field, word: str, wanted: object, *, path: str) -> Iterator[Problem]:
    if word not in field.operators:
        known = ", ".join(field.operators)
        yield problem(
            joined(path, word),
            f"不能用于该字段的运算符,可用:{known}",
            f"is no operator of this field; known are {known}",
        )
        return
    in_list = word in {"$in", "$nin"}
    if in_list and (not isinstance(wanted, list) or not wanted):
        yield problem(joined(path, word), "应为非空列表", "must be a list that is not empty")
        return
    values = wanted if in_list and isinstance(wanted, list) else [wanted]
    if not all(field.takes(value) for value in values):
        chinese, english = field.wants()
        yield problem(joined(path, word), f"取值应为{chinese}", f"must be {english}")


def joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def problem(path: str, chinese: str, english: str) -> Problem:
    """Sentences that name the field."""
    where_zh, where_en = (path, path) if path else ("条件", "the condition")
    return Problem(path, f"{where_zh}:{chinese}。", f"{where_en}: {english}.")
