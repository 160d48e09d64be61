"""The admin of understanding: examples are edited and accepted, trainings rung and watched, versions chosen."""

from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from prompts import snapshot, understanding
from prompts.admin import nlu_report
from prompts.models import Intent, IntentExample, NluModel
from prompts.nlu import weights
from prompts.nlu.weights import Head, Unknown, Weights
from prompts.redis import connection
from tests.prompts.admin.pages import ENGLISH, announced, errors, page, query_count, said
from tests.prompts.shop_intents import WORDS, plant

pytestmark = pytest.mark.django_db

LIST = page("nlumodel_changelist")
# Of one feature: it can be read, and no test waits for a training.
READABLE = weights.dump(
    Weights(
        groups={"w": 1.0},
        heads={
            weights.INTENTS: Head(labels=("a", "b"), intercepts=(0, 0), temperature=1),
        },
        unknown=Unknown(coefficients=(1.0, 1.0, 1.0), intercept=0, threshold=0.5),
        features=["w:x"],
        idf=array("f", [1.0]),
        scales=array("f", [1.0]),
        matrix=b"\x01\x02",
    )
)


@pytest.fixture(autouse=True)
def forget(db: None) -> Iterator[None]:
    yield
    understanding.LOADED.forget()


def example(text: str = "东西坏了", **changes: Any) -> IntentExample:
    intent, _ = Intent.objects.get_or_create(name="repair", title_zh="维修", title_en="Repair")
    return IntentExample.objects.create(
        **{"intent": intent, "language": "zh", "text": text, **changes}
    )


def version(number: int, *, macro_f1: float = 0.9, **changes: Any) -> NluModel:
    """A version with weights that can be read."""
    fields = {"weights": READABLE, "digest": "d", "macro_f1": macro_f1, "accuracy": macro_f1}
    return NluModel.objects.create(number=number, **{**fields, **changes})


def act(client: Client, action: str, *rows: IntentExample) -> Any:
    fields = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page("intentexample_changelist"), fields, follow=True, headers=ENGLISH)


def activate(client: Client, row: NluModel, **fields: str) -> Any:
    return client.post(page("nlumodel_activate", row.pk), fields, follow=True, headers=ENGLISH)


def in_force() -> int:
    return NluModel.objects.get(active=True).number


def test_intents_count_their_examples_and_lead_to_them(staff: Client) -> None:
    plant()
    example("候选的话", source="candidate")
    example("停用的话", enabled=False)
    repair = Intent.objects.get(name="repair")

    html = staff.get(page("intent_changelist"), headers=ENGLISH).content.decode()

    link = f"{page('intentexample_changelist')}?intent__id__exact={repair.pk}"
    assert f'<a href="{link}">0</a>' in html
    waiting = f"{page('candidate_changelist')}?intent__id__exact={repair.pk}"
    assert f'<a href="{waiting}">1</a>' in html
    assert ">30</a>" in html
    shown = staff.get(link).context["cl"].result_count
    assert shown == 2


def test_the_list_of_intents_asks_no_more_for_more_rows(staff: Client) -> None:
    example()
    query_count(staff, page("intent_changelist"))
    before = query_count(staff, page("intent_changelist"))
    plant()
    assert query_count(staff, page("intent_changelist")) == before


def test_an_intent_is_switched_off_but_keeps_its_name(staff: Client) -> None:
    plant()
    row = Intent.objects.get(name="return")
    fields = {"name": "renamed", "title_zh": "退", "title_en": "Back"}

    staff.post(page("intent_change", row.pk), fields)

    row.refresh_from_db()
    assert (row.name, row.title_zh, row.enabled) == ("return", "退", False)


def test_a_shipped_intent_is_not_deleted(staff: Client) -> None:
    row = Intent.objects.create(name="return", default_digest="d")
    mine = Intent.objects.create(name="gift")

    assert staff.post(page("intent_delete", row.pk), {"post": "yes"}).status_code == 403
    assert staff.post(page("intent_delete", mine.pk), {"post": "yes"}).status_code == 302
    assert list(Intent.objects.all()) == [row]


def test_an_example_is_added_as_the_staffs_own(staff: Client) -> None:
    intent = Intent.objects.create(name="repair")
    fields = {"intent": intent.pk, "language": "zh", "text": "屏幕碎了", "emotion": "negative"}

    staff.post(page("intentexample_add"), {**fields, "enabled": "on"})

    row = IntentExample.objects.get()
    assert (row.text, row.emotion, row.source, row.enabled) == (
        "屏幕碎了",
        "negative",
        "staff",
        True,
    )


