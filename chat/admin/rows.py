"""What the admin classes of this package share."""

from django.db import models
from django.http import HttpRequest


class ReadOnly:
    """Rows that only actions and turns may write."""

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
