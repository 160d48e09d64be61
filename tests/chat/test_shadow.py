"""A release answers silently after the real answer: kept for staff, heard by nobody, counted nowhere else."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import shadow, tasks, turn
from chat.actions import visitor as actions
from chat.models import Message, ShadowAnswer, Turn
from prompts import completion, releases, retrieval, roles
from prompts.models import EvalSet, ModelCall, ModelEndpoint, Release, Sop
from tests.chat.conftest import ANSWER, QUESTION
from tests.fakes.provider_control import running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.prompts.rows import KEYS, endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]
OTHER = "您好，包裹明天就到。"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def release() -> Release:
    """A draft that shadows every turn; its frozen SOP answers otherwise than the one customers hear."""
    Sop.objects.update(answer=OTHER)
    frozen = retrieval.freeze()
    Sop.objects.update(answer=ANSWER)
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    made = Release.objects.create(
        name="spring", note="n", eval_set=chosen, sop_set=frozen, shadow_percent=100
    )
    completion.CACHE.clear()
    return made


@pytest.fixture
def model(settings: Any) -> Any:
    settings.MODEL_API_KEYS = KEYS
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield endpoint(control, "main", price_in=Decimal(2), price_out=Decimal(8))


def answered(visitor: Any, text: str = QUESTION) -> UUID:
    """A turn that is over."""
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address="127.0.0.1")
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return posted.turn_id


def test_both_answers_are_kept_side_by_side_and_only_one_is_heard(
    visitor: Any, release: Release
) -> None:
    turn_id = answered(visitor)

    assert shadow.run(turn_id, release.pk)
    tasks.shadow_turn(str(turn_id), release.pk)  # twice is once

    row = ShadowAnswer.objects.get()
    assert (row.asked, row.said["text"], row.would_say["text"]) == (QUESTION, ANSWER, OTHER)
    assert "words" in row.differs
    assert "sops" not in row.differs
    assert row.similarity < 0.9
    assert [line.text for line in Message.objects.order_by("seq")] == [QUESTION, ANSWER]


def test_its_calls_are_on_record_as_shadow_and_in_no_arm(
    visitor: Any, model: ModelEndpoint, release: Release
) -> None:
    turn_id = answered(visitor)
    assert shadow.run(turn_id, release.pk)
    assert not shadow.run(turn_id, release.pk)  # the doorbell rang twice: nobody is asked again

    calls = list(ModelCall.objects.order_by("at").values_list("purpose", "release", "trace_id"))
    assert calls == [
        ("answer", "", str(turn_id)),
        ("shadow", "spring", f"sh-{turn_id}"),
    ]
    Release.objects.update(started_at=Turn.objects.get().queued_at)
    assert releases.statistics(Release.objects.get()).arm.stats.turns == 0
    row = ShadowAnswer.objects.get()
    assert Decimal(row.would_say["cny"]) > 0
    assert (row.said["endpoint"], row.would_say["endpoint"]) == ("main", "main")


def test_what_has_no_room_is_left_out(visitor: Any, release: Release) -> None:
    turn_id = answered(visitor)

    Release.objects.update(shadow_per_day=0)
    completion.CACHE.clear()
    assert not shadow.run(turn_id, release.pk)
    Release.objects.update(shadow_per_day=5)
    completion.CACHE.clear()
    with shadow.AT_WORK:
        assert not shadow.run(turn_id, release.pk)
    Turn.objects.update(decision={**Turn.objects.get().decision, "tools": [{"tool": "refund"}]})
    assert not shadow.run(turn_id, release.pk)
    assert not shadow.run(uuid4(), release.pk)
    assert not ShadowAnswer.objects.exists()


def test_a_conversation_that_moved_on_is_left_out(visitor: Any, release: Release) -> None:
    first = answered(visitor)
    answered(visitor, "还没到")

    assert not shadow.run(first, release.pk)


def test_the_same_turns_are_drawn_and_a_release_on_canary_shadows_no_more(
    release: Release,
) -> None:
    turns = [uuid4() for _ in range(400)]
    assert all(shadow.wanted(each) == [release.pk] for each in turns)

    Release.objects.update(shadow_percent=10)
    completion.CACHE.clear()
    drawn = [bool(shadow.wanted(each)) for each in turns]
    assert drawn == [bool(shadow.wanted(each)) for each in turns]
    assert 0 < sum(drawn) < 120
    Release.objects.update(status="canary")
    completion.CACHE.clear()
    assert not any(shadow.wanted(each) for each in turns)


def test_the_board_counts_filters_and_leads_to_the_turn(
    visitor: Any, release: Release, client: Client
) -> None:
    turn_id = answered(visitor)
    assert shadow.run(turn_id, release.pk)
    client.force_login(get_user_model().objects.create_superuser("boss"))
    board = reverse("admin:chat_shadowanswer_changelist")

    with CaptureQueriesContext(connection) as queries:
        html = client.get(board, headers=ENGLISH).content.decode()
    assert len(queries) <= 12
    assert "What it would have said" in html
    assert OTHER in html
    assert OTHER in client.get(f"{board}?differs=words", headers=ENGLISH).content.decode()
    assert OTHER not in client.get(f"{board}?differs=apology", headers=ENGLISH).content.decode()
    row = ShadowAnswer.objects.get()
    pair = client.get(reverse("admin:chat_shadowanswer_change", args=[row.pk]), headers=ENGLISH)
    assert reverse("admin:chat_turn_change", args=[turn_id]) in pair.content.decode()


def test_staff_judge_one_after_the_other_and_the_board_counts(
    visitor: Any, release: Release, client: Client
) -> None:
    for text in (QUESTION, f"{QUESTION}？"):
        assert shadow.run(answered(visitor, text), release.pk)
    user = get_user_model().objects.create_user("reviewer", is_staff=True)
    client.force_login(user)
    later, earlier = ShadowAnswer.objects.all()

    def judge(row: ShadowAnswer, verdict: str) -> Any:
        url = reverse("admin:chat_shadowanswer_judge", args=[row.pk])
        return client.post(url, {"verdict": verdict}, headers=ENGLISH)

    assert judge(later, "better").status_code == 403
    roles.make()
    user.groups.set(Group.objects.filter(name="studio reviewer"))
    assert judge(later, "splendid").status_code == 400
    following = judge(later, "better")["Location"]
    assert following == reverse("admin:chat_shadowanswer_change", args=[earlier.pk])
    assert "release__id__exact" in judge(earlier, "worse")["Location"]

    later.refresh_from_db()
    assert (later.verdict, later.judged_by) == ("better", user)
    board = reverse("admin:chat_shadowanswer_changelist")
    assert "50% (1 / 2), 95%: 9–91%" in client.get(board, headers=ENGLISH).content.decode()
    assert client.get(f"{board}?verdict=worse").context["cl"].result_count == 1
    page = client.get(reverse("admin:chat_shadowanswer_change", args=[later.pk]), headers=ENGLISH)
    assert 'aria-keyshortcuts="1"' in page.content.decode()
    assert "reviewer" in page.content.decode()


def test_silent_answers_go_after_the_days_they_are_kept(
    visitor: Any,
    release: Release,
    client: Client,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SHADOW_DAYS = 7
    monkeypatch.setattr(shadow, "FORGOTTEN_AT_ONCE", 2)
    turn_id = answered(visitor)
    assert shadow.run(turn_id, release.pk)
    kept = ShadowAnswer.objects.get()
    others = [
        Release.objects.create(name=f"r{n}", note="n", eval_set=release.eval_set) for n in range(3)
    ]
    now = timezone.now()
    for other in others:
        said = {"asked": "a", "said": kept.said, "would_say": kept.would_say, "similarity": 1}
        at = now - timedelta(days=7, minutes=1)
        ShadowAnswer.objects.create(release=other, turn_id=turn_id, at=at, **said)
    ShadowAnswer.objects.filter(pk=kept.pk).update(at=now - timedelta(days=6))

    tasks.forget_shadows()

    assert ShadowAnswer.objects.get() == kept
    client.force_login(get_user_model().objects.create_superuser("boss"))
    board = reverse("admin:chat_shadowanswer_changelist")
    assert "Shadowed turns, 7 days" in client.get(board, headers=ENGLISH).content.decode()
    kept.delete()
    assert "There are no silent answers yet." in client.get(board, headers=ENGLISH).content.decode()
