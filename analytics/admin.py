"""Whose figures a member of staff may see, edited in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from analytics.models import InboxAccess


@admin.register(InboxAccess)
class InboxAccessAdmin(ModelAdmin):
    list_display = ["user", "inbox"]
    list_filter = ["inbox"]
    list_select_related = ["user", "inbox"]
    autocomplete_fields = ["user"]
