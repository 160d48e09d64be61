"""One row of a file to the fields of an SOP, or to what is wrong with it, by column."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from prompts.models import LANGUAGES
from prompts.models.sops import ANSWER_CHARS
from prompts.transfer.columns import LISTS, NEEDED, lines
from prompts.transfer.reading import Row

SPACELESS = {"key", "intent", "category", "tool"}
QUESTIONS, QUESTION_CHARS = 100, 300
ITEMS, ITEM_CHARS = 50, 300
TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
# A placeholder for personal data is no HTML.
PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_[0-9]+>")
YES = {"1", "true", "yes", "y", "on", "是", "启用"}
NO = {"0", "false", "no", "n", "off", "否", "停用"}
CHARS = {"key": 80, "title": 100, "category": 40, "intent": 40, "tool": 40}


class Wrong(Exception):
    """A cell that does not fit; `reason` is a key of the page's words, with `values` for its gaps."""

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values

    def at(self, column: str) -> dict[str, Any]:
        return {"column": column, "reason": self.reason, **self.values}


def checked(
    row: Row, *, is_new: bool, owners: Mapping[str, int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row's values by field, and its problems. Columns that are not there are not among the values."""
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = [
        {"column": name, "reason": "doubled_key", "line": line} for name, line in row.doubled
    ]
    for column, cell in row.cells.items():
        try:
            values[column] = value_of(column, cell, owners=owners)
        except Wrong as error:
            problems.append(error.at(column))
    missing = [name for name in NEEDED if is_new and not values.get(name)]
    named = {problem["column"] for problem in problems}
    problems += [{"column": name, "reason": "missing"} for name in missing if name not in named]
    if not problems:
        problems += range_problem(values)
    return values, problems


def range_problem(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    begins, ends = values.get("valid_from"), values.get("valid_to")
    wrong = begins is not None and ends is not None and begins >= ends
    return [{"column": "valid_to", "reason": "range"}] if wrong else []


def value_of(column: str, cell: Any, *, owners: Mapping[str, int]) -> Any:
    """The cell as the field's value. Raises Wrong."""
    if column in LISTS:
        return items(column, cell)
    if column in ("valid_from", "valid_to"):
        return moment(cell)
    if column == "review_on":
        return day(cell)
    if column == "enabled":
        return switch(cell)
    text = plain(cell)
    if column == "owner":
        return owner(text, owners=owners)
    return words(column, text)


def words(column: str, text: str) -> str:
    """Raises Wrong."""
    most = CHARS.get(column, ANSWER_CHARS)
    if len(text) > most:
        raise Wrong("long", most=most, has=len(text))
    if column in NEEDED and not text:
        raise Wrong("missing")
    if column == "language" and text not in dict(LANGUAGES):
        raise Wrong("language", given=text[:40])
    if column in SPACELESS and re.search(r"\s", text):
        raise Wrong("spaces")
    return text


def plain(cell: Any) -> str:
    """The cell as text. Raises Wrong for what is none, and for HTML, which would be shown as it stands."""
    if cell is None:
        return ""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise Wrong("no_text")
    text = str(cell).replace("\r\n", "\n").strip()
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Wrong("characters")
    if tag := TAG.search(PLACEHOLDER.sub("", text)):
        raise Wrong("html", tag=tag.group()[:40])
    return text


def items(column: str, cell: Any) -> list[str]:
    """Raises Wrong."""
    listed = lines(cell) if cell is not None else []
    if isinstance(listed, int | float):
        listed = [str(listed)]
    if not isinstance(listed, list):
        raise Wrong("no_list")
    most, longest = (QUESTIONS, QUESTION_CHARS) if column == "questions" else (ITEMS, ITEM_CHARS)
    found = [text for text in map(plain, listed) if text]
    if len(found) > most:
        raise Wrong("many", most=most, has=len(found))
    if too_long := next((text for text in found if len(text) > longest), ""):
        raise Wrong("long", most=longest, has=len(too_long))
    return list(dict.fromkeys(found))


def moment(cell: Any) -> datetime | None:
    """A day is its first moment in the shop's time zone. Raises Wrong."""
    if cell in (None, ""):
        return None
    if isinstance(cell, datetime):
        found: datetime | None = cell
    elif isinstance(cell, date):
        found = datetime.combine(cell, time())
    else:
        found = parsed(str(cell).strip().replace("/", "-"))
    if found is None:
        raise Wrong("moment", given=str(cell)[:40])
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def parsed(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
        on = None if found else parse_date(text)
    except ValueError:
        return None
    return found or (datetime.combine(on, time()) if on else None)


def day(cell: Any) -> date | None:
    """Raises Wrong."""
    found = moment(cell)
    return timezone.localtime(found).date() if found else None


def switch(cell: Any) -> bool:
    """Raises Wrong; an empty cell is yes."""
    if isinstance(cell, bool):
        return cell
    text = str("" if cell is None else cell).strip().lower()
    if text in YES or not text:
        return True
    if text in NO:
        return False
    raise Wrong("switch", given=text[:40])


def owner(text: str, *, owners: Mapping[str, int]) -> int | None:
    """The user's id. Raises Wrong."""
    if not text:
        return None
    if text not in owners:
        raise Wrong("owner", given=text[:40])
    return owners[text]