def test_the_same_words_are_refused_twice(staff: Client) -> None:
    row = example()
    fields = {"intent": row.intent_id, "language": "zh", "text": row.text, "emotion": "neutral"}

    found = errors(staff.post(page("intentexample_add"), fields))

    assert "__all__" in found


def test_candidates_are_accepted_and_nothing_else_is(staff: Client) -> None:
    waiting, shipped = example("候选", source="candidate", enabled=False), example(source="default")

    answer = act(staff, "accept", waiting, shipped)

    waiting.refresh_from_db()
    shipped.refresh_from_db()
    assert (waiting.source, waiting.enabled, shipped.source) == ("staff", True, "default")
    assert said(answer) == ["1 accepted. It counts from the next training on."]


def test_examples_are_switched_off_and_on(staff: Client) -> None:
    row = example()
    act(staff, "disable", row)
    assert not IntentExample.objects.get().enabled
    act(staff, "enable", row)
    assert IntentExample.objects.get().enabled


@pytest.mark.parametrize("action", ["accept", "enable", "disable"])
def test_lookers_change_no_example(looker: Client, action: str) -> None:
    row = example(source="candidate")
    act(looker, action, row)
    assert IntentExample.objects.get().source == "candidate"
    assert IntentExample.objects.get().enabled


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("q=碎", {"屏幕碎了"}),
        ("source__exact=candidate", {"候选"}),
        ("emotion__exact=negative", {"屏幕碎了"}),
        ("language__exact=en", {"broken"}),
    ],
)
def test_examples_are_found(staff: Client, query: str, texts: set[str]) -> None:
    example("屏幕碎了", emotion="negative")
    example("候选", source="candidate")
    example("broken", language="en")

    answer = staff.get(f"{page('intentexample_changelist')}?{query}")

    assert {row.text for row in answer.context["cl"].result_list} == texts


def test_train_now_rings_a_worker_and_says_so(staff: Client) -> None:
    answer = staff.post(page("nlumodel_train"), follow=True, headers=ENGLISH)

    assert said(answer) == ["The training begins."]
    [rung] = connection().lrange("default", 0, -1)  # type: ignore[misc]
    assert b"prompts.tasks.train_nlu" in rung
    now = staff.get(page("nlumodel_progress"), headers=ENGLISH).json()
    assert (now["running"], now["text"]) == (True, "Waiting for a worker…")


def test_a_second_click_rings_nobody(staff: Client) -> None:
    staff.post(page("nlumodel_train"))
    answer = staff.post(page("nlumodel_train"), follow=True, headers=ENGLISH)

    assert said(answer)[-1] == "A training runs already."
    assert connection().llen("default") == 1


def test_progress_is_told_step_by_step(staff: Client) -> None:
    version(3)
    understanding.tell("fitting", 2, 9)

    now = staff.get(page("nlumodel_progress"), headers=ENGLISH).json()

    assert now == {
        "running": True,
        "failed": False,
        "text": "Fitting and cross-validating…",
        "done": 2,
        "steps": 9,
        "newest": 3,
    }


@pytest.mark.parametrize("what", sorted(nlu_report.OVER))
def test_a_training_that_failed_says_why_and_can_be_begun_again(staff: Client, what: str) -> None:
    understanding.tell(what, 0, 0)

    now = staff.get(page("nlumodel_progress"), headers=ENGLISH).json()
    answer = staff.post(page("nlumodel_train"), follow=True, headers=ENGLISH)

    assert (now["running"], now["failed"], now["text"]) == (
        False,
        True,
        str(nlu_report.STEPS[what]),
    )
    assert said(answer) == ["The training begins."]


def test_the_list_shows_versions_and_what_waits(staff: Client) -> None:
    example("候选", source="candidate")
    version(1, active=True, seconds=12.4)
    version(2, macro_f1=0.8)

    html = staff.get(LIST, headers=ENGLISH).content.decode()

    assert "1 candidate examples wait to be accepted" in html
    assert "90.0%" in html
    assert "12 s" in html
    assert "in force" in html


def test_the_list_never_reads_weights_and_asks_no_more_for_more_rows(staff: Client) -> None:
    version(1)
    query_count(staff, LIST)
    before = query_count(staff, LIST)
    version(2)
    version(3)
    with CaptureQueriesContext(database) as queries:
        staff.get(LIST)
    assert len(queries) == before
    assert not any('"weights"' in query["sql"] for query in queries)


