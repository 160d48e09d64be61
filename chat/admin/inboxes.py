"""The admin of inboxes: settings with a live preview, the snippet to copy, identity secrets, versions in the wild."""

from copy import copy
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from unfold.admin import TabularInline

from chat import assets, identity, media, showing, views
from chat.admin.inbox_form import TEXT_LABELS, InboxForm
from chat.inbox.hours import WEEK
from chat.inbox.wording import LOCALES
from chat.models import Inbox, WidgetSighting
from prompts.admin.seen import SEEN, SeenAdmin
from prompts.admin.wording import both, pick

WORDS = {
    "preview": both("实时预览", "Live preview"),
    "preview_help": both(
        "显示尚未保存的设置，不会产生会话。",
        "Shows what is not saved yet. It opens no conversation.",
    ),
    "snippet": both("嵌入代码", "Snippet"),
    "snippet_help": both(
        "粘贴到每个页面的 </body> 之前。", "Paste it into every page, before </body>."
    ),
    "copy": both("复制", "Copy"),
    "copied": both("已复制", "Copied"),
    "identity": both("顾客身份密钥", "Identity secret"),
    "identity_help": both(
        "您的服务器用它签发 HS256 JWT（sub、exp、jti），证明顾客是谁。密钥只显示一次。",
        "Your server signs HS256 JWTs (sub, exp, jti) with it, which say who a customer is. It is shown once.",
    ),
    "none": both("还没有密钥。", "There is no secret yet."),
    "there_is": both("已设置密钥。", "A secret is set."),
    "before": both("旧密钥仍有效，直到", "The secret before it holds until"),
    "make": both("生成密钥", "Make a secret"),
    "renew": both("更换密钥…", "Change the secret…"),
    "renew_sure": both(
        "确认更换，旧密钥 24 小时后失效", "Yes, change it; the old one holds for 24 hours"
    ),
    "revoke": both("立即停用旧密钥", "End the old secret now"),
    "secret": both("新的身份密钥", "The new identity secret"),
    "once": both(
        "请现在复制并妥善保存，离开此页后无法再次查看。",
        "Copy it now and keep it safe. It cannot be seen again.",
    ),
    "back": both("返回", "Back"),
    "save_first": both(
        "保存后可预览和获取嵌入代码。", "Save it to see the preview and the snippet."
    ),
}
LOOK = ["name", "shop_name", "bot_name", "locale", "color", "theme", "position", "logo_file", "logo_remove", "sound", "ai_label"]  # fmt: skip
FIELDSETS = [
    (both("外观", "Look"), {"classes": ["tab"], "fields": LOOK}),
    (
        both("接待", "Reception"),
        {"classes": ["tab"], "fields": ["reception", "uploads", "hours_zone", *(f"hours_{day}" for day in WEEK), "hours_special"]},
    ),
    (both("文案", "Words"), {"classes": ["tab"], "fields": [*(f"text_{name}" for name in TEXT_LABELS), "quick_questions", "rating_tags"]}),
    (both("表单与问候", "Form and greetings"), {"classes": ["tab"], "fields": ["prechat", "greetings"]}),
    (both("嵌入", "Embedding"), {"classes": ["tab"], "fields": ["key", "allowed_domains", "enabled", "created_at"]}),
]  # fmt: skip


class SightingInline(TabularInline):
    """Where the widget was seen, and in which version; nobody edits that."""

    model = WidgetSighting
    verbose_name_plural = both("线上版本", "Seen in the wild")
    fields = readonly_fields = ["origin", "version", "is_current", "seen_at"]
    ordering = ["-seen_at"]
    extra = 0
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=both("最新", "Current"), boolean=True)
    def is_current(self, sighting: WidgetSighting) -> bool:
        return sighting.version == assets.widget().version


