"""What the tests of releases begin with."""

from collections.abc import Iterator
from typing import Any

import pytest

from prompts import completion
from prompts.models import (
    ModelEndpoint,
    Prompt,
    PromptVersion,
)
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY


@pytest.fixture
def fresh(transactional_db: None) -> Iterator[None]:
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


@pytest.fixture
def prompt() -> Prompt:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text="旧文本")
    prompt.save()
    return prompt


@pytest.fixture
def model(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    return ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
    )
