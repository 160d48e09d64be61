"""The admin of tools: what may be called of the shop's systems, and every call that was made or refused."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from chat.admin import trying
from chat.admin.rows import ReadOnly
from chat.models import Tool, ToolCall, Turn
from chat.tools import arguments, registry
from prompts.admin.lines import IndentedJson, LineList, name_written
from prompts.admin.rows import AnnouncedAdmin
from prompts.admin.seen import SeenAdmin, SeenForm
from prompts.admin.wording import Chip, as_ms, both, in_chinese, pick

LABELS = {
    "inbox": both("接入点", "Inbox"),
    "name": both("名称", "Name"),
    "title_zh": both("中文标题", "Chinese title"),
    "title_en": both("英文标题", "English title"),
    "description_zh": both("中文说明", "Chinese description"),
    "description_en": both("英文说明", "English description"),
    "effect": both("作用", "Effect"),
    "method": both("方法", "Method"),
    "url": both("网址", "URL"),
    "auth_env": both("密钥变量", "Key variable"),
    "timeout_seconds": both("超时（秒）", "Timeout (seconds)"),
    "schema": both("参数 JSON Schema", "JSON Schema of the arguments"),
    "intents": both("意图", "Intents"),
    "sources": both("参数取自槽位", "Slots of the arguments"),
    "personal": both("个人信息参数", "Personal arguments"),
    "needs_verified": both("需要已验证身份", "Needs a verified customer"),
    "needs_confirmation": both("写入前由顾客确认", "The customer confirms first"),
    "owner_path": both("归属字段", "Owner's field"),
    "shown": both("可以展示的字段", "Fields that may be shown"),
    "reply_zh": both("中文答复", "Chinese reply"),
    "reply_en": both("英文答复", "English reply"),
    "card": both("卡片", "Card"),
    "enabled": both("启用", "Enabled"),
}
HELP = {
    "name": both("小写英文与下划线，模型用它来调用", "Lower case and underscores; models call it by this"),
    "description_zh": both("模型据此决定何时使用", "Models decide by it when to use the tool"),
    "effect": both("「查询」自动执行；「写入」会改动数据", "“read” runs by itself; “write” changes something"),
    "url": both("参数写成 {order_number}；内部地址须先列入 YINGDA_TOOL_HOSTS",
                "An argument is written {order_number}; internal hosts must be in YINGDA_TOOL_HOSTS first"),
    "auth_env": both("以 _TOOL_KEY 结尾的环境变量名，这里不填密钥本身", "The name of a variable that ends in _TOOL_KEY; never the key itself"),
    "intents": both("每行一个，如 logistics；说到这些意图且参数齐全时自动使用", "One a line, as logistics; used by itself for these once its arguments are known"),
    "sources": both('参数与槽位不同名时填写，如 {"order": "order_number"}', 'Where argument and slot differ in name: {"order": "order_number"}'),
    "personal": both("每行一个，如 address；最后一刻从保险库取值，模型只见占位符", "One a line, as address; filled from the vault at the last moment, models see placeholders"),
    "needs_verified": both("店铺签名确认的顾客才能使用", "Only for customers the shop has signed in"),
    "needs_confirmation": both("仅对 write 有效；关闭后直接执行", "Of write only; without it the tool runs at once"),
    "owner_path": both("结果中顾客编号的位置；与当前顾客不符即拒绝", "Where a result names its customer; another's is refused"),
    "shown": both("结果中只有这些字段会给模型和顾客，且先脱敏", "Models and customers get these fields of a result only, masked"),
    "reply_zh": both("用 {status} 引用字段或参数；留空则逐项列出", "{status} stands for a field or an argument; left empty, fields are listed"),
}  # fmt: skip
NAMED_KEY = "_TOOL_KEY"
STATES = {
    "proposed": both("待确认", "to be confirmed"),
    "confirmed": both("已确认", "confirmed"),
    "running": both("进行中", "running"),
    "done": both("成功", "done"),
    "failed": both("失败", "failed"),
    "unknown": both("结果不明", "in doubt"),
    "refused": both("已拒绝", "refused"),
    "cancelled": both("已取消", "cancelled"),
}
STATE_COLOURS = {
    "done": "success",
    "failed": "danger",
    "unknown": "danger",
    "refused": "warning",
    "proposed": "info",
    "confirmed": "info",
    "running": "info",
}


# Unfold's names of colours, as the platform's own pages have them.
COLOURS = {"success": "good", "danger": "bad", "warning": "warn"}


class ToolForm(SeenForm):
    """Every field says for itself what is wrong with it."""

    schema = IndentedJson()
    intents = LineList(longest=40)
    personal = LineList()
    shown = IndentedJson(rows=6, required=False)

    class Meta:
        model = Tool
        fields = "__all__"
        labels = LABELS
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_written(self)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not arguments.NAME.fullmatch(name):
            raise ValidationError(
                pick("用小写字母、数字和下划线。", "Use lower case, digits and underscores.")
            )
        return name

    def clean_schema(self) -> Any:
        schema = self.cleaned_data["schema"]
        if problem := arguments.schema_problem(schema):
            raise ValidationError(pick(*problem))
        return schema

    def clean_auth_env(self) -> str:
        name: str = self.cleaned_data["auth_env"].strip()
        if name and not name.endswith(NAMED_KEY):
            raise ValidationError(
                pick("变量名要以 _TOOL_KEY 结尾。", "The variable's name ends in _TOOL_KEY.")
            )
        return name

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        properties = (found.get("schema") or {}).get("properties", {})
        if "url" in found and (
            problem := registry.url_problem(
                found["url"], arguments=properties, auth_env=found.get("auth_env", "")
            )
        ):
            self.add_error("url", pick(*problem))
        if found.get("effect") == "write" and found.get("method") == "GET":
            self.add_error("method", pick("写入不能用 GET。", "A write is no GET."))
        for field in ("personal", "sources"):
            unknown = sorted(set(found.get(field) or ()) - set(properties))
            if unknown:
                said = ", ".join(unknown)
                self.add_error(
                    field, pick(f"Schema 里没有参数 {said}。", f"No such argument: {said}.")
                )
        return found


@admin.register(Tool)
class ToolAdmin(SeenAdmin, AnnouncedAdmin):
    form = ToolForm
    actions_detail = ["try_page"]
    list_display = ["name", "title", "inbox", "effect", "method", "key_present", "enabled"]
    list_filter = ["inbox", "effect", "enabled"]
    list_select_related = ["inbox"]
    search_fields = ["name", "title_zh", "title_en"]
    fieldsets = [
        (None, {"fields": ["inbox", "name", "title_zh", "title_en", "description_zh", "description_en", "enabled"]}),
        (both("调用", "The call"), {"fields": ["effect", "method", "url", "auth_env", "timeout_seconds", "schema"]}),
        (both("何时使用", "When it is used"), {"fields": ["intents", "sources", "personal"]}),
        (both("安全", "Safety"), {"fields": ["needs_verified", "needs_confirmation", "owner_path"]}),
        (both("展示", "What is shown"), {"fields": ["shown", "reply_zh", "reply_en", "card"]}),
    ]  # fmt: skip

    @action(description=trying.WORDS["title"], url_path="try", icon="bolt", permissions=["change"])  # type: ignore[untyped-decorator]
    def try_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return trying.page(request, self, pk=object_id)

    @admin.display(description=both("标题", "title"))
    def title(self, tool: Tool) -> str:
        return tool.title_zh if in_chinese() else tool.title_en

    @admin.display(description=both("密钥", "key"))
    def key_present(self, tool: Tool) -> str:
        if not tool.auth_env:
            return "—"
        return (
            pick("已设置", "set")
            if tool.auth_env in settings.TOOL_KEYS
            else pick(f"缺少 {tool.auth_env}", f"{tool.auth_env} is not set")
        )


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnly, ModelAdmin):
    """The log: arguments and results as they are kept, without personal data."""

    list_display = ["at", "name", "outcome", "error", "asked_by", "duration", "conversation"]
    list_filter = ["name", "state", "error", "asked_by", "at"]
    list_select_related = ["conversation"]
    search_fields = ["id", "conversation__id"]
    ordering = ["-at"]
    show_full_result_count = False
    fields = [
        "at", "name", "outcome", "error", "asked_by", "conversation", "turn", "shown_arguments", "shown_result",
        "status_code", "duration", "key", "epoch", "message_seq", "expires_at",
    ]  # fmt: skip

    @display(description=both("结果", "outcome"), label=STATE_COLOURS, ordering="state")  # type: ignore[untyped-decorator]
    def outcome(self, call: ToolCall) -> Chip:
        return Chip(call.state, STATES.get(call.state, call.state))

    @admin.display(description=both("耗时", "duration"), ordering="duration_ms")
    def duration(self, call: ToolCall) -> str:
        return as_ms(call.duration_ms)

    @admin.display(description=both("参数", "arguments"))
    def shown_arguments(self, call: ToolCall) -> str:
        return json.dumps(call.arguments, ensure_ascii=False)

    @admin.display(description=both("返回", "result"))
    def shown_result(self, call: ToolCall) -> str:
        return json.dumps(call.result, ensure_ascii=False)


def calls_of(turn: Turn) -> list[dict[str, Any]]:
    """The calls of a turn, as its page shows them."""
    return [
        {
            "call": call,
            "state": STATES.get(call.state, call.state),
            "colour": COLOURS.get(STATE_COLOURS.get(call.state, ""), ""),
            "duration": as_ms(call.duration_ms),
            "arguments": json.dumps(call.arguments, ensure_ascii=False),
        }
        for call in ToolCall.objects.filter(turn=turn).order_by("at")
    ]