@pytest.mark.django_db(transaction=True)
def test_the_report_of_a_real_training_opens_in_both_languages(staff: Client) -> None:
    plant()
    wrong = IntentExample.objects.create(
        intent=Intent.objects.get(name="invoice"), language="zh", text="这双鞋的快递到哪了"
    )
    row = understanding.train_now()
    url = page("nlumodel_change", row.pk)

    english = staff.get(url, headers=ENGLISH).content.decode()
    chinese = staff.get(url).content.decode()

    assert all(f'<th scope="row">{name}</th>' in english for name in WORDS)
    link = page("intentexample_change", wrong.pk)
    assert f'<a href="{link}">{wrong.text}</a>' in english
    assert "Examples that disagree" in english
    assert "有分歧的例句" in chinese


def test_a_report_without_figures_or_with_removed_examples_opens(staff: Client) -> None:
    gone = {"place": 0, "label": "a", "taken_for": "b", "p": 0.9, "example": 999}
    old = {"place": 0, "label": "a", "taken_for": "b", "p": 0.9}
    bare = version(1)
    stale = version(2, report={"doubtful": [gone, old]})

    assert staff.get(page("nlumodel_change", bare.pk)).status_code == 200
    html = staff.get(page("nlumodel_change", stale.pk), headers=ENGLISH).content.decode()
    assert html.count("The example was removed") == 2


@pytest.mark.django_db(transaction=True)
def test_a_version_is_put_in_force_and_taken_back(staff: Client) -> None:
    first, second = version(1, active=True), version(2, macro_f1=0.91)
    before = announced()

    answer = activate(staff, second)
    assert (said(answer), in_force()) == (["Version 2 is in force."], 2)
    assert announced() == before + 1
    assert snapshot.snapshot().nlu_number == 2

    activate(staff, first, worse="yes")
    assert in_force() == 1


def test_a_worse_version_wants_to_be_confirmed(staff: Client) -> None:
    version(1, active=True)
    worse = version(2, macro_f1=0.8)

    html = staff.get(page("nlumodel_change", worse.pk), headers=ENGLISH).content.decode()
    answer = activate(staff, worse)

    warning = "It is worse than the version in force. Put it in force anyway?"
    assert warning in html
    assert (said(answer), in_force()) == ([warning], 1)
    activate(staff, worse, worse="yes")
    assert in_force() == 2


def test_a_better_version_is_not_warned_of(staff: Client) -> None:
    version(1, active=True)
    html = staff.get(page("nlumodel_change", version(2).pk), headers=ENGLISH).content.decode()
    assert "Put in force…" in html
    assert 'name="worse"' not in html


def test_a_damaged_version_is_not_put_in_force(staff: Client) -> None:
    version(1, active=True)
    damaged = version(2, weights=b"x")
    answer = activate(staff, damaged, worse="yes")
    assert (said(answer), in_force()) == (["This version cannot be read."], 1)


def test_a_version_that_does_not_exist_is_not_found(staff: Client) -> None:
    assert staff.post(page("nlumodel_activate", 99)).status_code == 404


def test_versions_are_neither_added_changed_nor_deleted_by_hand(staff: Client) -> None:
    row = version(1)
    assert staff.get(page("nlumodel_add")).status_code == 403
    assert staff.post(page("nlumodel_change", row.pk), {"note": "x"}).status_code == 403
    assert staff.post(page("nlumodel_delete", row.pk), {"post": "yes"}).status_code == 403


def test_training_and_choosing_want_a_post_and_the_permission(
    staff: Client, looker: Client
) -> None:
    row = version(1)
    for url in (page("nlumodel_train"), page("nlumodel_activate", row.pk)):
        assert staff.get(url).status_code == 403
        assert looker.post(url).status_code == 403
    assert connection().llen("default") == 0


def test_lookers_read_lists_and_reports_without_buttons(looker: Client) -> None:
    row = version(1)
    lists = looker.get(LIST).content.decode()
    report = looker.get(page("nlumodel_change", row.pk)).content.decode()

    assert page("nlumodel_train") not in lists
    assert page("nlumodel_activate", row.pk) not in report
    assert looker.get(page("nlumodel_progress")).status_code == 200
    assert Client().get(page("nlumodel_progress")).status_code == 302
