"""What customers said is only read."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin, TabularInline

from chat import media
from chat.actions import privacy
from chat.admin import bad_answers, reruns
from chat.admin.rows import ReadOnly
from chat.models import Agent, Conversation, Message, Rating, Reveal, Visitor
from prompts.admin import playing
from prompts.admin.wording import both, pick

# Whom the shop vouches for, and what its page merely says.
TOLD = ["customer_id", "profile", "attributes"]
IMAGE = '<img src="{}" alt="" height="96" loading="lazy">'
ERASING = {
    "title": both("抹除顾客数据", "Erase customers' data"),
    "sure": both(
        "下列顾客说过的话、会话、评价和保存的个人信息将被永久删除，无法恢复。",
        "What these customers said, their conversations, ratings and personal data are removed for good. "
        "There is no way back.",
    ),
    "conversations": both("会话", "conversations"),
    "sealed": both("项个人信息", "pieces of personal data"),
    "yes": both("永久抹除", "Erase for good"),
    "back": both("取消", "Cancel"),
}

OPINIONS = {"up": both("有帮助", "helpful"), "down": both("没帮助", "not helpful")}


@admin.register(Agent)
class AgentAdmin(ModelAdmin):
    list_display = ["name", "public_name", "user", "presence"]
    list_select_related = ["user"]
    list_filter = ["inboxes"]
    search_fields = ["name", "public_name"]
    autocomplete_fields = ["user", "inboxes"]


@admin.register(Visitor)
class VisitorAdmin(ReadOnly, ModelAdmin):
    """The tier is the staff's to set. Of personal data the page says what kinds are kept, never the values."""

    list_display = ["id", "inbox", "customer_id", "locale", "tier", "created_at"]
    list_filter = ["inbox", "locale", "tier"]
    list_select_related = ["inbox"]
    search_fields = ["id"]
    readonly_fields = ["id", "inbox", "locale", *TOLD, "placeholders", "created_at"]
    fields = ["id", "inbox", "locale", "tier", *TOLD, "placeholders", "created_at"]
    actions = ["erase"]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return request.user.has_perm("chat.change_visitor")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        # Who may delete visitors may erase them; the empty row stays, so that its widget goes on.
        return request.user.has_perm("chat.delete_visitor")

    @admin.display(description=both("保存的个人信息", "Personal data kept"))
    def placeholders(self, visitor: Visitor) -> str:
        kept = visitor.vault.order_by("placeholder").values_list("placeholder", flat=True)
        return ", ".join(kept) or "—"

    @admin.action(description=both("抹除数据…", "Erase data…"), permissions=["erase"])
    def erase(self, request: HttpRequest, chosen: models.QuerySet[Visitor]) -> HttpResponse | None:
        """Asks first; erases when the page that asked was confirmed."""
        if "sure" not in request.POST:
            return self.ask_to_erase(request, chosen)
        visitors = list(chosen)
        for visitor in visitors:
            privacy.erase(visitor)
            self.log_change(request, visitor, "erased")
        messages.success(
            request,
            pick(
                f"已抹除 {len(visitors)} 位顾客的数据。",
                f"The data of {len(visitors)} customers was erased.",
            ),
        )
        return None

    def ask_to_erase(self, request: HttpRequest, chosen: models.QuerySet[Visitor]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": ERASING["title"],
            "t": ERASING,
            "checkbox": ACTION_CHECKBOX_NAME,
            "visitors": chosen.annotate(
                spoken=models.Count("conversations", distinct=True),
                sealed=models.Count("vault", distinct=True),
            ),
        }
        return render(request, "admin/chat/visitor/erase.html", context)


