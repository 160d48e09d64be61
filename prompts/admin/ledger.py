"""The admin of what models cost: the ledger and the quality table are read, budgets are set."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from prompts import ledger
from prompts.admin.rows import AnnouncedAdmin, ReadOnlyAdmin
from prompts.admin.wording import as_money, as_ms, as_percent, both
from prompts.models import Budget, ModelCall, QualityCell

STATES = {
    "ok": both("正常", "fine"),
    "alert": both("接近上限", "alert"),
    "stopped": both("已停止", "stopped"),
    "off": both("未启用", "off"),
}


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnlyAdmin):
    """One attempt at one endpoint. There is no text in it."""

    list_display = [
        "at",
        "purpose",
        "endpoint",
        "attempt",
        "error_class",
        "waited",
        "first_token",
        "total",
        "input_tokens",
        "output_tokens",
        "price",
        "canary",
    ]
    ordering = ["-at"]
    list_filter = ["purpose", "endpoint", "error_class", "currency", "canary", "at"]
    search_fields = ["trace_id"]
    show_full_result_count = False

    @admin.display(description=both("等待", "wait"), ordering="wait_ms")
    def waited(self, call: ModelCall) -> str:
        return as_ms(call.wait_ms)

    @admin.display(description=both("首字", "first token"), ordering="first_token_ms")
    def first_token(self, call: ModelCall) -> str:
        return as_ms(call.first_token_ms)

    @admin.display(description=both("总时长", "total"), ordering="total_ms")
    def total(self, call: ModelCall) -> str:
        return as_ms(call.total_ms)

    @admin.display(description=both("费用", "cost"), ordering="cost")
    def price(self, call: ModelCall) -> str:
        about = "≈ " if call.usage_estimated else ""
        return about + as_money(call.cost, call.currency)


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        labels = {
            "inbox": both("接入点", "Inbox"),
            "per_day": both("每天上限（元）", "Per day (CNY)"),
            "alert_percent": both("提醒百分比", "Alert at (percent)"),
            "stop": both("用完即停", "Stop when used up"),
            "enabled": both("启用", "Enabled"),
        }
        help_texts = {
            "inbox": both(
                "接入点的 key；留空：全部接入点合计", "An inbox's key; empty: all together"
            ),
            "per_day": both("按自然日计算", "In one natural day"),
            "stop": both(
                "用完后由 SOP 回答，直到当天结束", "Used up: SOPs answer until the day is over"
            ),
        }


@admin.register(Budget)
class BudgetAdmin(AnnouncedAdmin):
    form = BudgetForm
    list_display = ["title", "per_day", "alert_percent", "stop", "enabled"]
    search_fields = ["inbox"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """With what today has cost so far, read once for all rows."""
        return [*self.list_display, *today()]

    @admin.display(description=both("接入点", "inbox"), ordering="inbox")
    def title(self, budget: Budget) -> str:
        return budget.inbox or str(both("全部接入点", "all inboxes"))


def today() -> list[Callable[[Budget], str]]:
    """Columns that share one look at the day's sums."""
    spent = cache(ledger.spent_today)

    def state(budget: Budget) -> Any:
        return ledger.state_of(budget, spent().get(budget.inbox, Decimal(0)))

    @admin.display(description=both("今天已用", "spent today"))
    def spent_today(budget: Budget) -> str:
        return f"CNY {state(budget).spent:.2f}"

    @admin.display(description=both("占比", "share"))
    def share(budget: Budget) -> str:
        return as_percent(state(budget).share, digits=0)

    @admin.display(description=both("状态", "state"))
    def standing(budget: Budget) -> str:
        return str(STATES[state(budget).state if budget.enabled else "off"])

    return [spent_today, share, standing]


@admin.register(QualityCell)
class QualityCellAdmin(ReadOnlyAdmin):
    """How endpoints fare; counted by the platform."""

    list_display = ["endpoint", "intent", "emotion", "length", "good_share", "good", "n", "p95"]
    list_filter = ["endpoint", "emotion", "length"]
    search_fields = ["endpoint", "intent"]
    ordering = ["endpoint", "intent", "emotion", "length"]

    @admin.display(description=both("好答案", "good answers"))
    def good_share(self, cell: QualityCell) -> str:
        return as_percent(cell.good / cell.n if cell.n else None)

    @admin.display(description=both("首字 p95", "p95 to first token"), ordering="p95_ms")
    def p95(self, cell: QualityCell) -> str:
        return as_ms(cell.p95_ms or None)
