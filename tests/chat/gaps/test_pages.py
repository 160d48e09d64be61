"""The learning loop's pages: looked for, edited, tried and published on one screen, by who may."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat.gaps import searching
from chat.models import Gap, GapSearch
from prompts import retrieval, roles
from prompts.models import EvalSet, Sop
from tests.chat.gaps.lines import rated, unanswered
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ASKED = ["怎么开增值税发票", "我要开增值税专用发票", "增值税发票怎么开呢"]
ANSWER = "在订单详情里点「申请增值税发票」。"
LIST = "admin:chat_gap_changelist"


@pytest.fixture
def gap(db: None) -> Gap:
    for text in ASKED:
        rated(unanswered(text, answer=ANSWER), 5)
    now = timezone.now()
    row = GapSearch.objects.create(since=now - timedelta(days=7), until=now + timedelta(minutes=1))
    searching.run(row.pk)
    return Gap.objects.get()


def client_of(role: str) -> Client:
    roles.make()
    user = UserFactory.create()
    user.groups.add(Group.objects.get(name=f"studio {role}"))
    client = Client()
    client.force_login(user)
    return client


def page(gap: Gap) -> str:
    return reverse("admin:chat_gap_change", args=[gap.pk])


def proposal(gap: Gap, **changes: Any) -> dict[str, Any]:
    said = {
        "key": "vat", "language": "zh", "title": ASKED[0], "questions": "\n".join(ASKED[1:]),
        "answer": ANSWER, "intent": "invoice", "category": "invoice",
    }  # fmt: skip
    return {**said, **changes}


def test_an_editor_closes_a_gap_on_one_screen(gap: Gap) -> None:
    editor = client_of("editor")
    night = EvalSet.objects.create(name="night", title="夜间")
    shown = editor.get(page(gap)).content.decode()
    assert ANSWER in shown
    assert ASKED[2] in shown
    assert "答得上就能省下 3 次人工接管" in shown
    assert "{{" not in shown
    assert f"{ASKED[1]}\n{ASKED[2]}</textarea>" in shown or f"{ASKED[2]}\n" in shown

    tried = editor.post(page(gap), {**proposal(gap), "_action": "try", "set": str(night.pk)})
    assert (tried.context["trial"].before, tried.context["trial"].after) == (0, 3)
    assert not Sop.objects.exists()
    editor.post(page(gap), {**proposal(gap), "_action": "publish"})

    gap.refresh_from_db()
    assert (gap.state, gap.sop and gap.sop.key) == ("solved", "vat")
    assert retrieval.search(ASKED[2], language="zh")[0].key == "vat"
    editor.post(page(gap), {"_action": "cases", "set": str(night.pk)})
    assert night.cases.filter(sop="vat").count() == 3


def test_what_is_wrong_is_told_and_nothing_of_it_is_lost(gap: Gap) -> None:
    editor = client_of("editor")
    answer = "打<PHONE_1>或看<b>这里</b>"

    shown = editor.post(page(gap), {**proposal(gap, answer=answer), "_action": "publish"})

    assert len(shown.context["problems"]) == 2
    assert "打&lt;PHONE_1&gt;或看&lt;b&gt;这里&lt;/b&gt;" in shown.content.decode()
    Sop.objects.create(key="vat", language="zh", title="t", category="c", intent="i", answer="a")
    shown = editor.post(page(gap), {**proposal(gap), "_action": "publish"})
    assert "这个编号已经有标准应答" in shown.content.decode()
    assert ASKED[1] in shown.content.decode()
    assert Gap.objects.get().state == "open"


def test_the_second_of_two_editors_is_told(gap: Gap) -> None:
    one, other = client_of("editor"), client_of("editor")
    one.post(page(gap), {**proposal(gap), "_action": "publish"})

    shown = other.post(page(gap), {**proposal(gap, answer="另一个回答"), "_action": "publish"})

    assert "刚刚已有人处理了这一组" in shown.content.decode()
    assert Sop.objects.get().answer == ANSWER


@pytest.mark.parametrize("role", ["viewer", "reviewer", "publisher"])
def test_others_look_and_change_nothing(gap: Gap, role: str) -> None:
    client = client_of(role)

    shown = client.get(page(gap)).content.decode()
    assert ASKED[0] in shown
    # Who judges answers may read what they answered, as roles say.
    assert ("/admin/chat/conversation/" in shown) == (role != "viewer")
    for action in ("publish", "draft", "try", "dismiss", "reopen"):
        assert client.post(page(gap), {**proposal(gap), "_action": action}).status_code == 403
    started = client.post(reverse("admin:chat_gap_search"), {"days": "7"})
    assert started.status_code == (403 if role == "viewer" else 302)
    assert not Sop.objects.exists()


def test_who_has_no_right_sees_nothing(gap: Gap) -> None:
    client = Client()
    client.force_login(UserFactory.create())

    for url in (reverse(LIST), page(gap), reverse("admin:chat_gap_progress", args=[1])):
        assert client.get(url).status_code == 403


def test_a_search_is_begun_once_and_told_how_far_it_is() -> None:
    reviewer = client_of("reviewer")
    start = reverse("admin:chat_gap_search")
    assert "还没有查找过" in reviewer.get(reverse(LIST)).content.decode()

    reviewer.post(start, {"days": "30"})
    reviewer.post(start, {"days": "7"})

    row = GapSearch.objects.get()
    assert round((row.until - row.since).days) == 30
    GapSearch.objects.update(state="running", done=5, total=9)
    told = reviewer.get(reverse("admin:chat_gap_progress", args=[row.pk])).json()
    assert told == {"running": True, "done": 5, "rows": 9}
    assert "yd-button small" in reviewer.get(reverse(LIST)).content.decode()


def test_a_sample_is_told_on_the_page(gap: Gap) -> None:
    GapSearch.objects.update(bad=200_000, looked_at=10_000)

    assert "只按固定抽样查看了其中一部分" in client_of("viewer").get(reverse(LIST)).content.decode()


def test_dismissing_and_opening_again(gap: Gap) -> None:
    editor = client_of("editor")

    editor.post(page(gap), {"_action": "dismiss"})
    assert Gap.objects.get().state == "dismissed"
    editor.post(page(gap), {"_action": "reopen"})
    assert Gap.objects.get().state == "open"


def test_the_list_asks_as_little_for_many_as_for_one(gap: Gap) -> None:
    viewer = client_of("viewer")
    viewer.get(reverse(LIST))

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(reverse(LIST)).status_code == 200
        return len(queries)

    before = asked()
    Gap.objects.bulk_create(
        Gap(search_id=gap.search_id, title=f"第{n}组", language="zh") for n in range(60)
    )
    assert asked() <= max(before, 12)
    assert before <= 12
