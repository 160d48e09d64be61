"""What customers said is only read, and a turn says why it was answered so."""

from collections.abc import Mapping
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
from chat.admin import bad_answers, escalation, reruns, tools
from chat.admin.rows import ReadOnly
from chat.models import Agent, Conversation, Message, Rating, Reveal, Turn, Visitor
from prompts import snapshot
from prompts.admin import heard, playing, waterfall
from prompts.admin.wording import both, pick
from prompts.llm import router
from prompts.models import ModelCall, RoutePolicy

POLICIES_SHOWN = 50
# Whom the shop vouches for, and what its page merely says.
TOLD = ["customer_id", "profile", "attributes"]
IMAGE = '<img src="{}" alt="" height="96" loading="lazy">'
WORDS = {
    "title": both("为什么是这个模型", "Why this model"),
    "conversation": both("打开会话", "Open the conversation"),
    "nothing": both(
        "这一轮没有保存路由决定：它还没有运行，或不需要模型。",
        "No decision is stored with this turn: it has not run, or it needed no model.",
    ),
    "verdict": both("要不要人工", "Whether a person is wanted"),
    "points": both("分", "points"),
    "features": both("这一轮的特征", "What the turn looked like"),
    "load": both("负载级别", "load level"),
    "candidates": both("候选模型", "Candidates"),
    "no_candidates": both("没有候选模型", "no candidates"),
    "endpoint": both("模型", "Model"),
    "possible": both("可用", "Possible"),
    "yes": both("是", "yes"),
    "no": both("否", "no"),
    "est_cost": both("预计费用", "Estimated cost"),
    "p_ok": both("好答案概率", "Chance of a good answer"),
    "reaches": both("达到要求", "good enough"),
    "seen": both("样本数", "Samples"),
    "p95": both("首字 p95", "p95 to first token"),
    "rules": both("命中的规则", "Rules hit"),
    "no_rules": both("没有规则命中", "no rule hit"),
    "choice": both("选择", "Choice"),
    "threshold": both("质量要求", "Quality wanted"),
    "cause": both("原因", "Cause"),
    "chosen": both("选中", "Chosen"),
    "plan": both("计划", "Plan"),
    "baseline": both("最强的可用模型", "Strongest possible"),
    "saving": both("预计节省", "Estimated saving"),
    "propensity": both("选中概率", "Propensity"),
    "canary": both("灰度", "Canary"),
    "remarks": both("备注", "Remarks"),
    "calls": both("调用过程", "Calls"),
    "span": both("合计", "in all"),
    "axis": both("时间", "Time"),
    "slept": both("等待", "Waited before"),
    "waited": both("等首字", "To the first token"),
    "wrote": both("输出", "Writing"),
    "attempt": both("第几次", "Attempt"),
    "first_token": both("首字", "First token"),
    "total": both("总时长", "Total"),
    "outcome": both("结果", "Outcome"),
    "fine": both("成功", "fine"),
    "tokens": both("token 入/出", "Tokens in/out"),
    "cost": both("费用", "Cost"),
    "no_calls": both("账本里没有这一轮的调用。", "The ledger has no call of this turn."),
    "tools": both("工具调用", "Tools"),
    "tool": both("工具", "Tool"),
    "asked_by": both("由谁发起", "Asked by"),
    "answered_by": both("最终由它回答：", "Answered by"),
    "replay": both("用另一个策略重放", "Replay under another policy"),
    "policy": both("策略", "policy"),
    "active": both("生效中", "active"),
    "replay_go": both("重放", "Replay"),
    "what": both("项目", "What"),
    "stored": both("当时的决定", "As decided"),
    "replayed": both("策略", "Under policy"),
    "changed": both("不同", "differs"),
    "differs": both("这个策略会做出不同的决定。", "This policy would have decided differently."),
    "same": both("这个策略会做出同样的决定。", "This policy would have decided the same."),
}

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
    search_fields = ["name", "public_name"]
    autocomplete_fields = ["user"]


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

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"t": reruns.WORDS, "may_rerun": playing.may_play(request)}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown


@admin.register(Turn)
class TurnAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "state", "attempt", "queued_at", "finished_at", "error"]
    list_filter = ["state", "queued_at"]
    search_fields = ["id", "conversation__id"]
    ordering = ["-queued_at"]
    show_full_result_count = False
    list_select_related = ["conversation"]
    change_form_outer_before_template = "admin/chat/turn/why.html"
    fieldsets = [
        (None, {"fields": ["conversation", "state", "error", "queued_at", "finished_at"]}),
        (
            both("原始数据", "As stored"),
            {
                "classes": ["collapse"],
                "fields": [
                    "first_seq",
                    "last_seq",
                    "epoch",
                    "attempt",
                    "worker",
                    "started_at",
                    "timings",
                    "decision",
                    "rendering",
                ],
            },
        ),
    ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The turn with its waterfall; `?policy=3` adds what version 3 would have decided. Writes nothing."""
        turn = self.get_object(request, object_id)
        context = explained(request, turn) if turn else {}
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


def explained(request: HttpRequest, turn: Turn) -> dict[str, Any]:
    """What the turn's page shows beside the row."""
    calls = ModelCall.objects.filter(trace_id=str(turn.pk)).order_by("at", "attempt")
    may_replay = request.user.has_perm("prompts.view_routepolicy")
    return {
        "t": WORDS,
        "h": heard.WORDS,
        "heard": heard.explain(turn.decision.get("analysis")),
        "verdict": escalation.explain(turn.decision.get("escalation")),
        "why": waterfall.explain(turn.decision, calls),
        "tool_calls": tools.calls_of(turn),
        "policies": RoutePolicy.objects.all()[:POLICIES_SHOWN] if may_replay else [],
        "replay": replayed(turn.decision, number=request.GET.get("policy", ""))
        if may_replay
        else {},
    }


def replayed(stored: Any, *, number: str) -> Mapping[str, Any]:
    """The decision under version `number`, or why there is none; empty when nobody asked."""
    if not number:
        return {}
    row = RoutePolicy.objects.filter(number=number).first() if number.isdecimal() else None
    if row is None:
        return {"problem": pick("没有这个策略版本。", "There is no such policy.")}
    try:
        decision = router.replay(stored, snapshot.as_policy(row)).as_json()
    except ValueError as error:
        reason = pick("不能重放：", "It cannot be replayed: ")
        return {"number": row.number, "problem": f"{reason}{error}"}
    lines = waterfall.compare(waterfall.explain(stored), waterfall.explain(decision))
    changed = any(line.changed for line in lines)
    return {"number": row.number, "lines": lines, "changed": changed}


@admin.register(Reveal)
class RevealAdmin(ReadOnly, ModelAdmin):
    """Who looked at which personal data, when and why. The values are in the vault alone."""

    list_display = ["at", "agent", "placeholder", "reason", "visitor"]
    list_filter = ["agent"]
    list_select_related = ["agent", "visitor"]
    ordering = ["-at"]
