"""The admin of models: what cannot work is refused with its reason, and every endpoint can be tried."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import action

from prompts import snapshot, trials
from prompts.admin import trying
from prompts.admin.rows import AnnouncedAdmin, DefaultsStay
from prompts.admin.wording import both, pick
from prompts.llm.catalogue import Capabilities
from prompts.models import ModelEndpoint
from prompts.models.endpoints import KEY_NAME, check_capabilities

# What a key, a model or an address that does not work shows in.
ASKED_ABOUT = {"provider", "model", "base_url", "api_key_env", "enabled"}
KNOWN = ", ".join(Capabilities.model_fields)


class ModelEndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """An endpoint that is switched on has a key, may be sent it, and answers."""

    class Meta:
        labels = {
            "name": both("名称", "Name"),
            "provider": both("接口类型", "Provider"),
            "model": both("模型", "Model"),
            "base_url": both("服务地址", "Base URL"),
            "api_key_env": both("密钥变量名", "Variable of the key"),
            "enabled": both("启用", "Enabled"),
            "priority": both("优先级", "Priority"),
            "strength": both("强度", "Strength"),
            "dispatcher": both("可做分诊", "Dispatcher"),
            "quality": both("预期好答案比例", "Expected share of good answers"),
            "context_tokens": both("上下文 token 数", "Context tokens"),
            "max_output_tokens": both("最多输出 token 数", "Most output tokens"),
            "tokens_per_minute": both("每分钟 token 上限", "Tokens per minute"),
            "capabilities": both("能力", "Capabilities"),
            "timeout_seconds": both("等待下一段的秒数", "Seconds to the next piece"),
            "deadline_seconds": both("整个回答的秒数", "Seconds for the whole answer"),
            "price_in": both("输入价", "Price of input"),
            "price_out": both("输出价", "Price of output"),
            "price_cached": both("缓存命中价", "Price of cached input"),
            "price_cache_write": both("写入缓存价", "Price of cache writes"),
            "currency": both("币种", "Currency"),
            "price_since": both("价格日期", "Price as of"),
        }
        help_texts = {
            "base_url": both(
                "留空：使用服务商自己的地址，或环境变量 *_BASE_URL",
                "Empty: the vendor's own, or its variable *_BASE_URL",
            ),
            "api_key_env": both(
                "填环境变量的名字，绝不是密钥本身", "The variable's name, never the key itself"
            ),
            "priority": both(
                "没有价格时，数字最小的先被询问", "Without prices, the lowest is asked first"
            ),
            "strength": both(
                "负载高时，非 VIP 顾客使用「轻量」",
                "Under load, customers who are no VIPs get the light ones",
            ),
            "dispatcher": both(
                "拿不准时可用 300 毫秒问它这一轮有多难",
                "May be asked, within 300 ms, how hard an unsure turn is",
            ),
            "quality": both("有统计之前的估计，0 到 1", "Before any was counted, 0 to 1"),
            "tokens_per_minute": both("0：没有已知上限", "0: no limit known"),
            "capabilities": both(f"可用的名字：{KNOWN}", f"Known names: {KNOWN}"),
            "timeout_seconds": both("最长等待下一段的时间", "The longest wait for the next piece"),
            "deadline_seconds": both("整个回答的期限", "For the whole answer"),
            "price_in": both("每 1,000 token", "Per 1,000 tokens"),
            "price_out": both("每 1,000 token", "Per 1,000 tokens"),
            "price_cached": both(
                "每 1,000 token；留空：与其他输入同价", "Per 1,000 tokens; empty: as other input"
            ),
            "price_cache_write": both(
                "每 1,000 token；留空：与其他输入同价", "Per 1,000 tokens; empty: as other input"
            ),
            "price_since": both("查到这些价格的日期", "When the prices were looked up"),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "api_key_env" in self.fields:
            # The pattern decides, not the length: a long key pasted here must reach `clean_api_key_env`.
            self.fields["api_key_env"].validators = []

    def clean_api_key_env(self) -> Any:
        value = self.cleaned_data["api_key_env"]
        if value and not KEY_NAME.fullmatch(value):
            # It may be the key itself: it is neither named nor shown again.
            self.data = {**dict(self.data.items()), "api_key_env": ""}
            raise ValidationError(
                pick(
                    "请填写环境变量的名字，例如 OPENAI_API_KEY，而不是密钥本身。",
                    "Write the name of a variable such as OPENAI_API_KEY, not the key itself.",
                )
            )
        return value

    def clean_capabilities(self) -> Any:
        value = self.cleaned_data["capabilities"]
        if value is None:
            return {}
        named = set(value) if isinstance(value, dict) else set()
        unknown = sorted(named - set(Capabilities.model_fields))
        if unknown:
            names = ", ".join(unknown)
            raise ValidationError(
                pick(
                    f"能力里没有 {names}。可用的名字：{KNOWN}。",
                    f"There is no capability {names}. Known names: {KNOWN}.",
                )
            )
        # Here as well as in the model, which lets every empty value pass.
        check_capabilities(value)
        return value

    def _post_clean(self) -> None:
        """After everything else, on the row as it would be saved: whether its key may be sent, and opens the door."""
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if not self.errors and self.instance.provider != "sop":
            self.check_address(self.instance)
        if not self.errors and self.instance.provider != "sop" and self.instance.enabled:
            self.check_key(self.instance)
            if not self.errors and ASKED_ABOUT & set(self.changed_data):
                self.check_by_asking(self.instance)

    def check_address(self, row: ModelEndpoint) -> None:
        problem = snapshot.base_url_problem(row.provider, row.base_url)
        if problem:
            self.add_error("base_url", problem)

    def check_key(self, row: ModelEndpoint) -> None:
        if not snapshot.key_of(row):
            name = row.api_key_env
            self.add_error(
                "api_key_env",
                pick(
                    f"环境变量 {name} 没有设置。请先设置它并重启，或先不要启用这个模型。",
                    f"The variable {name} is not set. Set it and restart, or leave this model off.",
                ),
            )

    def check_by_asking(self, row: ModelEndpoint) -> None:
        """Asks the endpoint once; a vendor that is only busy is no reason to refuse."""
        problem = trials.probe(row)
        if problem:
            self.add_error(*problem)


@admin.register(ModelEndpoint)
class ModelEndpointAdmin(DefaultsStay, AnnouncedAdmin):
    form = ModelEndpointForm
    list_display = [
        "name",
        "provider",
        "model",
        "strength",
        "priority",
        "enabled",
        "has_key",
        "price",
    ]
    list_filter = ["provider", "strength", "enabled"]
    search_fields = ["name", "model"]
    readonly_fields = ["has_key"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    actions_list = ["try_page"]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "provider", "model", "priority"]}),
        (both("地址与密钥", "Address and key"), {"fields": ["base_url", "api_key_env", "has_key"]}),
        (
            both("怎样选中它", "How it is chosen"),
            {"fields": ["strength", "quality", "dispatcher", "capabilities"]},
        ),
        (
            both("上限", "Limits"),
            {
                "fields": [
                    "context_tokens",
                    "max_output_tokens",
                    "tokens_per_minute",
                    "timeout_seconds",
                    "deadline_seconds",
                ]
            },
        ),
        (
            both("价格", "Prices"),
            {
                "fields": [
                    "price_in",
                    "price_out",
                    "price_cached",
                    "price_cache_write",
                    "currency",
                    "price_since",
                ]
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        one = path(
            "<int:pk>/try/",
            self.admin_site.admin_view(self.try_one),
            name="prompts_modelendpoint_try_one",
        )
        return [one, *super().get_urls()]

    @admin.display(boolean=True, description=both("有密钥", "key present"))
    def has_key(self, endpoint: ModelEndpoint) -> bool:
        """Whether the variable the row names is set; its value is never shown."""
        return endpoint.api_key_env in settings.MODEL_API_KEYS

    @admin.display(description=both("价格（入 / 出）", "price (in / out)"))
    def price(self, endpoint: ModelEndpoint) -> str:
        if not endpoint.has_price:
            return str(both("未设置", "not set"))
        return f"{endpoint.currency} {endpoint.price_in.normalize():f} / {endpoint.price_out.normalize():f}"

    @action(description=both("试一试", "Try"), url_path="try", icon="bolt", permissions=["change"])  # type: ignore[untyped-decorator]
    def try_page(self, request: HttpRequest) -> HttpResponse:
        return trying.page(request, self)

    def try_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        return trying.try_one(request, self, pk=pk)
