"""Words in the two languages staff read, and the names of rows in both. Used by the admin and by every app's config."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.db.models import Field, Model
from django.utils.functional import Promise, lazy
from django.utils.translation import get_language

from prompts.field_words import CHOICES, FIELDS, HELP


def in_chinese() -> bool:
    """Whether the request at hand is answered in Chinese, the default."""
    return (get_language() or "zh").startswith("zh")


def pick(zh: str, en: str) -> str:
    """The sentence in the language of the request at hand."""
    return zh if in_chinese() else en


# The same, decided when it is shown: for labels that are made once, at import.
both: Any = lazy(pick, str)


def name_rows(app: AppConfig, names: Mapping[str, tuple[str, str, str]]) -> None:
    """Calls an app's models by (Chinese, English, English plural) wherever the admin names them.

    Not in their Meta: what stands there is frozen into migrations, in one language.
    """
    for model, (chinese, one, many) in names.items():
        options = app.get_model(model)._meta
        options.verbose_name = both(chinese, one)
        options.verbose_name_plural = both(chinese, many)
    for each in app.get_models():
        name_fields(each)


def name_fields(model: type[Model]) -> None:
    """Names a model's fields, what they may hold and what is said of them."""
    for field in model._meta.get_fields():
        if not isinstance(field, Field):
            continue
        chinese = FIELDS.get(f"{model.__name__}.{field.name}") or FIELDS.get(field.name)
        if chinese and not isinstance(field.verbose_name, Promise):
            field.verbose_name = both(chinese, str(field.verbose_name))
        chinese = HELP.get(f"{model.__name__}.{field.name}")
        if chinese and not isinstance(field.help_text, Promise):
            field.help_text = shown(chinese, field.help_text)
        if field.choices:
            field.choices = [
                (value, chosen(field.name, label)) for value, label in field.flatchoices
            ]


def chosen(field: str, label: Any) -> Any:
    chinese = CHOICES.get(f"{field}={label}") or CHOICES.get(str(label))
    if not chinese or isinstance(label, Promise):
        return label
    # In English a code of several words is read as words.
    return shown(chinese, str(label).replace("_", " "), label)


def where_shown(zh: str, en: str, own: str = "") -> str:
    """As `pick`; outside of any language, where migrations are compared with models, the model's own word."""
    return (own or en) if get_language() is None else pick(zh, en)


shown: Any = lazy(where_shown, str)
