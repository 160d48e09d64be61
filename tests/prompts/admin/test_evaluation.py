"""The admin of evaluation: sets, cases, runs, files; bad answers become cases."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from prompts import lease
from prompts.evaluation import running
from prompts.models import EvalCase, EvalResult, EvalRun, EvalSet, Prompt, PromptVersion
from prompts.redaction import engine
from tests.prompts.admin.pages import ENGLISH, errors, page, query_count, said

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def warmed() -> None:
    """What the first masked text would wait for, before a test holds a transaction open."""
    engine.warm()


@pytest.fixture
def chosen() -> EvalSet:
    return EvalSet.objects.create(name="shop", title="Shop")


@pytest.fixture
def run(chosen: EvalSet) -> EvalRun:
    case = EvalCase.objects.create(set=chosen, key="late-1", text="怎么还不发货")
    run = running.begin(chosen, version=None, user_id=None)
    EvalResult.objects.create(
        run=run,
        case=case,
        passed=False,
        failures=[{"check": "must_contain", "wanted": "催", "found": "好的"}],
        answer="好的",
    )
    assert lease.claim(EvalRun.objects.filter(pk=run.pk), running.LEASE)
    running.finish(run)
    run.refresh_from_db()
    return run


def case_form(chosen: EvalSet, **changes: Any) -> dict[str, Any]:
    fields = {
        "set": chosen.pk,
        "key": "one",
        "language": "zh",
        "history": "[]",
        "text": "我的电话是13812345678，怎么还不发货",
        "slots": "{}",
        "tool_arguments": '{"order_number": "1"}',
        "reference": "请拨打13812345678",
        "must_contain": "催\n\n发货 ",
        "must_not_contain": "",
        "no_personal_data": "on",
        "enabled": "on",
    }
    return {**fields, **changes}


def test_a_case_is_written_masked_with_a_line_for_each_wanted_part(
    staff: Client, chosen: EvalSet
) -> None:
    assert staff.post(page("evalcase_add"), case_form(chosen)).status_code == 302

    kept = EvalCase.objects.get()
    assert kept.must_contain == ["催", "发货"]
    assert "13812345678" not in kept.text + kept.reference
    assert kept.tool_arguments == {"order_number": "1"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"history": '[["boss", "x"]]'}, "history"),
        ({"slots": "[]"}, "slots"),
        ({"tool_arguments": '{"a": 1}'}, "tool_arguments"),
        ({"must_contain": "\n".join("x" * 30)}, "must_contain"),
        ({"text": ""}, "text"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(
    staff: Client, chosen: EvalSet, changes: dict[str, Any], field: str
) -> None:
    answer = staff.post(page("evalcase_add"), case_form(chosen, **changes))

    assert list(errors(answer)) == [field]


def test_a_file_is_taken_whole_or_refused_with_the_line(staff: Client, chosen: EvalSet) -> None:
    good = b'{"key": "a", "text": "hi"}\n'

    def post(content: bytes) -> list[str]:
        file = SimpleUploadedFile("cases.jsonl", content)
        url = page("evalset_import", chosen.pk)
        return said(staff.post(url, {"file": file}, follow=True, headers=ENGLISH))

    assert "line 2" in post(good + b"{")[0]
    assert EvalCase.objects.count() == 0
    assert post(good) == ["1 cases added, 0 renewed."]
    written = staff.get(page("evalset_export", chosen.pk)).content
    assert written == b'{"key": "a", "text": "hi", "language": "en"}\n'


def test_a_run_is_begun_watched_and_cancelled(
    staff: Client, chosen: EvalSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.celery import app

    rung: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: rung.append((name, args)))
    EvalCase.objects.create(set=chosen, key="a", text="hi")

    staff.post(page("evalset_run", chosen.pk))
    run = EvalRun.objects.get()
    assert rung == [("prompts.tasks.run_evaluation", [run.pk])]
    now = staff.get(page("evalrun_progress", run.pk)).json()
    assert now == {"running": True, "done": 0, "rows": 1}
    staff.post(page("evalrun_cancel", run.pk))
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_ringing_for_a_run_that_has_a_worker_says_so_and_rings_for_nobody(
    staff: Client, run: EvalRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.celery import app

    rung: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: rung.append(args))

    def ring(lease: timedelta) -> list[str]:
        EvalRun.objects.update(state="running", lease_until=timezone.now() + lease)
        return said(staff.post(page("evalrun_again", run.pk), follow=True, headers=ENGLISH))

    assert "A worker is at it" in ring(timedelta(minutes=2))[0]
    assert rung == []
    assert ring(timedelta(seconds=-1)) == []
    assert rung == [[run.pk]]


@pytest.mark.parametrize(("headers", "why"), [({}, "没有这个接入点"), (ENGLISH, "no such inbox")])
def test_why_a_case_has_no_answer_is_said_in_words(
    staff: Client, run: EvalRun, headers: Any, why: str
) -> None:
    failed = [{"check": "answered", "wanted": "nosuch", "found": "no_inbox"}]
    EvalResult.objects.update(failures=failed)

    shown = staff.get(page("evalrun_change", run.pk), headers=headers).content.decode()

    assert why in shown
    assert "no_inbox" not in shown


def test_a_run_says_what_failed_and_why(staff: Client, run: EvalRun) -> None:
    shown = staff.get(page("evalrun_change", run.pk), headers=ENGLISH).content.decode()

    assert "Must contain" in shown
    assert "“催”" in shown
    assert "Below the threshold" in shown


def test_versions_of_every_language_are_offered_however_many_one_has(
    staff: Client, chosen: EvalSet
) -> None:
    EvalCase.objects.create(set=chosen, key="a", text="hi")
    english, chinese = (
        Prompt.objects.create(purpose="answer", language=language, title="t")
        for language in ("en", "zh")
    )
    many = [PromptVersion(prompt=english, number=n, text="x") for n in range(1, 151)]
    oldest, *_ = PromptVersion.objects.bulk_create(many)
    few = [PromptVersion.objects.create(prompt=chinese, number=n, text="x") for n in (1, 2)]

    def offered(**asked: Any) -> list[int]:
        shown = staff.get(page("evalset_change", chosen.pk), asked)
        return [version.pk for version in shown.context["versions"]]

    assert set(offered()) > {version.pk for version in few}
    assert oldest.pk not in offered()
    assert oldest.pk in offered(version=oldest.pk)


def test_whoever_may_only_look_begins_nothing(looker: Client, run: EvalRun) -> None:
    assert looker.get(page("evalrun_change", run.pk)).status_code == 200
    assert looker.get(page("evalset_change", run.set_id)).status_code == 200
    for name, pk in (("evalset_run", run.set_id), ("evalset_import", run.set_id)):
        assert looker.post(page(name, pk)).status_code == 403
    assert looker.post(page("evalrun_cancel", run.pk)).status_code == 403


@pytest.mark.parametrize("name", ["evalset", "evalcase", "evalrun"])
def test_lists_cost_the_same_at_one_row_and_at_three(
    staff: Client, run: EvalRun, name: str
) -> None:
    at_one = query_count(staff, page(f"{name}_changelist"))
    for number in range(2):
        other = EvalSet.objects.create(name=f"other-{number}", title="Other")
        EvalCase.objects.create(set=other, key=f"{uuid4()}", text="hi")
        running.begin(other, version=None, user_id=None)

    assert query_count(staff, page(f"{name}_changelist")) == at_one <= 12
    assert query_count(staff, page("evalset_change", run.set_id)) <= 12
    assert query_count(staff, page("evalrun_change", run.pk)) <= 12