class MessageInline(ReadOnly, TabularInline):
    model = Message
    fields = ["seq", "role", "text", "images", "at", "ai"]
    readonly_fields = ["images"]
    ordering = ["seq"]
    extra = 0

    @admin.display(description=both("图片", "Images"))
    def images(self, message: Message) -> str:
        """The images of a line, under addresses that hold for minutes."""
        addresses = ((media.url(each["id"]),) for each in message.meta.get("attachments", []))
        return format_html_join(" ", IMAGE, addresses) or "—"


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "inbox", "owner", "agent", "last_seq", "last_activity_at", "resolved_at"]
    list_filter = ["owner", "inbox", "last_activity_at"]
    list_select_related = ["inbox", "agent"]
    search_fields = ["id"]
    ordering = ["-last_activity_at"]
    show_full_result_count = False
    inlines = [MessageInline]
    change_form_outer_before_template = "admin/chat/conversation/tools.html"
    readonly_fields = ["tagged"]
    fieldsets = [
        (None, {"fields": ["visitor", "inbox", "owner", "agent", "last_activity_at", "resolved_at", "summary", "tagged"]}),
        (
            both("原始数据", "As stored"),
            {
                "classes": ["collapse"],
                "fields": [
                    "team", "epoch", "last_seq", "dialogue", "context", "form", "read_seq", "agent_read_seq",
                    "waiting_since", "snoozed", "snoozed_until",
                ],
            },
        ),
    ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        views = {"rerun": ("rerun/", reruns.page), "rerun_ask": ("rerun/ask/", reruns.ask)}
        own = [
            path(
                f"<uuid:pk>/{place}",
                self.admin_site.admin_view(partial(view, model_admin=self)),
                name=f"chat_conversation_{name}",
            )
            for name, (place, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=both("标签", "Tags"))
    def tagged(self, row: Conversation) -> str:
        return ", ".join(row.tags) or "—"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"t": reruns.WORDS, "may_rerun": playing.may_play(request)}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown


@admin.register(Message)
class MessageAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "role", "seq", "text", "conversation"]
    list_filter = ["role", "at"]
    list_select_related = ["conversation"]
    search_fields = ["conversation__id"]
    ordering = ["-at"]
    show_full_result_count = False
    actions = ["keep_bad_answers"]
    readonly_fields = ["signed", "opinion", "cited"]
    fieldsets = [
        (None, {"fields": ["conversation", "at", "role", "signed", "text", "cited", "opinion"]}),
        (
            both("原始数据", "As stored"),
            {
                "classes": ["collapse"],
                "fields": ["seq", "turn", "epoch", "ai", "client_id", "html", "meta"],
            },
        ),
    ]
    change_form_outer_before_template = "admin/chat/message/keep.html"

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/keep/", self.admin_site.admin_view(self.keep), name="chat_message_keep"
        )
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The message; a bad answer with the button that makes a case of it."""
        row = self.get_object(request, object_id)
        context = bad_answers.context(row) if row and self.has_keep_permission(request) else {}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown

    def keep(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Makes a case of one bad answer."""
        if request.method != "POST" or not self.has_keep_permission(request):
            raise PermissionDenied
        self.keep_bad_answers(request, Message.objects.filter(pk=pk))
        return redirect("admin:chat_message_change", pk)

    @admin.display(description=both("署名", "Signed"))
    def signed(self, message: Message) -> str:
        return (message.author or {}).get("name") or "—"

    @admin.display(description=both("顾客的评价", "What the customer thought of it"))
    def opinion(self, message: Message) -> str:
        said = OPINIONS.get(message.meta.get("feedback"))
        why = message.meta.get("feedback_reason")
        return " · ".join(str(each) for each in (said, why) if each) or "—"

    @admin.display(description=both("引用的标准应答", "SOPs cited"))
    def cited(self, message: Message) -> str:
        names = (each.get("title") or each.get("id") for each in message.meta.get("citations", []))
        return ", ".join(str(name) for name in names if name) or "—"

    def has_keep_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("prompts.add_evalcase")

    @admin.action(
        description=both("把差评回答加入评测集", "Add bad answers to an evaluation set"),
        permissions=["keep"],
    )
    def keep_bad_answers(self, request: HttpRequest, chosen: models.QuerySet[Message]) -> None:
        added, passed_over = bad_answers.keep(chosen.select_related("turn"))
        messages.info(
            request,
            pick(
                f"新增 {added} 个用例；{passed_over} 条不是差评回答，或不能使用。请到评测集「差评回答」补上检查项并启用。",
                f"{added} cases added; {passed_over} messages are no bad answers or cannot be used. "
                "Say what is checked in the set “Bad answers” and switch them on.",
            ),
        )


@admin.register(Rating)
class RatingAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "score", "resolved", "conversation"]
    list_filter = ["score", "resolved", "at"]
    fields = ["conversation", "score", "resolved", "tagged", "comment", "at"]

    @admin.display(description=both("标签", "Tags"))
    def tagged(self, row: Rating) -> str:
        return ", ".join(row.tags) or "—"


@admin.register(Reveal)
class RevealAdmin(ReadOnly, ModelAdmin):
    """Who looked at which personal data, when and why. The values are in the vault alone."""

    list_display = ["at", "agent", "placeholder", "reason", "visitor"]
    list_filter = ["agent"]
    list_select_related = ["agent", "visitor"]
    ordering = ["-at"]
