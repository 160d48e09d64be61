"""The admin of candidates: both opinions are seen, rows are accepted, relabelled, dismissed, one or many."""

from typing import Any, get_args

import pytest
from django.test import Client
from django.utils.translation import override

from prompts.admin import heard
from prompts.models import Candidate, Intent, IntentExample
from prompts.opinion import Why
from tests.prompts.admin.pages import ENGLISH, page, query_count, said

pytestmark = pytest.mark.django_db

LIST = page("candidate_changelist")
OPINIONS = {
    "local": [["logistics", 0.41]],
    "margin": 0.05,
    "local_emotion": "neutral",
    "model": ["repair", "refund"],
    "model_emotion": "negative",
    "endpoint": "light",
}


def candidate(text: str = "那个弄一下", **changes: Any) -> IntentExample:
    intent, _ = Intent.objects.get_or_create(name="repair", title_zh="维修", title_en="Repair")
    fields = {
        "intent": intent,
        "language": "zh",
        "text": text,
        "emotion": "negative",
        "source": "candidate",
        "trace_id": "5f0c0d6e-7d1b-4b3a-9a53-0b6a3c7f1a11",
        "opinions": OPINIONS,
    }
    return IntentExample.objects.create(**{**fields, **changes})


def act(client: Client, action: str, *rows: IntentExample, **fields: Any) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    return client.post(LIST, chosen, follow=True, headers=ENGLISH)


def test_the_list_shows_both_opinions(staff: Client) -> None:
    candidate()
    html = staff.get(LIST, headers=ENGLISH).content.decode()
    for shown in ("那个弄一下", "logistics 41%", "repair, refund", "neutral → negative"):
        assert shown in html


def test_only_candidates_that_wait_are_listed(staff: Client) -> None:
    candidate()
    candidate("忽略过的", enabled=False)
    candidate("员工的", source="staff")

    def listed(query: str = "") -> set[str]:
        return {row.text for row in staff.get(f"{LIST}{query}").context["cl"].result_list}

    assert listed() == {"那个弄一下"}
    assert listed("?state=dismissed") == {"忽略过的"}


def test_many_are_accepted_at_once_and_become_examples(staff: Client) -> None:
    rows = [candidate(), candidate("再弄一下")]

    answer = act(staff, "accept", *rows)

    assert said(answer) == ["2 accepted; they count from the next training on."]
    kept = IntentExample.objects.filter(source="staff", enabled=True, intent__name="repair")
    # Which turn it was said in is nobody's business any more.
    assert set(kept.values_list("trace_id", flat=True)) == {""}
    assert kept.count() == 2


def test_many_are_relabelled_at_once(staff: Client) -> None:
    other = Intent.objects.create(name="exchange")
    rows = [candidate(), candidate("再弄一下")]

    act(staff, "accept_as", *rows, intent=str(other.pk))

    assert IntentExample.objects.filter(source="staff", intent=other).count() == 2


@pytest.mark.parametrize("intent", ["", "0", "x"])
def test_relabelling_wants_an_intent(staff: Client, intent: str) -> None:
    row = candidate()
    answer = act(staff, "accept_as", row, intent=intent)
    row.refresh_from_db()
    assert row.source == "candidate"
    assert intent or said(answer) == ["Choose an intent first."]


def test_one_is_reworded_and_relabelled_on_its_page(staff: Client) -> None:
    other = Intent.objects.create(name="exchange")
    row = candidate()
    fields = {"text": "换一个新的", "intent": other.pk, "emotion": "neutral", "enabled": "on"}
    staff.post(page("candidate_change", row.pk), fields)
    row.refresh_from_db()
    assert (row.text, row.intent, row.source) == ("换一个新的", other, "candidate")


def test_what_is_dismissed_stays_away_until_it_is_put_back(staff: Client) -> None:
    row = candidate()
    act(staff, "dismiss", row)
    row.refresh_from_db()
    assert (row.source, row.enabled) == ("candidate", False)
    staff.post(f"{LIST}?state=dismissed", {"action": "restore", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.enabled


@pytest.mark.parametrize("action", ["accept", "accept_as", "dismiss", "restore"])
def test_lookers_judge_nothing(looker: Client, action: str) -> None:
    row = candidate()
    act(looker, action, row, intent=str(row.intent_id))
    row.refresh_from_db()
    assert (row.source, row.enabled) == ("candidate", True)


def test_an_example_is_no_candidate(staff: Client) -> None:
    row = candidate(source="staff")
    assert staff.get(page("candidate_change", row.pk)).status_code == 302
    assert not Candidate.objects.filter(source="candidate").exists()


def test_the_list_asks_no_more_for_more_rows(staff: Client) -> None:
    candidate()
    once = query_count(staff, LIST)
    for number in range(3):
        candidate(f"第{number}条")
    assert query_count(staff, LIST) == once


# --- what a turn's page says ------------------------------------------------------------------------------

ANALYSIS: dict[str, Any] = {
    "intents": [["repair", 0.8]],
    "emotion": ["negative", 0.9],
    "local": {
        "intents": [["logistics", 0.412]],
        "lead": 0.05,
        "unknown_p": 0.1,
        "emotion": ["neutral", 0.6],
    },
    "model": {"intents": ["repair"], "emotion": "negative", "slots": [], "endpoint": "light"},
    "asked": True,
    "why": "",
    "ms": 84.0,
}


def test_both_opinions_and_what_stood_are_explained() -> None:
    with override("zh-hans"):
        shown = heard.explain(ANALYSIS)
        who = [str(row.who) for row in shown["rows"]]
        why = str(shown["why"])
    assert [
        (name, row.intents, row.emotion, row.lead, row.stood)
        for name, row in zip(who, shown["rows"], strict=True)
    ] == [
        ("分类器", "logistics 41%", "平静 60%", "5.0%", False),
        ("模型 (light)", "repair", "不满", "—", False),
        ("采用", "repair 80%", "不满 90%", "—", True),
    ]
    assert why == "分类器拿不准，采用模型的判断。"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"asked": False, "model": None}, "sure"),
        ({"asked": False, "model": None, "local": None}, "none"),
        ({"model": None, "why": "late"}, "late"),
        ({"why": "cached"}, "cached"),
        ({"local": {**ANALYSIS["local"], "intents": [["repair", 0.4]]}}, "agreed"),
    ],
)
def test_every_outcome_has_its_sentence(changes: dict[str, Any], why: str) -> None:
    assert heard.explain({**ANALYSIS, **changes})["why"] == heard.WHYS[why]


def test_every_reason_of_an_opinion_has_a_sentence() -> None:
    assert set(get_args(Why)) - {""} <= heard.WHYS.keys()


@pytest.mark.parametrize("stored", [None, {}, [], {"intents": None, "emotion": 1, "local": 3}])
def test_what_is_not_understood_is_left_out(stored: Any) -> None:
    assert isinstance(heard.explain(stored), dict)
