"""A turn says why it was answered so, and what another policy would have decided."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from chat.admin import escalation, tools
from chat.admin.rows import ReadOnly
from chat.models import Turn
from prompts import snapshot
from prompts.admin import heard, waterfall
from prompts.admin.wording import both, pick
from prompts.llm import router
from prompts.models import ModelCall, RoutePolicy

POLICIES_SHOWN = 50
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
