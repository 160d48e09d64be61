"""The comparison's pages: who may look, who may start, what is said beforehand, and two runs beside each other."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from analytics import tasks
from analytics.comparison import differing, holding, plan
from analytics.models import Comparison
from prompts import snapshot
from prompts.models import ModelCall, ModelEndpoint
from tests.analytics.test_comparison import model, provider, server  # noqa: F401 - fixtures
from tests.fakes.provider_control import ProviderControl

PATH = "/analytics/comparison/"
WANTED: dict[str, Any] = {
    "endpoints": ["good"],
    "measures": ["idioms", "tools"],
    "samples": "6",
    "max_cny": "90",
    "do": "begin",
}


def staff(*rights: str) -> Client:
    user = get_user_model().objects.create_user(username="ann", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(provider: ProviderControl, monkeypatch: pytest.MonkeyPatch) -> Client:  # noqa: F811
    """Somebody who may start comparisons; the doorbells are not heard."""
    monkeypatch.setattr("analytics.comparing.ring", lambda pk: None)
    model(provider, "good")
    return staff("view_outcome", "run_comparison")


def test_a_comparison_is_begun_watched_and_shown(client: Client) -> None:
    assert "还没有做过对比" in client.get(PATH).content.decode()

    answer = client.post(PATH, WANTED)

    row = Comparison.objects.get()
    assert answer.headers["location"] == f"{PATH}{row.pk}/"
    assert (row.in_background, float(row.max_cny or 0), row.measures) == (
        True,
        90.0,
        ["idioms", "tools"],
    )
    page = client.get(f"{PATH}{row.pk}/").content.decode()
    assert "还没有结果" in page
    tasks.compare(row.pk)
    assert client.get(f"{PATH}{row.pk}/state/").json() == {
        "open": False,
        "text": "完成",
        "done": 12,
        "total": 12,
    }
    page = client.get(f"{PATH}{row.pk}/").content.decode()
    assert "n = 6" in page
    assert "fake-good" in page
    assert client.get(f"{PATH}{row.pk}/?as=json").json()["state"] == "done"
    assert b"| good (fake-good) |" in client.get(f"{PATH}{row.pk}/?as=markdown").content
    assert f"#{row.pk}" in client.get(PATH).content.decode()


def test_what_the_demo_provider_played_is_said(client: Client, settings: Any) -> None:
    english = {"accept-language": "en"}
    said = "The demo provider plays the models"
    assert said not in client.get(PATH, headers=english).content.decode()
    settings.DEMO_PROVIDER = True
    assert said in client.get(PATH, headers=english).content.decode()
    assert said in client.get("/analytics/", follow=True, headers=english).content.decode()

    client.post(PATH, WANTED)  # at an address of its own, which is no demo
    real = Comparison.objects.get()
    ModelEndpoint.objects.update(base_url="")
    settings.MODEL_BASE_URLS = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    snapshot.announce()
    Comparison.objects.update(state="cancelled")
    client.post(PATH, WANTED)
    played = Comparison.objects.latest("pk")
    settings.DEMO_PROVIDER = False

    for row, is_played in ((real, False), (played, True)):
        shown = client.get(f"{PATH}{row.pk}/", headers=english).content.decode()
        table = client.get(f"{PATH}{row.pk}/?as=markdown", headers=english).content.decode()
        assert (said in shown, said in table) == (is_played, is_played)


def test_what_it_takes_is_said_before_anything_is_asked(client: Client) -> None:
    page = client.post(PATH, {**WANTED, "do": "forecast"}).content.decode()
    assert "还没有发出任何请求" in page
    assert not Comparison.objects.exists()
    assert not ModelCall.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"endpoints": ["nobody"]}, "至少选择一个端点"),
        ({"measures": []}, "至少选择一项"),
        ({"max_cny": ""}, "请填金额上限"),
        ({"max_cny": "-1"}, "请填金额上限"),
        ({"max_cny": "NaN"}, "请填金额上限"),
        ({"samples": "many"}, "之间的整数"),
        ({"rate": "100000"}, "之间的整数"),
        ({"seed": "²"}, "之间的整数"),
    ],
)
def test_what_makes_no_sense_is_said_where_it_stands(
    client: Client, wrong: dict[str, Any], said: str
) -> None:
    page = client.post(PATH, {**WANTED, **wrong}).content.decode()
    assert said in page
    assert not Comparison.objects.exists()


def test_one_at_a_time_may_be_cancelled_and_goes_on(client: Client) -> None:
    client.post(PATH, WANTED)
    assert "已有一个对比在进行" in client.post(PATH, WANTED).content.decode()
    row = Comparison.objects.get()
    client.post(f"{PATH}{row.pk}/cancel/")
    row.refresh_from_db()
    assert row.state == "cancelled"
    client.post(f"{PATH}{row.pk}/resume/")
    assert holding.waiting() == [row.pk]
    tasks.compare(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
    client.post(f"{PATH}{row.pk}/resume/")
    assert holding.waiting() == []


def test_a_cap_that_ended_it_may_be_raised(client: Client) -> None:
    client.post(PATH, {**WANTED, "max_calls": "8"})
    row = Comparison.objects.get()
    tasks.compare(row.pk)
    row.refresh_from_db()
    assert (row.state, row.why) == ("partial", "calls")
    page = client.get(f"{PATH}{row.pk}/").content.decode()
    assert "部分结果" in page
    assert "上限加倍" in page
    client.post(f"{PATH}{row.pk}/resume/", {"raise": "yes"})
    row.refresh_from_db()
    assert (row.state, row.max_calls) == ("waiting", 16)


def test_who_may_look_may_not_start(client: Client) -> None:
    client.post(PATH, WANTED)
    row = Comparison.objects.get()
    get_user_model().objects.all().delete()
    looker = staff("view_outcome")
    page = looker.get(PATH).content.decode()
    assert "max_cny" not in page
    assert looker.get(f"{PATH}{row.pk}/").status_code == 200
    for path in (PATH, f"{PATH}{row.pk}/cancel/", f"{PATH}{row.pk}/resume/"):
        assert looker.post(path, WANTED).status_code == 403
    get_user_model().objects.all().delete()
    stranger = staff("run_comparison")
    for path in (PATH, f"{PATH}{row.pk}/", f"{PATH}{row.pk}/state/"):
        assert stranger.get(path).status_code == 403
    assert stranger.post(PATH, WANTED).status_code == 403
    assert Client().get(PATH).status_code == 302
    assert Client().post(PATH, WANTED).status_code == 403
    assert Comparison.objects.count() == 1


def test_pages_do_not_take_more_queries_for_more_answers(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    client.post(PATH, WANTED)
    row = Comparison.objects.get()
    tasks.compare(row.pk)
    with django_assert_max_num_queries(20):
        assert client.get(f"{PATH}{row.pk}/").status_code == 200
    with django_assert_max_num_queries(20):
        assert client.get(PATH).status_code == 200


def test_two_runs_stand_beside_each_other(client: Client) -> None:
    for seed in ("1", "2"):
        client.post(PATH, {**WANTED, "seed": seed})
        tasks.compare(Comparison.objects.latest("pk").pk)
    first, second = Comparison.objects.order_by("pk")
    page = client.get(f"{PATH}{second.pk}/?with={first.pk}").content.decode()
    assert page.count("另一次") > 2
    assert client.get(f"{PATH}{second.pk}/?with=x").status_code == 200


def figure(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def test_a_difference_is_one_where_the_intervals_do_not_meet() -> None:
    low, high = figure(0.5, 0.4, 0.6), figure(0.9, 0.8, 0.95)
    assert differing.verdict(plan.IDIOMS, high, low) == "better"
    assert differing.verdict(plan.IDIOMS, low, high) == "worse"
    assert differing.verdict(plan.LOAD, high, low) == "worse"
    assert differing.verdict(plan.IDIOMS, figure(0.6, 0.5, 0.85), high) == ""
    assert differing.verdict(plan.LOAD, figure(9, 8, None), figure(5, 4, None)) == ""
    assert differing.verdict(plan.LOAD, figure(9, 8, None), figure(5, 4, 6)) == "worse"
    assert (
        differing.verdict(plan.WINDOW, figure(9000, 9000, None), figure(800, 800, 900)) == "better"
    )
    assert differing.verdict(plan.WINDOW, figure(800, 800, 900), figure(850, 850, None)) == ""


def test_a_run_goes_on_only_while_no_other_is_on_its_way(client: Client) -> None:
    client.post(PATH, WANTED)
    stopped = Comparison.objects.get()
    assert holding.cancel(stopped.pk)
    client.post(PATH, WANTED)
    other = Comparison.objects.exclude(pk=stopped.pk).get()

    client.post(f"{PATH}{stopped.pk}/resume/")
    assert Comparison.objects.get(pk=stopped.pk).state == "cancelled"

    assert holding.cancel(other.pk)
    client.post(f"{PATH}{stopped.pk}/resume/")
    assert Comparison.objects.get(pk=stopped.pk).state == "waiting"
