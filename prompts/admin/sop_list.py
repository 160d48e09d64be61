"""The list of SOPs among ten thousand: what a row shows is read for its page alone, and words are looked for without joins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest
from unfold.views import ChangeList

from prompts.admin.rows import containing
from prompts.models import LANGUAGES, Sop, SopQuestion

# What no row of the list shows, and is long.
UNSEEN = ("answer", "steps", "required_slots", "shops", "skus", "channels")
SEARCHED = ("key", "title", "answer")


class SopChangeList(ChangeList):
    """Every row of a page knows when its pair in the other language was changed, None without one."""

    result_list: Any

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        return super().get_queryset(request, exclude_parameters).defer(*UNSEEN)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        changed = pairs_changed(rows)
        for sop in rows:
            others = (changed.get((sop.key, code)) for code, _ in LANGUAGES if code != sop.language)
            sop.pair_updated_at = next(filter(None, others), None)
        self.result_list = rows


def pairs_changed(rows: Sequence[Sop]) -> dict[tuple[str, str], datetime]:
    """When the SOPs with these rows' keys were changed, by key and language."""
    found = Sop.objects.filter(key__in={row.key for row in rows})
    return {
        (key, language): at
        for key, language, at in found.values_list("key", "language", "updated_at")
    }


def holding(rows: models.QuerySet[Sop], text: str) -> models.QuerySet[Sop]:
    """Those in which every word stands: in the key, the title, the answer or one of the wordings."""
    for word in text.split():
        how = containing(word)
        asked = SopQuestion.objects.filter(**{f"text__{how}": word}).values("sop_id")
        places = [(f"{name}__{how}", word) for name in SEARCHED]
        rows = rows.filter(models.Q(*places, ("pk__in", asked), _connector=models.Q.OR))
    return rows
