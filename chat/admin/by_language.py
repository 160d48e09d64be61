"""Form fields for what an inbox keeps as JSON: texts and lists by language, and tables of small records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from unfold.widgets import CHECKBOX_CLASSES, INPUT_CLASSES, SELECT_CLASSES, TEXTAREA_CLASSES

from chat.inbox.wording import LOCALES

LANGUAGES = {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"}
BLANK_ROWS = 2


class ByLanguageWidget(forms.Widget):
    """One box for each language, side by side where there is room."""

    template_name = "admin/chat/inbox/by_language.html"

    def __init__(self, *, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        given = value if isinstance(value, Mapping) else {}
        context["boxes"] = [
            {
                "name": f"{name}-{locale}",
                "id": f"id_{name}-{locale}",
                "lang": locale,
                "label": LANGUAGES[locale],
                "text": shown(given.get(locale, "")),
            }
            for locale in LOCALES
        ]
        context["rows"] = self.rows
        context["classes"] = " ".join(TEXTAREA_CLASSES if self.rows > 1 else INPUT_CLASSES)
        return context

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> dict[str, str]:
        return {locale: data.get(f"{name}-{locale}", "").strip() for locale in LOCALES}

    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> bool:
        return not any(f"{name}-{locale}" in data for locale in LOCALES)


def shown(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)


class TextByLanguage(forms.Field):
    """{"en": "…"}; a language left empty is left out."""

    def __init__(self, *, rows: int = 1, **options: Any) -> None:
        super().__init__(widget=ByLanguageWidget(rows=rows), required=False, **options)

    def to_python(self, value: Any) -> dict[str, Any]:
        return {locale: text.replace("\r\n", "\n") for locale, text in value.items() if text}


class ListByLanguage(TextByLanguage):
    """{"en": ["…", "…"]}, one a line."""

    def __init__(self, *, rows: int = 5, **options: Any) -> None:
        super().__init__(rows=rows, **options)

    def to_python(self, value: Any) -> dict[str, Any]:
        return {locale: lines(text) for locale, text in value.items() if lines(text)}


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class Lines(forms.CharField):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return lines(value or "")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `choices` make a list of it, `is_flag` a box to tick."""

    name: str
    label: Any
    choices: Sequence[tuple[str, Any]] = ()
    is_flag: bool = False
    hint: str = ""


class RowsWidget(forms.Widget):
    """A table of records, with blank rows below them; a row left blank, or blanked, is none."""

    template_name = "admin/chat/inbox/rows.html"

    def __init__(self, columns: Sequence[Column], *, most: int) -> None:
        super().__init__()
        self.columns, self.most = columns, most

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        records = list(value) if isinstance(value, list) else []
        count = min(self.most, len(records) + BLANK_ROWS)
        records += [{} for _ in range(count - len(records))]
        context["columns"] = self.columns
        context["rows"] = [
            [self.cell(name, index, column, record) for column in self.columns]
            for index, record in enumerate(records)
        ]
        return context

    def cell(self, name: str, index: int, column: Column, record: Mapping[str, Any]) -> Any:
        classes = (
            CHECKBOX_CLASSES
            if column.is_flag
            else SELECT_CLASSES
            if column.choices
            else INPUT_CLASSES
        )
        return {
            "name": f"{name}-{index}-{column.name}",
            "column": column,
            "number": index + 1,
            "value": record.get(column.name, ""),
            "classes": " ".join(classes),
        }

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> list[dict[str, str]]:
        found = []
        for index in range(self.most):
            record = {
                column.name: str(data.get(f"{name}-{index}-{column.name}", "")).strip()
                for column in self.columns
            }
            texts = [record[column.name] for column in self.columns if not column.choices]
            if any(texts):
                found.append(record)
        return found

    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> bool:
        return not any(key.startswith(f"{name}-") for key in data)


class Rows(forms.Field):
    """A list of records as the subclass reads and shows them."""

    columns: Sequence[Column] = ()
    most = 0

    def __init__(self, **options: Any) -> None:
        widget = RowsWidget(self.columns, most=self.most)
        super().__init__(widget=widget, required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return [self.flat(record) for record in value] if is_stored(value) else value

    def to_python(self, value: Any) -> Any:
        return [self.record(row) for row in value]

    def flat(self, record: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def record(self, row: Mapping[str, str]) -> dict[str, Any]:
        raise NotImplementedError


def is_stored(value: Any) -> bool:
    """Whether these are records as kept, and not rows as they were typed."""
    return isinstance(value, list) and any(
        isinstance(part, dict | bool | int) for record in value for part in record.values()
    )
