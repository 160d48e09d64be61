"""Whose figures a member of staff may see, and who gets them by mail, edited in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from analytics.models import InboxAccess, ReportSubscription


@admin.register(InboxAccess)
class InboxAccessAdmin(ModelAdmin):
    list_display = ["user", "inbox"]
    list_filter = ["inbox"]
    list_select_related = ["user", "inbox"]
    autocomplete_fields = ["user"]


@admin.register(ReportSubscription)
class ReportSubscriptionAdmin(ModelAdmin):
    list_display = ["user", "every", "language", "enabled", "sent_until", "problem"]
    list_filter = ["every", "enabled"]
    list_select_related = ["user"]
    autocomplete_fields = ["user"]
    readonly_fields = ["sent_until", "problem"]
