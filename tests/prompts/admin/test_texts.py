"""The admin of texts: lists open, what is saved is searchable, every process hears of it."""

from typing import Any

import pytest
from django.test import Client

from prompts import retrieval
from prompts.models import Intent, Sop, SopQuestion
from tests.prompts.admin.pages import announced, page

pytestmark = pytest.mark.django_db

MODELS = [
    "prompt",
    "promptversion",
    "fewshotexample",
    "sop",
    "modelendpoint",
    "modelcall",
    "qualitycell",
    "budget",
    "canary",
    "routepolicy",
]
SOP = {
    "key": "return",
    "language": "zh",
    "title": "如何退货",
    "category": "return",
    "intent": "return",
    "answer": "在订单里申请退货。",
}


def sop_form(*questions: SopQuestion | str, **changes: Any) -> dict[str, Any]:
    saved = [question for question in questions if isinstance(question, SopQuestion)]
    form: dict[str, Any] = {
        **SOP,
        "enabled": "on",
        "steps": "[]",
        "shops": "[]",
        "skus": "[]",
        "channels": "[]",
        "required_slots": "[]",
        "questions-TOTAL_FORMS": len(questions),
        "questions-INITIAL_FORMS": len(saved),
        **changes,
    }
    for number, question in enumerate(questions):
        text = question.text if isinstance(question, SopQuestion) else question
        form[f"questions-{number}-text"] = text
        if isinstance(question, SopQuestion):
            form[f"questions-{number}-id"] = question.pk
            form[f"questions-{number}-sop"] = question.sop_id
    return form


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_searches(staff: Client, model: str) -> None:
    assert staff.get(page(f"{model}_changelist")).status_code == 200
    assert staff.get(page(f"{model}_changelist"), {"q": "x"}).status_code == 200


def test_a_saved_sop_is_found_by_its_title_and_questions(staff: Client) -> None:
    answer = staff.post(page("sop_add"), sop_form("东西想退掉"))

    assert answer.status_code == 302
    assert [hit.question for hit in retrieval.search("怎样退货", language="zh")] == ["如何退货"]
    assert [hit.question for hit in retrieval.search("想退掉", language="zh")] == ["东西想退掉"]


def test_a_changed_question_is_found_by_its_new_words(staff: Client) -> None:
    staff.post(page("sop_add"), sop_form("东西想退掉"))
    sop = Sop.objects.get()
    first, second = sop.questions.order_by("pk")
    first.text = "发票抬头"

    assert staff.post(page("sop_change", sop.pk), sop_form(first, second)).status_code == 302

    assert retrieval.search("发票抬头", language="zh")[0].question == "发票抬头"


def test_sops_are_switched_off_and_on_together(staff: Client) -> None:
    sop = Sop.objects.create(**SOP)
    chosen = {"_selected_action": [sop.pk]}

    staff.post(page("sop_changelist"), {"action": "disable", **chosen})
    assert not Sop.objects.get().enabled
    staff.post(page("sop_changelist"), {"action": "enable", **chosen})
    assert Sop.objects.get().enabled


def test_a_default_cannot_be_deleted_alone_or_among_others(staff: Client) -> None:
    default = Sop.objects.create(**SOP, default_digest="d")
    own = Sop.objects.create(**{**SOP, "key": "own"})

    assert staff.post(page("sop_delete", default.pk), {"post": "yes"}).status_code == 403
    staff.post(
        page("sop_changelist"),
        {
            "action": "delete_selected",
            "_selected_action": [default.pk, own.pk],
            "post": "yes",
        },
    )
    assert Sop.objects.count() == 2

    assert staff.post(page("sop_delete", own.pk), {"post": "yes"}).status_code == 302
    assert Sop.objects.get() == default


def test_the_lists_of_an_sop_are_texts_and_may_be_emptied(staff: Client) -> None:
    staff.post(page("sop_add"), sop_form(skus="100234\n[x", shops="", steps="一步\n二步"))
    sop = Sop.objects.get()
    assert (sop.skus, sop.shops, sop.steps) == (["100234", "[x"], [], ["一步", "二步"])
    assert retrieval.search("如何退货", language="zh") == []  # of those products alone

    assert staff.post(page("sop_change", sop.pk), sop_form(skus="", steps="")).status_code == 302
    sop.refresh_from_db()
    assert (sop.skus, sop.steps) == ([], [])
    assert retrieval.search("如何退货", language="zh")[0].key == "return"


def test_a_list_that_is_none_does_not_stop_the_search(staff: Client) -> None:
    staff.post(page("sop_add"), sop_form())
    Sop.objects.update(skus=100234, steps={"a": 1})

    assert retrieval.search("如何退货", language="zh")[0].steps == ()


@pytest.mark.parametrize("field", ["title", "answer", "steps", "questions-0-text"])
def test_markup_is_refused_at_its_field_as_in_files(staff: Client, field: str) -> None:
    answer = staff.post(page("sop_add"), {**sop_form("怎么退"), field: "<b>7 天</b>"})

    assert answer.status_code == 200
    assert "&lt;b&gt;" in answer.content.decode()
    assert not Sop.objects.exists()


def test_known_intents_are_suggested(staff: Client) -> None:
    Intent.objects.create(name="logistics", title_zh="物流", title_en="Logistics")
    Intent.objects.create(name="gone", enabled=False)

    shown = staff.get(page("sop_add")).content.decode()

    assert '<option value="logistics">' in shown
    assert '<option value="gone">' not in shown


@pytest.mark.django_db(transaction=True)
def test_every_process_hears_of_a_saved_switched_and_deleted_row(staff: Client) -> None:
    staff.post(page("sop_add"), sop_form())
    sop = Sop.objects.get()
    after_adding = announced()
    staff.post(page("sop_changelist"), {"action": "disable", "_selected_action": [sop.pk]})
    after_switching = announced()
    staff.post(page("sop_delete", sop.pk), {"post": "yes"})

    assert 0 < after_adding < after_switching < announced()


def test_a_refused_row_is_not_announced(staff: Client) -> None:
    assert staff.post(page("sop_add"), {}).status_code == 200
    assert announced() == 0
