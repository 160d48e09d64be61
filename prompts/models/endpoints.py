"""Models at servers. What an endpoint can do and costs is data, loaded from prompts/defaults/models.toml."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from pydantic import ValidationError as ShapeError

from prompts.llm.catalogue import STRENGTHS, Capabilities

PROVIDERS = [
    ("openai", "OpenAI wire"),
    ("anthropic", "Anthropic"),
    ("dashscope", "DashScope (Qwen)"),
    ("sop", "SOP answers, no model"),
]
CURRENCIES = [("CNY", "CNY 人民币"), ("USD", "USD")]
KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")
NOT_NEGATIVE = MinValueValidator(0, "A price cannot be negative. 价格不能为负数。")


def check_capabilities(value: object) -> None:
    """Raises ValidationError naming the capability that does not exist or has another type."""
    try:
        Capabilities.model_validate(value)
    except ShapeError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"])) or "capabilities"
        raise ValidationError(f"{name}: {first['msg']}") from None


class PriceField(models.DecimalField):  # type: ignore[type-arg]  # generic only in its stubs
    """Money per 1,000 tokens."""

    def __init__(self, **options: object) -> None:
        kept = {"max_digits": 12, "decimal_places": 6, "validators": [NOT_NEGATIVE], **options}
        super().__init__(**kept)  # type: ignore[arg-type]  # what a migration passes on


class ModelEndpoint(models.Model):
    """A model at a server. The key is named by its environment variable and never stored."""

    name = models.CharField(max_length=80, unique=True)
    provider = models.CharField(max_length=20, choices=PROVIDERS)
    model = models.CharField(max_length=120, blank=True)
    base_url = models.URLField(blank=True, help_text="Empty: the provider's own, or its *_BASE_URL")
    api_key_env = models.CharField(
        max_length=80,
        blank=True,
        validators=[RegexValidator(KEY_NAME, "The name of a variable such as OPENAI_API_KEY.")],
        help_text="The variable that holds the key, never the key itself",
    )
    enabled = models.BooleanField(default=True)
    priority = models.SmallIntegerField(
        default=100, help_text="Without prices, the lowest is asked first"
    )
    strength = models.PositiveSmallIntegerField(
        choices=[(level, name) for level, name in STRENGTHS.items()],
        default=2,
        help_text="Under load, others than VIPs get the light ones",
    )
    dispatcher = models.BooleanField(
        default=False, help_text="May be asked, within 300 ms, how hard an unsure turn is"
    )
    quality = models.FloatField(
        default=0.9,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of good answers expected before any was counted, 0 to 1",
    )
    context_tokens = models.PositiveIntegerField(default=0)
    max_output_tokens = models.PositiveIntegerField(default=512)
    tokens_per_minute = models.PositiveIntegerField(default=0, help_text="0: no limit known")
    capabilities = models.JSONField(default=dict, blank=True, validators=[check_capabilities])
    timeout_seconds = models.FloatField(
        default=15.0,
        validators=[MinValueValidator(0.1)],
        help_text="The longest wait for the next piece",
    )
    deadline_seconds = models.FloatField(
        default=30.0, validators=[MinValueValidator(0.1)], help_text="For the whole answer"
    )
    price_in = PriceField(default=0, help_text="Per 1,000 tokens")
    price_out = PriceField(default=0, help_text="Per 1,000 tokens")
    price_cached = PriceField(
        null=True, blank=True, help_text="Input read from the vendor's cache; empty: as other input"
    )
    price_cache_write = PriceField(
        null=True,
        blank=True,
        help_text="Input written to the vendor's cache; empty: as other input",
    )
    currency = models.CharField(max_length=3, choices=CURRENCIES, default="USD")
    price_since = models.DateField(
        null=True, blank=True, help_text="When the prices were looked up"
    )
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["priority", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider__in=[name for name, _ in PROVIDERS]), name="endpoint_provider"
            ),
            models.CheckConstraint(
                condition=Q(price_in__gte=0, price_out__gte=0), name="endpoint_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(strength__gte=1, strength__lte=3), name="endpoint_strength"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError naming the field a model cannot be asked without."""
        if self.provider == "sop":
            return
        if not self.model:
            raise ValidationError({"model": "Name the model. 请填写模型名称。"})
        if not self.api_key_env:
            raise ValidationError(
                {
                    "api_key_env": "Name the variable that holds the key. 请填写密钥所在的环境变量名。"
                }
            )

    @property
    def has_price(self) -> bool:
        return bool(self.price_in or self.price_out)
