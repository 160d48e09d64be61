"""Is the process alive, is every part ready, and the numbers for Prometheus."""

import secrets
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import RedisError

from config import liveness
from prompts import admission, controls, ledger

LOOPBACK = {"127.0.0.1", "::1"}
ROWS = {
    "yingda_turns_open": (
        "Turns by state",
        "SELECT state, count(*) FROM chat_turn WHERE state IN ('queued', 'running') GROUP BY state",
    ),
    "yingda_conversations_open": (
        "Open conversations by owner",
        "SELECT owner, count(*) FROM chat_conversation WHERE resolved_at IS NULL GROUP BY owner",
    ),
}


def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when every part works; 503 with the names of those that do not."""
    failing = list(failing_parts())
    body = {"status": "unavailable", "failing": failing} if failing else {"status": "ok"}
    return JsonResponse(body, status=503 if failing else 200)


def failing_parts() -> Iterator[str]:
    if not database_answers():
        yield "database"
    try:
        missing = liveness.missing_queues()
    except RedisError:
        yield "redis"
    else:
        yield from (f"worker:{queue}" for queue in missing)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for loopback or the bearer of YINGDA_METRICS_TOKEN only."""
    if not may_read_metrics(request):
        return HttpResponse(status=404)
    registry = CollectorRegistry()
    registry.register(RowCounts())
    registry.register(ModelGauges())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4")


def may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token:
        return secrets.compare_digest(given.encode(), token.encode())
    # Behind a proxy every request comes from loopback, so a forwarded one needs the token.
    return request.META.get("REMOTE_ADDR") in LOOPBACK and "X-Forwarded-For" not in request.headers


class RowCounts(Collector):
    """Gauges read from the rows, so that every web process tells the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (text, query) in ROWS.items():
            family = GaugeMetricFamily(name, text, labels=["kind"])
            with connection.cursor() as cursor:
                cursor.execute(query)
                for kind, count in cursor.fetchall():
                    family.add_metric([kind], count)
            yield family


class ModelGauges(Collector):
    """The load, the endpoints' health and what the day has cost, as all processes share them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        board = controls.board()
        yield gauge("yingda_load_level", "0 normal, 1 light, 2 SOPs, 3 queue", {"": board.load})
        yield gauge("yingda_requests_per_second", "Over all processes", {"": board.rate})
        shut = {name: state != "closed" for name, state in board.breakers.items()}
        yield gauge("yingda_breaker_open", "Endpoints that are left alone", shut, label="endpoint")
        spent = {name or "all": float(cny) for name, cny in ledger.spent_today().items()}
        yield gauge("yingda_spent_today_cny", "What models cost today", spent, label="inbox")
        states = {state.budget.inbox or "all": state.share for state in ledger.budget_states()}
        yield gauge("yingda_budget_share", "Spent of the day's budget", states, label="inbox")
        fallbacks = {"": admission.limiter().fallbacks}
        yield gauge("yingda_limits_without_redis", "Messages this process judged alone", fallbacks)


def gauge(
    name: str, text: str, values: Mapping[str, float], *, label: str = ""
) -> GaugeMetricFamily:
    """A gauge with one value per `label`, or with a single one."""
    family = GaugeMetricFamily(name, text, labels=[label] if label else [])
    for key, value in values.items():
        family.add_metric([key] if label else [], float(value))
    return family
