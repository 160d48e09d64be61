"""Lists and dialogues in forms, as people write them: a line each. A JSON list that is pasted is read as well."""

import json
import re
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from prompts.admin.wording import in_chinese, pick
from prompts.models import Intent

PARTS, PART_CHARS = 20, 200
# Continues the line of a dialogue above it, so that a text of several lines comes back as it was.
INDENT = "  "
VISITOR = ("顾客", "客户", "visitor", "customer", "user")
BOT = ("客服", "机器人", "bot", "assistant", "agent")
SPEAKER = re.compile(r"\s*(?P<name>\S+?)\s*[:：]")
SPEAKERS = {name: role for role, names in (("visitor", VISITOR), ("bot", BOT)) for name in names}


def as_list(text: str) -> list[Any] | None:
    """What a JSON list holds; nothing where the text is none."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


class WrittenField(forms.CharField):
    """A list that stands in a text box. What did not change in it did not change."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        options.setdefault("required", False)
        shape = {"rows": rows, "class": "yd-lines"}
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs=shape))
        super().__init__(**options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(self.prepare_value(initial)) != self.to_python(data))
        except forms.ValidationError:
            return True


class LineList(WrittenField):
    """Texts, one a line, as a list."""

    def __init__(self, *, most: int = PARTS, longest: int = PART_CHARS, **options: Any) -> None:
        self.most, self.longest = most, longest
        super().__init__(**options)

    def prepare_value(self, value: Any) -> str:
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        found = as_list(text)
        lines = text.splitlines() if found is None else map(str, found)
        stripped = [line.strip() for line in lines]
        return [line for line in stripped if line]

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > self.most or any(len(line) > self.longest for line in value):
            raise forms.ValidationError(
                pick(
                    f"最多 {self.most} 行，每行最多 {self.longest} 字。",
                    f"At most {self.most} lines of {self.longest} characters.",
                )
            )


class DialogueField(WrittenField):
    """What a customer and the bot say in turn, as (role, text) of "visitor" and "bot"."""

    def prepare_value(self, value: Any) -> str:
        if not isinstance(value, list):
            return str(value or "")
        pairs = [pair for pair in map(as_pair, value) if pair]
        names = ("顾客：", "客服：") if in_chinese() else ("Customer: ", "Bot: ")
        return "\n".join(
            names[role == "bot"] + text.replace("\n", f"\n{INDENT}") for role, text in pairs
        )

    def to_python(self, value: Any) -> Any:
        text = str(value or "").replace("\r\n", "\n")
        found = as_list(text)
        if found is None:
            return spoken(text)
        pairs = [as_pair(line) for line in found]
        if not all(pairs):
            raise forms.ValidationError(not_spoken())
        return pairs


def as_pair(line: Any) -> tuple[str, str] | None:
    """A stored line, {"role", "text"} or [role, text]; nothing where it is neither."""
    if isinstance(line, dict) and set(line) == {"role", "text"}:
        line = [line["role"], line["text"]]
    if not isinstance(line, (list, tuple)) or len(line) != 2:
        return None
    role, text = line
    fits = role in ("visitor", "bot") and isinstance(text, str) and text.strip()
    return (role, text.strip()) if fits else None


def spoken(text: str) -> list[tuple[str, str]]:
    """The lines of a dialogue; one that names nobody goes on with what is above it. Raises ValidationError."""
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        begun = None if line.startswith(INDENT) else SPEAKER.match(line)
        role = SPEAKERS.get(begun["name"].lower()) if begun else None
        if begun and role:
            pairs.append((role, line[begun.end() :].strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}\n{line.removeprefix(INDENT)}".strip())
        elif line.strip():
            raise forms.ValidationError(not_spoken())
    if not all(said for _, said in pairs):
        raise forms.ValidationError(not_spoken())
    return pairs


def not_spoken() -> str:
    return pick(
        "每句一行，以「顾客：」或「客服：」开头，后面写他说的话。",
        "A line each, beginning with “Customer:” or “Bot:”, and what is said after it.",
    )


class IndentedJson(forms.JSONField):
    """An object of some depth, to be read in lines."""

    def __init__(self, *, rows: int = 10, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), **options)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):  # as it was sent, which may be no JSON
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value is not None else ""


class IntentInput(UnfoldAdminTextInputWidget):
    """A name, with those of the known intents to choose from; files may bring others."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        place = f"id_{name}_names"
        field = super().render(name, value, {**(attrs or {}), "list": place}, renderer)
        rows = ((row.name, titled(row)) for row in Intent.objects.filter(enabled=True))
        options = format_html_join("", '<option value="{}">{}</option>', rows)
        return format_html('{}<datalist id="{}">{}</datalist>', field, place, options)


def titled(intent: Intent) -> str:
    return intent.title_zh if in_chinese() else intent.title_en


def name_written(form: forms.ModelForm) -> None:  # type: ignore[type-arg]  # generic only in its stubs
    """Declared fields get the labels and hints of Meta, as the model's own do; an intent gets its suggestions."""
    options = form._meta
    for name, field in form.fields.items():
        if isinstance(field, (WrittenField, IndentedJson)):
            field.label = (options.labels or {}).get(name, name)
            field.help_text = (options.help_texts or {}).get(name, "")
        elif name == "intent":
            field.widget = IntentInput()
