"""The admin of what models cost: the ledger and the quality table are read, budgets are set."""

from django.contrib import admin

from prompts.admin.rows import ReadOnlyAdmin
from prompts.admin.wording import as_money, as_ms, both
from prompts.models import ModelCall


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
