"""The admin of webhooks: which systems hear of conversations, their secrets, and the log of what was sent."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from chat import outbox, webhooks
from chat.admin.rows import ReadOnly
from chat.models import WebhookDelivery, WebhookEndpoint
from chat.states import Event
from chat.tools import addresses
from prompts import snapshot
from prompts.admin.rows import EditedFieldsAdmin
from prompts.admin.wording import Chip, as_ms, both, pick

EVENTS = {
    Event.OPENED: both("会话开始", "Conversation opened"),
    Event.MESSAGE: both("新消息", "Message"),
    Event.QUEUED: both("进入排队", "Joined the queue"),
    Event.CLAIMED: both("坐席接入", "Claimed by an agent"),
    Event.HANDED_BACK: both("回到机器人", "Back with the bot"),
    Event.RESOLVED: both("会话结束", "Resolved"),
    Event.RATED: both("顾客评价", "Rated"),
}
LABELS = {
    "name": both("名称", "Name"),
    "url": both("网址", "URL"),
    "inbox": both("只限接入点", "Only of this inbox"),
    "events": both("事件", "Events"),
    "enabled": both("启用", "Enabled"),
}
HELP = {
    "url": both("内部地址须先列入 YINGDA_TOOL_HOSTS", "Internal hosts must be in YINGDA_TOOL_HOSTS first"),
    "inbox": both("留空表示所有接入点", "Left empty: of every inbox"),
    "events": both("一个都不选表示全部", "None chosen means all of them"),
}  # fmt: skip
PROBLEMS = {
    "scheme": both("网址须以 http:// 或 https:// 开头。", "Use an http:// or https:// address."),
    "host": both("主机名无法识别。", "The host cannot be read."),
    "form": both("网址写法有误（不能带用户名、# 或空格）。", "The address is malformed (no user names, # or blanks)."),
}  # fmt: skip
WORDS = {
    "title": both("密钥与测试", "Secret and test"),
    "intro": both(
        "每次推送都用这个密钥签名（X-Yingda-Signature）。没有密钥就不会推送。密钥只显示一次。",
        "Every delivery is signed with it (X-Yingda-Signature). Without a secret nothing is sent. It is shown once.",
    ),
    "make": both("生成密钥", "Make a secret"),
    "renew": both("更换密钥", "Change the secret"),
    "renew_hint": both("更换后旧密钥立即失效。", "The old one ends at once."),
    "test": both("发送测试事件", "Send a test event"),
    "test_hint": both("会立即发送一个 ping，结果在推送记录里。", "Sends a ping at once; see what came of it in the log."),
    "once": both("请现在复制并妥善保存，离开此页后无法再次查看。", "Copy it now and keep it safe. It cannot be seen again."),
    "copy": both("复制", "Copy"),
    "copied": both("已复制", "Copied"),
    "back": both("返回", "Back"),
    "log": both("推送记录", "Deliveries"),
}  # fmt: skip
STATES = {
    "pending": both("待发送", "waiting"),
    "done": both("已送达", "delivered"),
    "failed": both("失败", "failed"),
}
STATE_COLOURS = {"pending": "info", "done": "success", "failed": "danger"}


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    events = forms.MultipleChoiceField(
        choices=[(event.value, words) for event, words in EVENTS.items()],
        required=False,
        label=LABELS["events"],
        help_text=HELP["events"],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["name", "url", "inbox", "events", "enabled"]
        labels = LABELS
        help_texts = HELP

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            addresses.target_of(url)
        except addresses.BadAddress as error:
            raise ValidationError(PROBLEMS[str(error)]) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(EditedFieldsAdmin):
    form = EndpointForm
    actions_detail = ["secret_page"]
    list_display = ["name", "url", "inbox", "signed", "enabled"]
    list_filter = ["enabled", "inbox"]
    list_select_related = ["inbox"]

    @display(description=both("密钥", "secret"), boolean=True)  # type: ignore[untyped-decorator]
    def signed(self, endpoint: WebhookEndpoint) -> bool:
        return bool(endpoint.secret)

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: Any = None
    ) -> HttpResponse:
        """A new endpoint needs a secret first."""
        return redirect(reverse("admin:chat_webhookendpoint_secret_page", args=[obj.pk]))

    @action(description=WORDS["title"], url_path="secret", icon="key", permissions=["change"])  # type: ignore[untyped-decorator]
    def secret_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Shows what can be done; a POST makes a new secret, shown this once, or sends a test."""
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        secret = ""
        if request.method == "POST" and "test" in request.POST and endpoint.secret:
            row = outbox.try_out(endpoint)
            return redirect(reverse("admin:chat_webhookdelivery_change", args=[row.pk]))
        if request.method == "POST" and "secret" in request.POST:
            secret = webhooks.renew_secret(endpoint)
            self.log_change(request, endpoint, "secret: renewed")
            snapshot.announce()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{WORDS['title']} · {endpoint.name}",
            "t": WORDS,
            "endpoint": endpoint,
            "secret": secret,
        }
        page = "admin/chat/webhookendpoint/secret.html"
        shown: HttpResponse = never_cache(lambda _: render(request, page, context))(request)
        return shown


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, ModelAdmin):
    """The log. What came to an end can be sent again."""

    list_display = ["created_at", "event", "endpoint", "outcome", "attempt", "status_code", "error", "duration"]  # fmt: skip
    list_filter = ["endpoint", "state", "event", "created_at"]
    list_select_related = ["endpoint"]
    search_fields = ["id", "conversation__id"]
    ordering = ["-created_at"]
    show_full_result_count = False
    actions = ["send_again"]
    fields = [
        "created_at", "event", "endpoint", "conversation", "outcome", "attempt", "next_at", "ended_at", "status_code", "error",
        "duration", "shown_body",
    ]  # fmt: skip

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("chat.change_webhookendpoint"))

    @action(description=both("重新推送所选", "Send the selected again"), permissions=["replay"])  # type: ignore[untyped-decorator]
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        sent = outbox.again(list(queryset.values_list("pk", flat=True)))
        left = queryset.count() - sent
        said = pick(f"{sent} 条已重新推送。", f"{sent} are sent again.")
        if left:
            said += pick(f"{left} 条本来就在等待发送。", f" {left} were waiting to be sent.")
        messages.success(request, said)

    @display(description=both("结果", "outcome"), label=STATE_COLOURS, ordering="state")  # type: ignore[untyped-decorator]
    def outcome(self, delivery: WebhookDelivery) -> Chip:
        return Chip(delivery.state, STATES[delivery.state])

    @admin.display(description=both("耗时", "duration"), ordering="duration_ms")
    def duration(self, delivery: WebhookDelivery) -> str:
        return as_ms(delivery.duration_ms)

    @admin.display(description=both("内容", "body"))
    def shown_body(self, delivery: WebhookDelivery) -> str:
        return json.dumps(delivery.body, ensure_ascii=False)
