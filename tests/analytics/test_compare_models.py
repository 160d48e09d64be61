"""`manage.py compare_models`: what it says beforehand and afterwards, and by which exit code."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics.models import Comparison
from prompts.models import ModelCall
from tests.analytics.test_comparison import model, provider, server  # noqa: F401 - fixtures
from tests.fakes.provider_control import ProviderControl


def said(*args: str, code: int = 0) -> str:
    """What the command prints, with the exit code it ends by."""
    out = io.StringIO()
    if code == 0:
        call_command("compare_models", *args, stdout=out, stderr=io.StringIO())
        return out.getvalue()
    with pytest.raises(SystemExit) as ended:
        call_command("compare_models", *args, stdout=out, stderr=io.StringIO())
    assert ended.value.code == code
    return out.getvalue()


@pytest.fixture
def two(provider: ProviderControl) -> None:  # noqa: F811
    model(provider, "good")
    model(provider, "poor", price_in=0, price_out=0)


def test_a_dry_run_says_what_it_takes_and_asks_nothing(two: None) -> None:
    text = said("--dry-run", "--samples", "10")
    assert "good: 51 calls" in text
    assert "poor: 51 calls" in text
    assert "no price known" in text
    [good, poor] = json.loads(said("--dry-run", "--samples", "10", "--json"))
    assert good["cny"] > 0
    assert poor["cny"] is None
    assert not ModelCall.objects.exists()
    assert not Comparison.objects.exists()


def test_a_run_is_a_table_in_both_forms(two: None) -> None:
    text = said("--measures", "tools,idioms", "--samples", "4", "--seed", "2")
    head, _, titles, _, good, poor = text.strip().splitlines()
    assert "Done" in head
    assert "seed 2" in head
    assert titles.split(" | ")[2:] == ["Idioms", "Function calls", "Spent, CNY |"]
    assert titles.count("|") == good.count("|") == poor.count("|") == 6
    assert "n = 4" in good
    row = Comparison.objects.get()
    found = json.loads(said("--show", str(row.pk), "--json"))
    assert found["state"] == "done"
    assert [each["cells"]["tools"]["n"] for each in found["endpoints"]] == [4, 4]
    assert "成语理解" in said("--show", str(row.pk), "--language", "zh-hans")


def test_a_bounded_run_is_a_part_and_goes_on(two: None) -> None:
    asked = ("--endpoints", "good", "--measures", "idioms", "--samples", "12")
    assert "Partial" in said(*asked, "--max-calls", "5", code=1)
    row = Comparison.objects.get()
    assert row.answers.count() == 5
    assert "Done" in said("--resume", str(row.pk))
    assert row.answers.count() == 12
    assert "Partial" in said(*asked, "--max-cost", "0", code=1)


@pytest.mark.parametrize(
    "args",
    [
        ["--endpoints", "nobody"],
        ["--measures", "beauty"],
        ["--samples", "0"],
        ["--rate", "9999"],
        ["--max-cost", "much"],
        ["--max-cost", "-1"],
        ["--resume", "7"],
        ["--show", "7"],
    ],
)
def test_what_makes_no_sense_is_said(two: None, args: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("compare_models", *args, stdout=io.StringIO())
    assert refused.value.returncode == 2
    assert not ModelCall.objects.exists()


def test_without_a_key_there_is_nobody_to_compare(two: None, settings: Any) -> None:
    settings.MODEL_API_KEYS = {}
    with pytest.raises(CommandError, match="no endpoint has a key"):
        call_command("compare_models", stdout=io.StringIO())