@admin.register(Inbox)
class InboxAdmin(SeenAdmin):
    form = InboxForm
    fieldsets = FIELDSETS
    inlines = [SightingInline]
    list_display = ["name", "key", "locale", "reception", "enabled"]
    search_fields = ["name", "key"]
    readonly_fields = ["key", "created_at"]
    change_form_outer_after_template = "admin/chat/inbox/beside.html"
    warn_unsaved_form = True

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/preview/", self.admin_site.admin_view(self.preview), name="chat_inbox_preview"),
            path("<int:pk>/secret/", self.admin_site.admin_view(self.secret), name="chat_inbox_secret"),
        ]  # fmt: skip
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        inbox = self.get_object(request, object_id)
        context = beside(request, inbox) if inbox else {}
        may_change = self.has_change_permission(request, inbox)
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context, "may_change": may_change}
        )  # fmt: skip
        return shown

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        shown: HttpResponse = super().add_view(
            request, form_url, {**(extra_context or {}), "t": WORDS}
        )
        return shown

    def save_model(self, request: HttpRequest, obj: Inbox, form: Any, change: bool) -> None:  # noqa: FBT001
        """Puts a new logo in the place of the old one, whose file goes once the row is written."""
        before = obj.logo
        if form.logo is not None:
            obj.logo = media.store(form.logo, folder=media.LOGOS)
        elif form.cleaned_data.get("logo_remove"):
            obj.logo = ""
        super().save_model(request, obj, form, change)
        if before and before != obj.logo:
            media.remove([before])

    def preview(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The widget as the form stands, saved or not. What is not valid yet is shown as it is stored."""
        inbox = self.may_change(request, pk)
        posted = request.POST.copy()
        posted.pop(SEEN, None)  # nothing is written, so nobody is in the way
        form = InboxForm(posted, request.FILES, instance=copy(inbox))
        for name in set(form.errors) & {field.name for field in Inbox._meta.fields}:
            setattr(form.instance, name, getattr(inbox, name))
        asked = request.GET.get("lang", "")
        locale = asked if asked in LOCALES else form.instance.locale
        response = views.widget_page(request, form.instance, locale=locale, preview=True)
        framed = csp_replace({"frame-ancestors": ["'self'"]})(lambda _: response)(request)
        shown: HttpResponseBase = xframe_options_exempt(lambda _: framed)(request)
        return shown

    def secret(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Makes a new secret and shows it this once, or ends the one before."""
        inbox = self.may_change(request, pk)
        if request.method != "POST":
            raise Http404
        if "revoke" in request.POST:
            identity.revoke_before(inbox)
            self.log_change(request, inbox, "identity secret before: ended")
            messages.success(request, pick("旧密钥已停用。", "The old secret was ended."))
            return redirect_to(inbox)
        secret = identity.renew_secret(inbox)
        self.log_change(request, inbox, "identity secret: renewed")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "t": WORDS}
        context |= {"title": WORDS["secret"], "secret": secret, "inbox": inbox}
        return never_cache(lambda _: render(request, "admin/chat/inbox/secret.html", context))(
            request
        )

    def may_change(self, request: HttpRequest, pk: int) -> Inbox:
        inbox: Inbox | None = self.get_object(request, str(pk))
        if inbox is None:
            raise Http404
        if not self.has_change_permission(request, inbox):
            raise PermissionDenied
        return inbox


def redirect_to(inbox: Inbox) -> HttpResponseRedirect:
    return redirect(reverse("admin:chat_inbox_change", args=[inbox.pk]))


def beside(request: HttpRequest, inbox: Inbox) -> dict[str, Any]:
    """What stands beside the form."""
    base_url = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    until = inbox.identity_before_until
    return {
        "t": WORDS,
        "inbox": inbox,
        "snippet": snippet(inbox, base_url=base_url),
        "has_secret": bool(inbox.identity_secret),
        "before_until": until if until and until > timezone.now() else None,
        "logo": showing.logo_url(inbox),
    }


def snippet(inbox: Inbox, *, base_url: str) -> str:
    return (
        "<script>\n"
        f'  window.yingdaSettings = {{inbox: "{inbox.key}", baseUrl: "{base_url}"}};\n'
        "</script>\n"
        f'<script async src="{base_url}/embed.js?inbox={inbox.key}"></script>'
    )
