"""The page on which staff call a tool with arguments of their own, and see what customers and models would."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from unfold.admin import ModelAdmin

from chat.models import Tool
from chat.tools import arguments as args
from chat.tools import registry, results, running
from chat.tools.registry import Spec
from chat.tools.running import Caller, Outcome
from prompts.admin.wording import as_ms, both, in_chinese

CUSTOMER_CHARS = 200
WORDS = {
    "title": both("试一试", "Try it"),
    "intro": both(
        "会真实调用店铺系统，并记入工具调用。请用测试数据。",
        "This really calls the shop's system and is kept among the tool calls. Use data made for it.",
    ),
    "intro_write": both(
        "这个工具会改动店铺里的数据：没有勾选下面一项时不会执行。",
        "This tool changes something in the shop: nothing is done unless the box below is ticked.",
    ),
    "really": both("我知道它会改动数据，执行", "I know that it changes something; do it"),
    "needed": both("必填", "required"),
    "customer": both("以哪位顾客的身份（店铺的顾客编号，可留空）", "As which customer (the shop's id; may be empty)"),
    "go": both("调用", "Call"),
    "back": both("返回工具", "Back to the tool"),
    "outcome": both("结果", "Outcome"),
    "duration": both("耗时", "Duration"),
    "status": both("HTTP 状态", "HTTP status"),
    "says": both("顾客会看到", "What a customer is told"),
    "fields": both("模型和卡片会得到的字段", "What models and cards get"),
    "nothing": both("没有可以展示的字段。", "No field may be shown."),
    "log": both("在调用记录里查看", "See it in the log"),
    "tick": both("请先勾选，才会执行。", "Tick the box first; nothing was done."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One argument on the page."""

    name: str
    hint: str
    required: bool
    value: str


def page(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Shows the form; a POST calls the tool. Raises PermissionDenied."""
    row = get_object_or_404(Tool, pk=pk)
    if not model_admin.has_change_permission(request, row):
        raise PermissionDenied
    spec = registry.as_spec(row)
    posted = request.POST if request.method == "POST" else {}
    may = bool(posted) and (not spec.writes or "really" in posted)
    outcome = call(spec, posted) if may else None
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": f"{WORDS['title']} · {spec.title('zh' if in_chinese() else 'en')}",
        "t": WORDS,
        "tool": row,
        "writes": spec.writes,
        "fields": fields_of(spec, posted),
        "customer": posted.get("customer", ""),
        "untold": bool(posted) and not may,
        "outcome": outcome and shown(outcome),
    }
    return render(request, "admin/chat/tool/try.html", context)


def fields_of(spec: Spec, posted: Mapping[str, Any]) -> list[Field]:
    return [
        Field(
            name=name,
            hint=str(schema.get("description", "")),
            required=name in spec.required,
            value=str(posted.get(f"argument-{name}", "")),
        )
        for name, schema in spec.properties.items()
    ]


def call(spec: Spec, posted: Mapping[str, Any]) -> Outcome:
    """Runs the tool as it would for a customer; staff type personal data as it is, for nobody's vault is opened."""
    typed = {name: str(posted.get(f"argument-{name}", "")).strip() for name in spec.properties}
    given = {
        name: args.converted(value, spec.properties[name].get("type", "string"))
        for name, value in typed.items()
        if value
    }
    customer = str(posted.get("customer", "")).strip()[:CUSTOMER_CHARS]
    caller = Caller("staff", language="zh" if in_chinese() else "en", customer=customer)
    return running.run(replace(spec, personal=frozenset()), given, caller)


def shown(outcome: Outcome) -> dict[str, Any]:
    language = "zh" if in_chinese() else "en"
    return {
        "state": outcome.state.value,
        "good": not outcome.error,
        "error": outcome.error,
        "status": outcome.status or "—",
        "duration": as_ms(outcome.duration_ms),
        "sentence": outcome.sentence,
        "fields": results.labelled(outcome.spec, outcome.shown, language=language),
        "call_id": outcome.call_id,
    }
