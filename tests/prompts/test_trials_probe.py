"""A probe tells staff which field of an endpoint is wrong, and blames none when its server is merely busy."""

from typing import Any

import pytest

from prompts import trials
from prompts.llm.errors import ErrorClass
from tests.fakes.provider_control import ProviderControl
from tests.prompts.rows import KEYS, build_endpoint

VENDORS = ("openai", "anthropic", "dashscope")


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.MODEL_API_KEYS = KEYS


def blamed(row: Any) -> str | None:
    found = trials.probe(row)
    return found and found[0]


@pytest.mark.parametrize("vendor", VENDORS)
def test_probe_of_a_working_endpoint_blames_nothing(provider: ProviderControl, vendor: str) -> None:
    assert trials.probe(build_endpoint(provider, "main", vendor=vendor)) is None
    assert len(provider.requests()) == 1


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ("401", "api_key_env"),
        ("403", "api_key_env"),
        ("insufficient_quota", "api_key_env"),
        ("404", "model"),
        ("400", "capabilities"),
        ("wrong-content-type", "base_url"),
        ("rst", "base_url"),
        # Busy or ill, but there.
        ("429", None),
        ("throttling", None),
        ("500", None),
        ("502-html", None),
        ("503", None),
        ("529", None),
        ("error-frame", None),
        ("cut:2", None),
        ("empty-answer", None),
    ],
)
def test_probe_blames_the_field_behind_each_error(
    provider: ProviderControl, vendor: str, fault: str, field: str | None
) -> None:
    row = build_endpoint(provider, "main", vendor=vendor, model=f"fake-light@fault:{fault}")
    assert blamed(row) == field


@pytest.mark.parametrize("vendor", VENDORS)
def test_probe_blames_the_address_under_which_no_models_are(
    provider: ProviderControl, vendor: str
) -> None:
    wrong = build_endpoint(provider, "main", vendor=vendor, base_url=f"{provider.url}/wrong/path")
    assert blamed(wrong) == "base_url"


@pytest.mark.parametrize("vendor", VENDORS)
def test_probe_blames_the_address_where_nobody_listens(
    provider: ProviderControl, vendor: str
) -> None:
    nobody = build_endpoint(provider, "main", vendor=vendor, base_url="http://127.0.0.1:1/v1")
    field, sentence = trials.probe(nobody) or ("", "")
    assert (field, sentence) == ("base_url", trials.NOBODY_THERE)


def test_probe_blames_a_key_that_cannot_be_sent(provider: ProviderControl, settings: Any) -> None:
    settings.MODEL_API_KEYS = {"OPENAI_API_KEY": "密钥"}
    assert trials.probe(build_endpoint(provider, "main")) == (
        "api_key_env",
        trials.KEY_UNSENDABLE,
    )


def test_probe_waits_for_no_slow_server(
    provider: ProviderControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "PROBE_SECONDS", 0.3)
    row = build_endpoint(provider, "main", model="fake-light@fault:hang-before-headers")
    assert trials.probe(row) is None


@pytest.mark.parametrize(
    ("kind", "detail", "field"),
    [
        (ErrorClass.BAD_REQUEST, "status 404", "base_url"),
        (ErrorClass.BAD_REQUEST, "status 405", "base_url"),
        # OpenAI's words for a path it does not know; for a model it does not know.
        (ErrorClass.BAD_REQUEST, "status 404 invalid_request_error", "base_url"),
        (ErrorClass.BAD_REQUEST, "status 404 model_not_found", "model"),
        (ErrorClass.BAD_REQUEST, "status 404 not_found_error", "model"),
        (ErrorClass.BAD_REQUEST, "status 400 Model.NotExist", "model"),
        # vLLM and Ollama.
        (ErrorClass.BAD_REQUEST, "status 404 404", "model"),
        (ErrorClass.UNAVAILABLE, "status 404 api_error", "model"),
        (ErrorClass.UNAVAILABLE, "in the stream overloaded_error", None),
        (ErrorClass.CONTENT, "refused", None),
    ],
)
def test_blame_by_what_servers_say(kind: ErrorClass, detail: str, field: str | None) -> None:
    found = trials.blame(kind, detail)
    assert (found and found[0]) == field
