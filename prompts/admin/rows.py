"""What the admin classes of this package share: every write is announced, some rows are only read."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from prompts import snapshot


class AnnouncedAdmin(ModelAdmin):
    """Every process hears of a row that was written, so that a click counts within seconds everywhere."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: object) -> None:
        super().save_model(request, obj, form, change)
        snapshot.announce()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        snapshot.announce()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        snapshot.announce()


class RowPageAdmin(ModelAdmin):
    """A row is shown by a page of our own, to whoever may view it; `words` are those of its list."""

    words: Mapping[str, Any] = {}

    def row_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown: HttpResponse = super().changelist_view(
            request, {"t": self.words, **(extra_context or {})}
        )
        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            answer: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return answer
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return self.row_page(request, row)


class EditedFieldsAdmin(AnnouncedAdmin):
    """Rows that the platform moves as well: only what was edited is written over them."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: object) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        obj.save(update_fields=form.changed_data)
        snapshot.announce()


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the platform writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class DefaultsStay:
    """A default that is deleted would come back with the next start; it is disabled instead."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return allowed and not (obj and obj.default_digest)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        rows, counts, missing, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        defaults = [f"{row} (a default: disable it)" for row in objs if row.default_digest]
        return rows, counts, missing, [*protected, *defaults]


def containing(word: str) -> str:
    """The lookup that finds a word in a text, whatever the case of its letters.

    Chinese has none: it is looked for as it stands, which takes a third of the time.
    """
    return "contains" if word.upper() == word.lower() else "icontains"
