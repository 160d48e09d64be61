"""Every page of the studio costs a handful of queries, however many rows there are; words are found wherever they stand."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from prompts import releases, retrieval, snapshot
from prompts.models import EvalRun, Release, Sop, SopQuestion
from tests.bench.studio import MOST_QUERIES, addresses
from tests.bench.studio_rows import Sizes, fill
from tests.prompts.admin.pages import ENGLISH, page, query_count

pytestmark = pytest.mark.django_db

# More rows of each kind than a page may make queries, so that a query for each row is seen.
OPENINGS = 5
MANY = Sizes(sops=120, examples=60, versions=80, cases=60, runs=30, releases=30, imports=3)


def test_no_page_of_the_studio_costs_more_with_more_rows(staff: Client) -> None:
    call_command("sync_defaults", verbosity=0)
    fill(MANY)
    # What a process reads once for all its requests is no cost of a page.
    snapshot.snapshot()

    costly = pages_that_cost(staff, "")
    freeze_sops()
    costly |= pages_that_cost(staff, "SOP|release|retrieval|coverage|radar")
    retrieval.forget()

    assert costly == {}


def pages_that_cost(client: Client, names: str) -> dict[str, int]:
    return {
        name: count
        for name, url in addresses().items()
        if re.search(names, name) and (count := least_queries(client, url)) > MOST_QUERIES
    }


def freeze_sops() -> None:
    """A published release holds the SOPs, some were edited since, and the newest release is on its first stage."""
    older, newest = (
        Release.objects.order_by("pk")[:1].get(),
        Release.objects.order_by("-pk")[:1].get(),
    )
    for row in (older, newest):
        EvalRun.objects.create(set=row.eval_set, release=row, state="done", total=1, passed=1)
    Release.objects.filter(pk__in=[older.pk, newest.pk]).update(sop_set=retrieval.freeze())
    Release.objects.filter(pk=newest.pk).update(stages=[[5, 30]], policy=None)
    assert releases.publish(Release.objects.get(pk=older.pk))
    assert releases.start(Release.objects.get(pk=newest.pk))
    for sop in Sop.objects.order_by("pk")[:30]:
        Sop.objects.filter(pk=sop.pk).update(answer="edited since")
    snapshot.snapshot()


def least_queries(client: Client, url: str) -> int:
    """The fewest of some openings: what a process keeps for seconds is read anew by whoever comes first."""
    counts = (query_count(client, url) for _ in range(OPENINGS))
    return next((count for count in counts if count <= MOST_QUERIES), MOST_QUERIES + 1)


def worded(key: str, *wordings: str, **said: Any) -> Sop:
    fields = {"language": "zh", "title": key, "category": "c", "intent": "i", "answer": "好的"}
    sop = Sop.objects.create(key=key, **{**fields, **said})
    for text in wordings:
        SopQuestion.objects.create(sop=sop, text=text)
    return sop


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("催单", {"催单"}),
        ("没到", {"催单", "late"}),
        ("没到 订单", {"催单"}),
        ("REFUND", {"late", "Refunds"}),
        ("退款到账", {"Refunds"}),
        ("没有这样的话", set()),
        ("%", set()),
    ],
)
def test_words_are_found_in_key_title_answer_and_wordings(
    staff: Client, words: str, found: set[str]
) -> None:
    worded("催单", "我的订单怎么还没到", "订单没到")
    worded("late", "东西没到", answer="No refund yet")
    worded("money", title="Refunds", answer="退款到账要三天", language="en")

    shown = staff.get(page("sop_changelist"), {"q": words}).context["cl"].result_list

    assert {sop.title for sop in shown} == found


def test_the_list_tells_which_sops_lack_the_other_language(staff: Client) -> None:
    worded("paired")
    worded("paired", language="en", title="the pair")
    worded("alone")

    answer = staff.get(page("sop_changelist"), headers=ENGLISH)

    pairs = {sop.title: sop.pair_updated_at for sop in answer.context["cl"].result_list}
    assert pairs["alone"] is None
    assert pairs["paired"] == Sop.objects.get(title="the pair").updated_at
    assert "missing" in answer.content.decode()
