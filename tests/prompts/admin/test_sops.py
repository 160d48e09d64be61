"""The pages of SOPs: bulk edits, files in and out, the retrieval test, coverage, the radar, and what lists cost."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from prompts import imports, radar, retrieval, snapshot
from prompts.models import Intent, Sop, SopFinding, SopImport
from tests.prompts.admin.pages import ENGLISH, page, query_count, said

pytestmark = pytest.mark.django_db

LIST_QUERIES = 12
GOOD = "key,language,title,answer,intent,category\nreturn,zh,如何退货,在订单里申请退货。,return,return\n"
BAD = GOOD + "x,fr,,,,\n"


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    retrieval.forget()
    yield
    retrieval.forget()


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What workers were asked; they do it at once."""
    tasks = {
        "prompts.tasks.check_import": imports.check,
        "prompts.tasks.apply_import": imports.apply,
    }
    found: list[tuple[str, list[Any]]] = []

    def send_task(name: str, args: list[Any] | None = None) -> None:
        found.append((name, args or []))
        if name in tasks:
            tasks[name](*(args or []))
        else:
            radar.look()

    monkeypatch.setattr("celery.current_app.send_task", send_task)
    return found


def add(key: str, title: str, answer: str = "好的。", **changes: Any) -> Sop:
    fields = {"language": "zh", "category": "c", "intent": "i", "title": title, "answer": answer}
    sop = Sop.objects.create(key=key, **{**fields, **changes})
    retrieval.index_sop(sop)
    return sop


def upload(client: Client, content: str, name: str = "sops.csv") -> Any:
    file = SimpleUploadedFile(name, content.encode())
    return client.post(page("sop_import"), {"file": file}, follow=True, headers=ENGLISH)


def test_a_file_is_checked_shown_and_imported(staff: Client, rung: Any) -> None:
    shown = upload(staff, GOOD)
    job = SopImport.objects.get()
    assert (job.state, job.counts["added"]) == ("checked", 1)
    assert "如何退货" in shown.content.decode()
    assert not Sop.objects.exists()

    staff.post(page("sop_import_apply", job.pk))

    job.refresh_from_db()
    assert (job.state, bytes(job.file)) == ("done", b"")
    assert retrieval.search("怎么退货", language="zh")[0].key == "return"
    assert [name for name, _ in rung] == [
        "prompts.tasks.check_import",
        "prompts.tasks.apply_import",
    ]


def test_an_import_that_ends_before_it_is_told_as_done_has_done_nothing(
    staff: Client, rung: Any
) -> None:
    """So that another worker finds the SOPs as they were agreed to."""
    upload(staff, GOOD)
    job = SopImport.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE prompts_sopimport ADD CONSTRAINT never_done CHECK (state <> 'done')"
        )

    staff.post(page("sop_import_apply", job.pk))

    job.refresh_from_db()
    assert (job.state, job.problem["reason"]) == ("failed", "database")
    assert not Sop.objects.exists()


def test_a_file_with_a_refused_row_is_not_imported(staff: Client, rung: Any) -> None:
    shown = upload(staff, BAD)
    job = SopImport.objects.get()
    assert "“fr” is no language" in shown.content.decode()

    answer = staff.post(page("sop_import_apply", job.pk), follow=True, headers=ENGLISH)

    assert said(answer) == ["It cannot be imported now; see its state."]
    assert not Sop.objects.exists()


def test_what_a_file_says_is_never_a_format_or_html(staff: Client, rung: Any) -> None:
    shown = upload(staff, GOOD.replace("return,zh", "{column} {0.__class__},<script>"))

    text = shown.content.decode()
    assert "<script>," not in text
    assert "&lt;script&gt;" in text


def test_sops_that_changed_since_the_check_stop_the_import(staff: Client, rung: Any) -> None:
    upload(staff, GOOD)
    add("return", "如何退货", "别的", category="return", intent="return")
    job = SopImport.objects.get()

    shown = staff.post(page("sop_import_apply", job.pk), follow=True, headers=ENGLISH)

    job.refresh_from_db()
    assert (job.state, job.counts["updated"]) == ("checked", 1)
    assert "changed since the check" in shown.content.decode()
    assert Sop.objects.get().answer == "别的"


