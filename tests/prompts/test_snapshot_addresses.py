"""Where a provider's key may be sent: whoever may edit a row must not be able to have it sent elsewhere."""

from typing import Any

import pytest

from prompts import snapshot
from prompts.models import ModelEndpoint
from prompts.snapshot import base_url_problem


@pytest.mark.parametrize(
    ("provider", "base_url"),
    [
        ("openai", ""),
        ("openai", "https://api.openai.com/v1"),
        ("openai", "https://API.OpenAI.com:443/v1"),
        ("anthropic", "https://api.anthropic.com"),
        ("dashscope", "https://dashscope.aliyuncs.com/api/v1"),
        ("dashscope", "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("openai", "http://127.0.0.1:8001/v1"),
        ("openai", "http://localhost:8001/v1"),
        ("openai", "http://[::1]:8001/v1"),
        ("openai", "https://gateway.example/v1"),
        ("anthropic", "https://models.example/anthropic"),
        ("openai", "https://models.example/v1"),
    ],
)
def test_key_may_go_to_vendors_this_machine_and_named_hosts(
    provider: str, base_url: str, settings: Any
) -> None:
    settings.MODEL_BASE_URLS = {"OPENAI_BASE_URL": "https://gateway.example/v1"}
    settings.MODEL_HOSTS = ["models.example"]
    assert base_url_problem(provider, base_url) == ""


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://evil.example/v1", "evil.example"),
        ("https://api.openai.com@evil.example/", "evil.example"),
        ("https://api.openai.com:443@evil.example/", "evil.example"),
        ("https://api.openai.com.evil.example", "evil.example"),
        ("https://evil.example/api.openai.com", "evil.example"),
        ("https://evil.example?@api.openai.com/", "evil.example"),
        ("https://evil.example#@api.openai.com/", "evil.example"),
        ("https://127.0.0.1.evil.example/", "evil.example"),
        ("https://xapi.openai.com/v1", "xapi.openai.com"),
        ("https://api.anthropic.com", "api.anthropic.com"),
        ("http://169.254.169.254/latest", "169.254.169.254"),
        ("http://10.0.0.1/v1", "10.0.0.1"),
        ("api.openai.com", ""),
        ("//", ""),
        ("not an address", ""),
    ],
)
def test_key_goes_nowhere_else_and_the_sentence_names_the_host(
    base_url: str, host: str, settings: Any
) -> None:
    settings.MODEL_BASE_URLS = {}
    settings.MODEL_HOSTS = []
    problem = base_url_problem("openai", base_url)
    assert host in problem
    assert "YINGDA_MODEL_HOSTS" in problem


def test_address_that_cannot_be_read_is_no_address() -> None:
    assert "not an address" in base_url_problem("openai", "http://[::1/v1")


def test_key_of_a_row_is_that_of_the_variable_it_names_and_never_shown(settings: Any) -> None:
    settings.MODEL_API_KEYS = {"OPENAI_API_KEY": "sk-secret"}
    settings.MODEL_BASE_URLS = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    known = snapshot.as_endpoint(ModelEndpoint(provider="openai", api_key_env="OPENAI_API_KEY"))
    other = snapshot.as_endpoint(ModelEndpoint(provider="anthropic", api_key_env="NO_API_KEY"))
    assert (known.api_key, other.api_key) == ("sk-secret", "")
    assert (known.base_url, other.base_url) == ("", "http://127.0.0.1:9")
    assert "sk-secret" not in repr(known)
