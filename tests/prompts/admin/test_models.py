"""The admin of models: what cannot work is refused at its field, every endpoint can be tried, no key is shown."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from prompts.llm import breaker
from prompts.models import ModelCall, ModelEndpoint
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.prompts.admin.conftest import KEY
from tests.prompts.admin.pages import ENGLISH, announced, errors, page, query_count

pytestmark = pytest.mark.django_db

Make = Callable[..., ModelEndpoint]
QUESTION = {"question": "我的订单怎么还没到?"}
TRY = "/admin/prompts/modelendpoint/try/"


def try_url(row: ModelEndpoint) -> str:
    return f"/admin/prompts/modelendpoint/{row.pk}/try/"


def form(provider: ProviderControl, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": "new",
        "enabled": "on",
        "provider": "openai",
        "model": "fake-light",
        "priority": 100,
        "base_url": provider.base_url,
        "api_key_env": "SHOP_API_KEY",
        "strength": 2,
        "quality": 0.9,
        "capabilities": "{}",
        "context_tokens": 0,
        "max_output_tokens": 512,
        "tokens_per_minute": 0,
        "timeout_seconds": 5,
        "deadline_seconds": 10,
        "price_in": 0,
        "price_out": 0,
        "currency": "CNY",
    }
    return {**fields, **changes}


@pytest.fixture
def keys(settings: Any) -> None:
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    settings.MODEL_BASE_URLS = {}
    settings.MODEL_HOSTS = []


# --- trying --------------------------------------------------------------------------------------------


def test_try_page_lists_enabled_endpoints_with_key_and_breaker(
    staff: Client, endpoint: Make
) -> None:
    endpoint("ready")
    endpoint("keyless", api_key_env="OTHER_API_KEY")
    endpoint("off", enabled=False)
    breaker.shut(connection(), "ready")

    answer = staff.get(TRY)

    cards = {card["row"].name: card for card in answer.context["rows"]}
    assert set(cards) == {"ready", "keyless"}
    assert (cards["ready"]["has_key"], cards["ready"]["breaker"]) == (True, "open")
    assert (cards["keyless"]["has_key"], cards["keyless"]["breaker"]) == (False, "closed")
    assert "OTHER_API_KEY" in answer.content.decode()
    assert not ModelCall.objects.exists()


def test_try_shows_times_tokens_cost_and_answer(
    staff: Client, endpoint: Make, provider: ProviderControl
) -> None:
    provider.set_scenario([{"answer": "在路上了"}])
    row = endpoint(price_in="1.5", price_out="2", currency="CNY")

    reply = staff.post(try_url(row), QUESTION, headers=ENGLISH).json()

    call = ModelCall.objects.get()
    assert (reply["ok"], reply["answer"], reply["error"]) == (True, "在路上了", "")
    assert reply["first_token"][-1] == reply["total"][-1] == "s"
    assert reply["tokens_in"] == str(call.input_tokens)
    assert reply["tokens_out"] == str(call.output_tokens)
    assert reply["cost"].startswith("CNY\u00a0")
    assert call.purpose == "trial"


def test_try_says_that_no_price_is_set(staff: Client, endpoint: Make) -> None:
    row = endpoint()

    assert staff.post(try_url(row), QUESTION).json()["cost"] == "未设置价格"
    assert staff.post(try_url(row), QUESTION, headers=ENGLISH).json()["cost"] == "no price set"


def test_try_marks_estimated_tokens(
    staff: Client, endpoint: Make, provider: ProviderControl
) -> None:
    provider.set_scenario([{"fault": "missing-usage"}])

    reply = staff.post(try_url(endpoint()), QUESTION, headers=ENGLISH).json()

    assert reply["tokens_out"].endswith("(estimated)")


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ("401", "quota_auth", "The key was refused"),
        ("404", "bad_request", "does not accept the request"),
        ("503", "unavailable", "The vendor failed"),
        ("content-filter", "content", "content filter"),
    ],
)
def test_try_explains_a_failure_in_words(
    staff: Client, endpoint: Make, provider: ProviderControl, fault: str, error: str, sentence: str
) -> None:
    provider.set_scenario([{"fault": fault, "times": 0}])

    answer = staff.post(try_url(endpoint()), QUESTION, headers=ENGLISH)

    reply = answer.json()
    assert (reply["ok"], reply["error"]) == (False, error)
    assert sentence in reply["sentence"]
    assert KEY not in answer.content.decode()


def test_try_without_a_key_names_the_variable(staff: Client, endpoint: Make) -> None:
    reply = staff.post(try_url(endpoint(api_key_env="OTHER_API_KEY")), QUESTION).json()

    assert (reply["error"], reply["detail"]) == ("no_key", "OTHER_API_KEY")
    assert not ModelCall.objects.exists()


@pytest.mark.parametrize("question", ["", "  ", "问" * 501])
def test_try_refuses_no_question_and_too_long_a_one(
    staff: Client, endpoint: Make, provider: ProviderControl, question: str
) -> None:
    answer = staff.post(try_url(endpoint()), {"question": question})

    assert answer.status_code == 400
    assert answer.json()["error"] == "question"
    assert provider.requests() == []


def test_only_who_may_change_models_tries_them(
    looker: Client, staff: Client, endpoint: Make, provider: ProviderControl
) -> None:
    row = endpoint()
    strict = Client(enforce_csrf_checks=True, headers={})
    strict.cookies = staff.cookies

    assert looker.get(TRY).status_code == 403
    assert looker.post(try_url(row), QUESTION).status_code == 403
    assert strict.post(try_url(row), QUESTION).status_code == 403
    assert staff.get(try_url(row)).status_code == 405
    assert Client().post(try_url(row), QUESTION).status_code == 302
    assert provider.requests() == []


# --- the form ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"api_key_env": "LOST_API_KEY"}, "api_key_env", "The variable LOST_API_KEY is not set."),
        ({"api_key_env": ""}, "api_key_env", "Name the variable that holds the key."),
        ({"api_key_env": "sk-12345"}, "api_key_env", "Write the name of a variable"),
        ({"model": ""}, "model", "Name the model."),
        ({"model": "fake@fault:404"}, "model", "does not know this model"),
        ({"model": "fake@fault:401"}, "api_key_env", "refuses this key"),
        ({"base_url": "not an address"}, "base_url", "valid URL"),
        ({"base_url": "https://evil.example/v1"}, "base_url", "YINGDA_MODEL_HOSTS"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "base_url", "No model server answers"),
        ({"price_in": "-0.1"}, "price_in", "A price cannot be negative."),
        ({"price_cached": "-1"}, "price_cached", "A price cannot be negative."),
        ({"capabilities": '{"flying": true}'}, "capabilities", "There is no capability flying."),
        ({"capabilities": '{"tools": "yes"}'}, "capabilities", "tools"),
        ({"capabilities": "[]"}, "capabilities", "capabilities"),
        ({"capabilities": '"tools"'}, "capabilities", "capabilities"),
        ({"capabilities": "5"}, "capabilities", "capabilities"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(
    staff: Client, provider: ProviderControl, changes: dict[str, Any], field: str, sentence: str
) -> None:
    answer = staff.post(page("modelendpoint_add"), form(provider, **changes), headers=ENGLISH)

    found = errors(answer)
    assert list(found) == [field]
    assert sentence in " ".join(found[field])
    assert "sk-" not in answer.content.decode()
    assert not ModelEndpoint.objects.exists()


@pytest.mark.usefixtures("keys")
def test_refusals_are_in_chinese_by_default(staff: Client, provider: ProviderControl) -> None:
    answer = staff.post(page("modelendpoint_add"), form(provider, api_key_env="LOST_API_KEY"))

    assert errors(answer)["api_key_env"][0].startswith("环境变量 LOST_API_KEY 没有设置。")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("model", ["fake-light", "fake@fault:429", "fake@fault:503"])
def test_what_works_or_is_only_busy_is_saved(
    staff: Client, provider: ProviderControl, model: str
) -> None:
    answer = staff.post(page("modelendpoint_add"), form(provider, model=model))

    assert answer.status_code == 302
    assert ModelEndpoint.objects.get().model == model


@pytest.mark.usefixtures("keys")
def test_one_that_is_off_may_lack_its_key_and_is_not_asked(
    staff: Client, provider: ProviderControl
) -> None:
    changes = {"enabled": "", "api_key_env": "LOST_API_KEY"}

    assert staff.post(page("modelendpoint_add"), form(provider, **changes)).status_code == 302
    assert provider.requests() == []


@pytest.mark.django_db(transaction=True)
def test_a_new_price_is_saved_and_announced_without_asking_the_model(
    staff: Client, endpoint: Make, provider: ProviderControl
) -> None:
    row = endpoint("new")

    staff.post(page("modelendpoint_change", row.pk), form(provider, price_in="0.25"))

    row.refresh_from_db()
    assert str(row.price_in) == "0.250000"
    assert provider.requests() == []
    assert announced() > 0


def test_switching_one_on_asks_it(staff: Client, endpoint: Make, provider: ProviderControl) -> None:
    row = endpoint("new", enabled=False, model="fake@fault:404")
    url = page("modelendpoint_change", row.pk)

    answer = staff.post(url, form(provider, model="fake@fault:404"))

    assert list(errors(answer)) == ["model"]
    row.refresh_from_db()
    assert not row.enabled


def test_an_endpoint_tells_whether_its_key_is_set_and_never_the_key(
    staff: Client, endpoint: Make
) -> None:
    row = endpoint()

    for url in (page("modelendpoint_changelist"), page("modelendpoint_change", row.pk), TRY):
        html = staff.get(url).content.decode()
        assert "有密钥" in html
        assert KEY not in html


def test_a_default_cannot_be_deleted(staff: Client, endpoint: Make) -> None:
    row = endpoint(default_digest="d")

    assert staff.post(page("modelendpoint_delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("url", [TRY, "/admin/prompts/modelendpoint/"])
def test_lists_ask_no_more_for_more_rows(staff: Client, endpoint: Make, url: str) -> None:
    endpoint("one")
    staff.get(url)
    for_one = query_count(staff, url)
    endpoint("two")
    endpoint("three")
    staff.get(url)  # what the process keeps for seconds may have been read anew

    assert query_count(staff, url) <= for_one


def test_the_list_leads_to_the_try_page(staff: Client) -> None:
    assert reverse("admin:prompts_modelendpoint_try_page") == TRY
    assert f'href="{TRY}"' in staff.get(page("modelendpoint_changelist")).content.decode()
