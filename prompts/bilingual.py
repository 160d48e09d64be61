"""Words in the two languages staff read, and the names of rows in both. Used by the admin and by every app's config."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.utils.functional import lazy
from django.utils.translation import get_language


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
