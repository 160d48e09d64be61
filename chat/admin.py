"""The admin of chat: inboxes are edited, what customers said is only read."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from chat.models import Agent, Conversation, Inbox, Message, Rating, Turn, Visitor


class ReadOnly:
    """Rows that only actions and turns may write."""

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Inbox)
class InboxAdmin(ModelAdmin):
    list_display = ["name", "key", "locale", "reception", "enabled"]
    search_fields = ["name", "key"]
    readonly_fields = ["created_at"]


@admin.register(Agent)
class AgentAdmin(ModelAdmin):
    list_display = ["name", "user", "presence"]
    search_fields = ["name"]
    autocomplete_fields = ["user"]


@admin.register(Visitor)
class VisitorAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "inbox", "locale", "created_at"]
    list_filter = ["inbox", "locale"]
    search_fields = ["id"]


class MessageInline(ReadOnly, TabularInline):
    model = Message
    fields = ["seq", "role", "text", "at", "ai"]
    ordering = ["seq"]
    extra = 0


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "inbox", "owner", "agent", "last_seq", "last_activity_at", "resolved_at"]
    list_filter = ["owner", "inbox", "last_activity_at"]
    list_select_related = ["inbox", "agent"]
    search_fields = ["id"]
    ordering = ["-last_activity_at"]
    show_full_result_count = False
    inlines = [MessageInline]


@admin.register(Turn)
class TurnAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "state", "attempt", "queued_at", "finished_at", "error"]
    list_filter = ["state", "queued_at"]
    search_fields = ["id", "conversation__id"]
    ordering = ["-queued_at"]
    show_full_result_count = False


@admin.register(Message)
class MessageAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "role", "seq", "text", "conversation"]
    list_filter = ["role", "at"]
    search_fields = ["conversation__id"]
    ordering = ["-at"]
    show_full_result_count = False


@admin.register(Rating)
class RatingAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "score", "resolved", "conversation"]
    list_filter = ["score", "resolved", "at"]
