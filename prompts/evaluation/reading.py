"""Files of cases: one JSON object a line, checked whole before any of it is stored."""

import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from prompts.models import EvalCase, EvalSet
from prompts.models.evaluation import CASE_CHARS
from prompts.nlu import segment
from prompts.redaction import engine
from prompts.redaction.placeholders import Placeholders
from prompts.redaction.spans import RedactionFailed

FILE_BYTES, CASES, LINES, PARTS = 5 * 1024 * 1024, 5000, 20, 20
BYTE_ORDER_MARK = "\ufeff"
Said = Annotated[str, StringConstraints(min_length=1, max_length=CASE_CHARS, strip_whitespace=True)]
Part = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(max_length=40)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S+$")]


class CaseLine(BaseModel):
    """A case as a line of a file holds it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key: Key
    text: Said
    language: Literal["zh", "en"] | None = None
    history: Annotated[list[tuple[Literal["visitor", "bot"], Said]], Field(max_length=LINES)] = []
    intent: Name = ""
    emotion: Literal["", "negative", "neutral", "positive"] = ""
    slots: dict[Name, Part] = {}
    must_contain: Annotated[list[Part], Field(max_length=PARTS)] = []
    must_not_contain: Annotated[list[Part], Field(max_length=PARTS)] = []
    max_chars: Annotated[int, Field(ge=1, le=10_000)] | None = None
    apology_first: bool = False
    sop: Annotated[str, StringConstraints(max_length=80)] = ""
    no_personal_data: bool = True
    valid_json: bool = False
    tool: Annotated[str, StringConstraints(max_length=64)] = ""
    tool_arguments: dict[Name, Part] = {}
    rubric: Annotated[str, StringConstraints(max_length=CASE_CHARS, strip_whitespace=True)] = ""
    reference: Annotated[str, StringConstraints(max_length=CASE_CHARS, strip_whitespace=True)] = ""
    critical: bool = False


class Unreadable(ValueError):
    """The file cannot be taken; nothing of it was. `number` is the line, 0 for the whole file.

    `reason` and `values` are what `evaluation.sentences` has words for.
    """

    def __init__(self, number: int, reason: str, **values: Any) -> None:
        super().__init__(f"line {number}: {reason} {values}")
        self.number = number
        self.reason = reason
        self.values = values


@dataclass(frozen=True, slots=True)
class Taken:
    """How many cases a file added, and how many it renewed."""

    added: int
    renewed: int


def read(content: bytes) -> list[CaseLine]:
    """The cases of a JSONL file, in UTF-8. Raises Unreadable at the first thing that is wrong."""
    if len(content) > FILE_BYTES:
        raise Unreadable(0, "file", mb=FILE_BYTES // 1024 // 1024)
    try:
        text = content.decode().removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        raise Unreadable(0, "encoding") from None
    found: dict[str, CaseLine] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        case = as_case(line, number)
        if case.key in found:
            raise Unreadable(number, "twice", key=case.key)
        found[case.key] = case
        if len(found) > CASES:
            raise Unreadable(number, "many", most=CASES)
    if not found:
        raise Unreadable(0, "empty")
    return list(found.values())


def as_case(line: str, number: int) -> CaseLine:
    try:
        # JSON knows no tuples: strictness of types is pydantic's, from its own parser.
        return CaseLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # A limit of pydantic's own, as "expected", is a value to name.
        limits = {name: value for name, value in first.get("ctx", {}).items() if name != "error"}
        where = ".".join(map(str, first["loc"]))
        raise Unreadable(number, first["type"], **limits, field=where) from None


def take(target: EvalSet, cases: list[CaseLine]) -> Taken:
    """Stores the cases, all or none; a key that is there is written over. Raises Unreadable."""
    wanted = {case.key: fields(case, number) for number, case in enumerate(cases, 1)}
    with transaction.atomic():
        # Locked, so that two files that come at once do not both add a key.
        EvalSet.objects.select_for_update(no_key=True).get(pk=target.pk)
        rows = EvalCase.objects.filter(set=target, key__in=wanted)
        known = {row.key: row for row in rows}
        for key, row in known.items():
            for name, value in wanted[key].items():
                setattr(row, name, value)
        EvalCase.objects.bulk_update(known.values(), list(next(iter(wanted.values()))), 500)
        fresh = [EvalCase(set=target, key=k, **v) for k, v in wanted.items() if k not in known]
        EvalCase.objects.bulk_create(fresh, 500)
    return Taken(added=len(fresh), renewed=len(known))


def fields(case: CaseLine, number: int) -> dict[str, Any]:
    """The columns of a case, with placeholders for personal data. Raises Unreadable."""
    said = case.model_dump(exclude={"key"})
    language = case.language or segment.language_of(case.text)
    try:
        lines = masked(
            [case.reference, *(text for _, text in case.history), case.text], language=language
        )
    except RedactionFailed:
        raise Unreadable(number, "unexamined") from None
    history = [[role, text] for (role, _), text in zip(case.history, lines[1:], strict=False)]
    return {
        **said,
        "language": language,
        "history": history,
        "text": lines[-1],
        "reference": lines[0],
        "source": EvalCase.Source.FILE,
    }


def masked(texts: list[str], *, language: str) -> list[str]:
    """The texts with placeholders, the same for the same value. Raises RedactionFailed."""
    book = Placeholders(secrets.token_bytes(16))
    spoken: engine.Language = "en" if language == "en" else "zh"
    return [engine.mask(text, language=spoken, book=book).text for text in texts]


def as_line(case: EvalCase) -> str:
    """The case as a file holds it, without what is not checked."""
    said = {name: getattr(case, name) for name in CaseLine.model_fields}
    usual = {name: field.default for name, field in CaseLine.model_fields.items()}
    return json.dumps(
        {name: value for name, value in said.items() if value != usual[name]}, ensure_ascii=False
    )