def test_unreadable_files_and_empty_posts_say_why(staff: Client, rung: Any) -> None:
    shown = upload(staff, "x", name="sops.exe")
    assert "A .exe file is not understood" in shown.content.decode()
    answer = staff.post(page("sop_import"), headers=ENGLISH)
    assert said(answer) == ["Choose a file first."]


def test_progress_and_a_second_ring(staff: Client, rung: Any) -> None:
    job = SopImport.objects.create(file_name="a.csv", file=GOOD.encode())
    imports.tell(job.pk, 3, 9)

    answer = staff.get(page("sop_import_progress", job.pk)).json()
    staff.post(page("sop_import_again", job.pk))

    assert answer == {"running": True, "state": "waiting", "done": 3, "rows": 9}
    assert SopImport.objects.get().state == "checked"


def test_lookers_import_nothing(looker: Client) -> None:
    assert looker.get(page("sop_import")).status_code == 403
    assert looker.get(page("sop_retrieval")).status_code == 200


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "yaml"])
def test_all_sops_go_out_in_every_kind(staff: Client, kind: str) -> None:
    add("k", "标题")

    answer = staff.get(page("sop_export", kind))

    assert answer.status_code == 200
    assert f".{kind}" in answer["Content-Disposition"]
    assert len(answer.content) > 50
    assert staff.get(page("sop_export", "exe")).status_code == 404


def test_bulk_edits_set_words_and_days(staff: Client) -> None:
    one, two = add("a", "甲"), add("b", "乙", valid_from=timezone.now() + timedelta(days=900))
    chosen = {"_selected_action": [one.pk, two.pk]}

    staff.post(page("sop_changelist"), {"action": "set_category", "value": "new", **chosen})
    staff.post(page("sop_changelist"), {"action": "set_valid_to", "value": "2027-01-31", **chosen})
    staff.post(page("sop_changelist"), {"action": "set_review", "value": "2027/01/01", **chosen})
    refused = staff.post(
        page("sop_changelist"),
        {"action": "set_review", "value": "soon", **chosen},
        follow=True,
        headers=ENGLISH,
    )

    assert set(Sop.objects.values_list("category", flat=True)) == {"new"}
    one.refresh_from_db()
    two.refresh_from_db()
    assert timezone.localtime(one.valid_to).isoformat() == "2027-01-31T23:59:59.999999+08:00"
    assert two.valid_to is None  # it would end before it begins
    assert str(one.review_on) == "2027-01-01"
    assert "Write a day as 2026-12-31" in said(refused)[-1]


def test_retrieval_page_shows_what_production_finds(staff: Client) -> None:
    add("return", "怎么退货")
    add("return-shoes", "怎么退鞋", skus=["shoes"])
    hits = retrieval.search("怎么退货", language="zh", limit=10)

    shown = staff.get(page("sop_retrieval"), {"q": "怎么退货"})
    scoped = staff.get(page("sop_retrieval"), {"q": "怎么退鞋", "sku": "shoes"})

    assert [row["hit"] for row in shown.context["rows"]] == hits
    assert scoped.context["rows"][0]["hit"].key == "return-shoes"
    assert staff.get(page("sop_retrieval"), {"q": "<>%'\\"}).status_code == 200
    gone = staff.get(page("sop_retrieval"), {"q": "怎么退货", "shop": "gone"})
    assert '<option value="gone" selected>gone</option>' in gone.content.decode()


def test_the_retrieval_page_asks_no_more_than_a_list_even_in_a_new_process(staff: Client) -> None:
    add("return", "怎么退货")
    url = f"{page('sop_retrieval')}?q=怎么退货"
    snapshot.CACHE.clear()
    retrieval.forget()

    assert query_count(staff, url) <= LIST_QUERIES
    warm = query_count(staff, url)
    for number in range(3):
        add(f"return-{number}", f"怎么退货呢{number}")

    assert query_count(staff, url) <= LIST_QUERIES  # what a process keeps of SOPs is read anew
    assert query_count(staff, url) == warm


