"""What a load balancer and a Prometheus read: alive, ready with the failing part's name, metrics for the right eyes."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from config import liveness
from prompts import completion, controls, redis
from prompts.llm import breaker
from prompts.models import Budget, ModelCall, ModelEndpoint
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db

PROMETHEUS = "text/plain; version=0.0.4"


@pytest.fixture
def probe() -> Client:
    return Client()


@pytest.fixture
def workers(db: None) -> None:
    for queue in liveness.QUEUES:
        redis.connection().set(liveness.key(queue), 1, ex=60)


def test_alive_needs_nothing(probe: Client, no_redis: None, no_database: None) -> None:
    response = probe.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_every_part_works(probe: Client, workers: None) -> None:
    response = probe.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_names_queues_without_a_worker(probe: Client, workers: None) -> None:
    redis.connection().delete(liveness.key("turns"))

    response = probe.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failing": ["worker:turns"]}


def test_ready_names_redis(probe: Client, no_redis: None) -> None:
    response = probe.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failing": ["redis"]}


def test_ready_names_the_database(probe: Client, workers: None, no_database: None) -> None:
    response = probe.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failing": ["database"]}


def test_metrics_count_rows(probe: Client) -> None:
    ConversationFactory.create()

    response = probe.get("/metrics")

    assert response["Content-Type"] == PROMETHEUS
    assert 'yingda_conversations_open{kind="bot"} 1.0' in response.content.decode()


@pytest.fixture
def fresh(db: None) -> Iterator[None]:
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


def gauges(probe: Client) -> dict[str, float]:
    """The metrics by name and label, as `name{label="…"}`."""
    lines = probe.get("/metrics").content.decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


def test_metrics_of_an_idle_platform_are_all_there(probe: Client, fresh: None) -> None:
    found = gauges(probe)

    assert found["yingda_load_level"] == 0
    assert found["yingda_requests_per_second"] == 0
    assert found["yingda_limits_without_redis"] == 0
    assert found['yingda_spent_today_cny{inbox="all"}'] == 0


def test_metrics_tell_load_breakers_costs_and_budgets(probe: Client, fresh: None) -> None:
    for name in ("main", "shut"):
        ModelEndpoint.objects.create(name=name, provider="openai", model="m")
    breaker.shut(redis.connection(), "shut")
    ModelCall.objects.create(inbox="ib", endpoint="main", cost=3, currency="CNY")
    Budget.objects.create(per_day=4)
    controls.force_level(2, minutes=1)
    completion.CACHE.clear()

    found = gauges(probe)

    assert found["yingda_load_level"] == 2
    assert found['yingda_breaker_open{endpoint="main"}'] == 0
    assert found['yingda_breaker_open{endpoint="shut"}'] == 1
    assert found['yingda_spent_today_cny{inbox="all"}'] == 3
    assert found['yingda_spent_today_cny{inbox="ib"}'] == 3
    assert found['yingda_budget_share{inbox="all"}'] == 0.75


def test_metrics_without_redis_are_counted_from_the_rows(
    probe: Client, fresh: None, no_redis: None
) -> None:
    ModelCall.objects.create(inbox="ib", endpoint="main", cost=3, currency="CNY")

    found = gauges(probe)

    assert found['yingda_spent_today_cny{inbox="ib"}'] == 3
    assert found["yingda_load_level"] == 0


def test_metrics_are_for_loopback_only(probe: Client) -> None:
    assert probe.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert probe.get("/metrics", REMOTE_ADDR="").status_code == 404
    # A proxy on this machine makes everyone look like loopback.
    assert probe.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer right", 200), ("Bearer wrong", 404), ("Bearer ", 404), ("Bearer 对", 404), ("", 404)],
)
def test_metrics_with_a_token_are_for_its_bearer(
    probe: Client, settings: Any, given: str, status: int
) -> None:
    settings.METRICS_TOKEN = "right"

    response = probe.get("/metrics", headers={"authorization": given}, REMOTE_ADDR="192.0.2.1")

    assert response.status_code == status


def test_health_is_told_to_strangers_without_details(probe: Client, no_redis: None) -> None:
    body = probe.get("/readyz", REMOTE_ADDR="192.0.2.1").content.decode()

    assert "sock" not in body
    assert "Error" not in body
