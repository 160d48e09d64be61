"""Staff try an endpoint: what it says, how fast and for how much."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from prompts import trials
from prompts.llm import breaker
from prompts.models import ModelCall
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.prompts import rows
from tests.prompts.llm.asking import KEY, WHOLE
from tests.prompts.rows import ASKED, KEYS, SOP_ANSWER, endpoint

VENDORS = ("openai", "anthropic", "dashscope")


@pytest.fixture(autouse=True)
def texts(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    rows.write_texts()
    yield
    rows.forget_texts()


# --- a trial ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_trial_shows_answer_times_tokens_and_cost(provider: ProviderControl, vendor: str) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    prices: dict[str, Any] = {"price_in": Decimal("0.5"), "price_out": Decimal(2)}
    row = endpoint(provider, "main", vendor=vendor, currency="USD", **prices)

    trial = trials.try_endpoint(row, ASKED)

    assert (trial.endpoint, trial.text, trial.error_class) == ("main", WHOLE, "")
    assert 0 < (trial.first_token_ms or 0) <= trial.total_ms
    assert trial.input_tokens > 0
    assert trial.output_tokens > 0
    assert not trial.estimated
    tokens = trial.input_tokens * Decimal("0.5") + trial.output_tokens * Decimal(2)
    assert (trial.cost, trial.currency, trial.has_price) == (tokens / 1000, "USD", True)


def test_trial_is_asked_as_a_visitor_would_be_and_on_record_as_a_trial(
    provider: ProviderControl,
) -> None:
    row = endpoint(provider, "main")
    trials.try_endpoint(row, ASKED)
    [asked] = provider.requests()
    system, said = asked["body"]["messages"]
    assert SOP_ANSWER in system["content"]
    assert said["content"] == ASKED
    kept = ModelCall.objects.get()
    assert (kept.purpose, kept.trace_id, kept.decision) == (
        "trial",
        f"trial-{row.pk}",
        {"cause": "trial"},
    )


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [("401", "quota_auth"), ("500", "unavailable"), ("cut", "unavailable"), ("404", "bad_request")],
)
def test_trial_that_fails_says_why_and_shows_no_key(
    provider: ProviderControl, vendor: str, fault: str, kind: str
) -> None:
    row = endpoint(provider, "main", vendor=vendor, model=f"fake-light@fault:{fault}")
    trial = trials.try_endpoint(row, ASKED)
    assert (trial.error_class, trial.text) == (kind, "")
    assert trial.detail
    assert KEY not in repr(trial)
    assert ASKED not in repr(trial)
    assert ModelCall.objects.get().error_class == kind


def test_trial_without_a_key_names_the_variable_and_asks_nobody(provider: ProviderControl) -> None:
    row = endpoint(provider, "main", api_key_env="MISSING_API_KEY")
    trial = trials.try_endpoint(row, ASKED)
    assert (trial.error_class, trial.detail) == ("no_key", "MISSING_API_KEY")
    assert provider.requests() == []
    assert not ModelCall.objects.exists()


def test_trial_asks_an_endpoint_that_is_shut_and_leaves_its_breaker_alone(
    provider: ProviderControl,
) -> None:
    row = endpoint(provider, "main", enabled=False, tokens_per_minute=1)
    breaker.shut(connection(), "main")
    assert trials.try_endpoint(row, ASKED).error_class == ""
    assert breaker.state(connection(), "main") == "open"


def test_failed_trials_open_no_breaker(provider: ProviderControl) -> None:
    row = endpoint(provider, "main", model="fake-light@fault:401")
    trials.try_endpoint(row, ASKED)
    assert breaker.state(connection(), "main") == "closed"


def test_trial_of_a_free_endpoint_costs_nothing(provider: ProviderControl) -> None:
    trial = trials.try_endpoint(endpoint(provider, "main"), ASKED)
    assert (trial.cost, trial.has_price) == (Decimal(0), False)