def test_an_sop_out_of_its_time_or_place_is_not_retrieved() -> None:
    now = timezone.now()
    add("now", "怎么退货", valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=1))
    add("early", "怎么退货", valid_from=now + timedelta(days=1))
    add("over", "怎么退货", valid_to=now - timedelta(seconds=1))
    add("elsewhere", "怎么退货", shops=["ib_2"])

    def found(**scope: str) -> set[str]:
        where = retrieval.Scope(**scope)
        return {
            hit.key for hit in retrieval.search("怎么退货", language="zh", limit=9, scope=where)
        }

    assert found() == {"now"}
    assert found(shop="ib_2") == {"now", "elsewhere"}


def test_coverage_names_intents_without_an_sop(staff: Client) -> None:
    Intent.objects.create(name="lonely", title_zh="孤单")
    add("a", "甲", intent="busy")
    add("b", "乙", intent="busy", valid_to=timezone.now() - timedelta(days=1))

    rows = {row["intent"]: row for row in staff.get(page("sop_coverage")).context["rows"]}

    assert (rows["lonely"]["empty"], rows["lonely"]["counts"]) == (True, [0, 0])
    assert (rows["busy"]["counts"], rows["busy"]["wordings"]) == ([1, 0], 1)


def test_radar_tells_conflicts_from_duplicates_and_keeps_what_is_ignored(
    staff: Client, rung: Any
) -> None:
    add("a", "退款什么时候到账呢", "三天内原路退回您的账户。")
    add("b", "退款什么时候到账", "我们不支持退款,请联系平台。")
    add("c", "怎么开电子发票", "在订单详情里申请电子发票。")
    add("d", "怎么开电子发票呀", "在订单详情里申请电子发票。")
    add("e", "怎么开电子发票", "别的店。", shops=["ib_2"])
    add("f", "怎么开电子发票", "另一家店。", shops=["ib_3"])
    change = timezone.now() + timedelta(days=9)
    add("g", "积分怎么换礼品", "换不了。", valid_to=change)
    add("h", "积分怎么换礼品", "在会员中心里换。", valid_from=change)

    staff.post(page("sopfinding_look"))
    kinds = {
        (row.sop.key, row.other.key): row.kind
        for row in SopFinding.objects.select_related("sop", "other")
    }
    assert kinds[("a", "b")] == "conflict"
    assert kinds[("c", "d")] == "duplicate"
    assert ("e", "f") not in kinds
    assert staff.get(page("sopfinding_changelist")).status_code == 200

    pair = SopFinding.objects.get(sop__key="a")
    staff.post(page("sopfinding_changelist"), {"action": "ignore", "_selected_action": [pair.pk]})
    staff.post(page("sopfinding_look"))
    assert SopFinding.objects.get(sop__key="a").ignored


def test_state_and_pair_are_shown(staff: Client) -> None:
    add("a", "甲", valid_to=timezone.now() + timedelta(days=3))
    add("a", "A", language="en")

    text = staff.get(page("sop_changelist"), headers=ENGLISH).content.decode()

    assert "expires soon" in text
    for name in ("early", "over", "soon", "on", "review"):
        assert staff.get(page("sop_changelist"), {"time": name}).status_code == 200


@pytest.mark.parametrize(
    "name", ["sop_changelist", "sop_coverage", "sop_import", "sopfinding_changelist"]
)
def test_lists_ask_a_bounded_number_of_queries(staff: Client, name: str) -> None:
    query_count(staff, page(name))  # warm caches of content types and sessions
    few = query_count(staff, page(name))
    sops = [add(f"k{number}", f"标题{number}") for number in range(5)]
    SopFinding.objects.create(
        kind="conflict",
        sop=sops[0],
        other=sops[1],
        wording="a",
        other_wording="b",
        score=1,
        answers_alike=0,
    )
    for number in range(3):
        SopImport.objects.create(file_name=f"{number}.csv", file=b"")

    assert query_count(staff, page(name)) <= max(few, LIST_QUERIES)
    assert few <= LIST_QUERIES
