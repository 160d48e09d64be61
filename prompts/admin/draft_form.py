"""The form of a draft: what a wording says, field by field. Called by the studio."""

from typing import Any

from django import forms

from prompts import purposes, versions
from prompts.admin.studio_words import MODES, WORDS
from prompts.models import Prompt, PromptDraft

ROWS = {
    "text": 16,
    "rules": 14,
    "persona": 3,
    "slots_block": 3,
    "emotion_addendum": 3,
    "privacy_line": 2,
    "resume_text": 3,
}


GROUPS = (
    (
        "persona",
        "rules",
        "slots_block",
        "emotion_addendum",
        "privacy_line",
        "text",
        "variables",
        "resume_text",
    ),
    (
        "example_mode",
        "example_keys",
        "example_tags",
        "example_limit",
        "example_tokens",
        "max_chars",
        "max_output_tokens",
    ),
)
# What a wording always has; a field left empty is named and keeps what was saved before.
NEEDED = ("example_mode", "example_limit", "example_tokens")


class WordList(forms.CharField):
    """Names separated by commas or blanks, as a list."""

    def prepare_value(self, value: Any) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")

    def to_python(self, value: Any) -> Any:
        text = (
            str(value or "")
            .replace("\0", "")
            .replace("，", ",")
            .replace("\n", ",")
            .replace("、", ",")
        )
        return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """What a wording says. Wrong fields are named and keep what was saved before."""

    variables = WordList(required=False)
    example_keys = WordList(required=False)
    example_tags = WordList(required=False)

    class Meta:
        model = PromptDraft
        fields = [*versions.WORDING_FIELDS, "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = WORDS.get(name, name)
            field.required = False
            field.widget.attrs["class"] = "yd-input"
            if name in ROWS:
                field.widget = forms.Textarea(
                    attrs={"class": "yd-input yd-mono", "rows": ROWS[name], "spellcheck": "false"}
                )
        self.fields["example_mode"].choices = list(MODES.items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for name in NEEDED:
            if name in self.data and name not in self.errors and said.get(name) in (None, ""):
                self.add_error(name, self.fields[name].error_messages["required"])
        return said

    def wrong(self) -> dict[str, list[str]]:
        """What is wrong, by field."""
        return {name: [str(error) for error in found] for name, found in self.errors.items()}

    def values(self) -> dict[str, Any]:
        """The fields that were sent and make sense; lines end as everywhere else, whatever a browser sends."""
        return {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
            if name in self.data
        }


def groups(form: DraftForm, prompt: Prompt) -> list[list[Any]]:
    """The fields in the order of the page: what is said, then examples and limits.

    Those that have no effect for the prompt's purpose are left out, unless something stands in them.
    """
    shown = ([form[name] for name in names if has_place(form, name, prompt)] for names in GROUPS)
    return [fields for fields in shown if fields]


def has_place(form: DraftForm, name: str, prompt: Prompt) -> bool:
    usual = PromptDraft._meta.get_field(name).get_default()  # type: ignore[union-attr]  # columns all
    return purposes.uses(prompt.purpose, name) or form[name].value() not in (None, "", usual)
