"""The admin of texts: what is saved is searchable, what explains an answer is never changed."""

from typing import Any

import pytest
from django.test import Client

from prompts import retrieval
from prompts.models import Prompt, PromptVersion, Sop, SopQuestion
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
VERSION = {
    "variables": "[]",
    "example_mode": "fixed",
    "example_keys": "[]",
    "example_tags": "[]",
    "example_limit": 3,
    "example_tokens": 600,
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


def test_a_version_is_added_numbered_and_never_changed(staff: Client) -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    for number in (1, 2):
        form = {**VERSION, "prompt": prompt.pk, "text": f"text {number}"}
        assert staff.post(page("promptversion_add"), form).status_code == 302
    version = PromptVersion.objects.get(number=2)

    answer = staff.post(page("promptversion_change", version.pk), {"text": "changed"})

    assert answer.status_code == 403
    assert staff.get(page("promptversion_change", version.pk)).status_code == 200
    assert list(PromptVersion.objects.values_list("number", "text")) == [
        (2, "text 2"),
        (1, "text 1"),
    ]


def test_a_version_may_only_use_declared_variables(staff: Client) -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    form = {**VERSION, "prompt": prompt.pk, "text": "{{secret}}"}

    assert staff.post(page("promptversion_add"), form).status_code == 200
    assert not PromptVersion.objects.exists()


def test_the_current_version_is_chosen_among_the_prompts_own(staff: Client) -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    other = Prompt.objects.create(purpose="resume", language="zh", title="t")
    own = PromptVersion.objects.create(prompt=prompt, number=1, text="a")
    foreign = PromptVersion.objects.create(prompt=other, number=1, text="b")
    counters = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}

    for version in (foreign, own):
        staff.post(
            page("prompt_change", prompt.pk), {"title": "t", "current": version.pk, **counters}
        )

    prompt.refresh_from_db()
    assert prompt.current == own


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
