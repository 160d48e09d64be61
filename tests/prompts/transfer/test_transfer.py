"""SOPs out of files and into them: every row's fate, hostile files, nothing half-imported."""

import io
import json
import zipfile
from typing import Any

import openpyxl
import pytest
from django.contrib.auth import get_user_model

from prompts import retrieval, transfer
from prompts.models import Sop, SopQuestion
from prompts.transfer import Changed, Fate, Unreadable, reading
from prompts.transfer.columns import COLUMNS

pytestmark = pytest.mark.django_db

HEADERS = "key,language,title,questions,answer,intent,category"
RETURN = 'return,zh,如何退货,"怎么退货\n东西想退掉",在订单里申请退货。,return,return'


def csv(*lines: str, headers: str = HEADERS) -> bytes:
    return "\n".join((headers, *lines)).encode()


def planned(content: bytes, name: str = "sops.csv") -> list[dict[str, Any]]:
    return [row.as_json() for row in transfer.plan(transfer.read(content, name=name)).rows]


def imported(content: bytes, name: str = "sops.csv") -> transfer.Plan:
    table = transfer.read(content, name=name)
    told: list[tuple[int, int]] = []
    plan = transfer.plan(table)
    return transfer.apply(table, digest=plan.digest, progress=lambda *far: told.append(far))


def refused(content: bytes, name: str = "sops.csv") -> str:
    with pytest.raises(Unreadable) as error:
        transfer.read(content, name=name)
    return error.value.reason


def problems(line: str, *, headers: str = HEADERS) -> list[tuple[str, str]]:
    [row] = planned(csv(line, headers=headers))
    return [(problem["column"], problem["reason"]) for problem in row["problems"]]


def test_rows_are_added_updated_and_left_alone() -> None:
    assert imported(csv(RETURN)).counts == {"added": 1, "updated": 0, "unchanged": 0, "refused": 0}
    sop = Sop.objects.get()
    assert (sop.title, sop.answer, sop.enabled) == ("如何退货", "在订单里申请退货。", True)
    assert set(sop.questions.values_list("text", flat=True)) == {
        "如何退货",
        "怎么退货",
        "东西想退掉",
    }
    assert retrieval.search("想退掉", language="zh")[0].key == "return"

    assert [row["fate"] for row in planned(csv(RETURN))] == ["unchanged"]
    changed = csv("return,zh,如何退货,换个说法")
    changed = changed.replace(HEADERS.encode(), b"key,language,title,questions")
    [row] = planned(changed)
    assert (row["fate"], row["changed"]) == ("updated", ["questions"])
    imported(changed)

    sop = Sop.objects.get()
    assert sop.answer == "在订单里申请退货。"
    assert set(sop.questions.values_list("text", flat=True)) == {"如何退货", "换个说法"}
    assert retrieval.search("想退掉", language="zh")[0].score < retrieval.CONFIDENT


def test_dry_run_changes_nothing() -> None:
    planned(csv(RETURN))

    assert not Sop.objects.exists()


def test_one_refused_row_keeps_all_out() -> None:
    table = transfer.read(csv(RETURN, "x,fr,,,,,"), name="sops.csv")
    plan = transfer.plan(table)
    assert plan.counts == {"added": 1, "updated": 0, "unchanged": 0, "refused": 1}

    with pytest.raises(Changed):
        transfer.apply(table, digest=plan.digest, progress=lambda done, rows: None)

    assert not Sop.objects.exists()


def test_what_changed_since_the_check_is_not_written_over() -> None:
    table = transfer.read(csv(RETURN), name="sops.csv")
    plan = transfer.plan(table)
    imported(csv(RETURN.replace("申请退货", "自己退货")))

    with pytest.raises(Changed) as error:
        transfer.apply(table, digest=plan.digest, progress=lambda done, rows: None)

    assert [row.fate for row in error.value.plan.rows] == [Fate.UPDATED]
    assert Sop.objects.get().answer == "在订单里自己退货。"


def test_a_failure_in_the_middle_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer.applying, "BATCH", 1)
    monkeypatch.setattr(retrieval, "add_questions", failing_second(retrieval.add_questions))

    with pytest.raises(RuntimeError):
        imported(csv(RETURN, RETURN.replace("return,zh", "other,zh")))

    assert not Sop.objects.exists()
    assert not SopQuestion.objects.exists()


def failing_second(real: Any) -> Any:
    calls: list[int] = []

    def add(worded: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        real(worded)

    return add


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "yaml"])
def test_control_characters_keep_no_file_from_being_written(kind: str) -> None:
    imported(csv(RETURN))
    Sop.objects.update(title="a\x0bb\x01", answer="x\uffff\ty\nz")

    content = transfer.write(Sop.objects.all(), kind=kind)

    [row] = transfer.read(content, name=f"sops.{kind}").rows
    if kind == "xlsx":
        assert (row.cells["title"], row.cells["answer"]) == ("a b ", "x \ty\nz")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "yaml"])
def test_what_goes_out_comes_back_unchanged(kind: str) -> None:
    owner = get_user_model().objects.create_user("小林", is_staff=True)
    sop = Sop.objects.create(
        key="odd", language="zh", title="=1+1", category="c", intent="i", answer="'-@ \"x\";\n第二行,<PHONE_1>",
        steps=["+a", "b"], required_slots=["order_number"], tool="get_order", shops=["ib_1"], skus=["007"],
        channels=["widget"], valid_from="2026-01-31T08:00:00+08:00", valid_to="2026-12-31T00:00:00Z",
        owner=owner, review_on="2026-06-01", enabled=False,
    )  # fmt: skip
    retrieval.index_sop(sop)
    SopQuestion.objects.create(sop=sop, text="@怎么办")
    content = transfer.write(Sop.objects.all(), kind=kind)

    [row] = planned(content, f"sops.{kind}")

    assert (row["fate"], row["changed"], row["problems"]) == ("unchanged", [], [])


def test_formulas_are_texts_in_every_spreadsheet() -> None:
    Sop.objects.create(
        key="k", language="zh", title="=HYPERLINK(1)", category="@c", intent="-i", answer="+1|cmd"
    )

    line = transfer.write(Sop.objects.all(), kind="csv").decode("utf-8-sig").splitlines()[1]
    book = openpyxl.load_workbook(io.BytesIO(transfer.write(Sop.objects.all(), kind="xlsx")))

    assert "'=HYPERLINK(1)" in line
    assert "'@c" in line
    cells = [cell for cell in next(book.worksheets[0].iter_rows(min_row=2)) if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not [cell.value for cell in cells if str(cell.value)[0] in "=+-@"]


def test_errors_are_named_by_row_and_column() -> None:
    headers = f"{HEADERS},valid_from,valid_to,owner,enabled"
    assert problems("k,zh,,,,,", headers=HEADERS) == [
        ("title", "missing"),
        ("answer", "missing"),
        ("intent", "missing"),
        ("category", "missing"),
    ]
    assert problems("a b,fr,t,,<b>hi</b>,i,c", headers=HEADERS) == [
        ("key", "spaces"),
        ("language", "language"),
        ("answer", "html"),
    ]
    assert problems("k,zh,t,,a,i,c,soon,,nobody,maybe", headers=headers) == [
        ("valid_from", "moment"),
        ("owner", "owner"),
        ("enabled", "switch"),
    ]
    assert problems("k,zh,t,,a,i,c,2026-02-01,2026/01/01,,", headers=headers) == [
        ("valid_to", "range")
    ]


def test_a_megabyte_in_a_field_is_an_error_of_its_cell() -> None:
    [row] = planned(csv(f"k,zh,t,,{'长' * 350_000},i,c"))

    assert row["problems"] == [{"column": "answer", "reason": "long", "most": 4000, "has": 350_000}]


def test_the_same_key_twice_is_refused_at_the_second() -> None:
    rows = planned(csv(RETURN, RETURN))

    assert [row["fate"] for row in rows] == ["added", "refused"]
    assert rows[1]["problems"] == [{"column": "key", "reason": "twice", "row": 2}]


def test_a_field_twice_in_one_record_is_refused() -> None:
    line = b'{"key": "a", "key": "b", "language": "zh", "title": "t", "answer": "a", "intent": "i", "category": "c"}'
    [row] = planned(line, "sops.jsonl")

    assert row["problems"] == [{"column": "key", "reason": "doubled_key", "line": 1}]


def test_a_field_twice_in_one_yaml_record_is_refused_at_its_line() -> None:
    record = "- key: a\n  language: zh\n  title: t\n  answer: one\n  intent: i\n  category: c\n"
    rows = planned(f"{record}{record}  answer: two\n".encode(), "sops.yaml")

    assert rows[1]["problems"][0] == {"column": "answer", "reason": "doubled_key", "line": 13}
    assert rows[0]["problems"] == []


def test_gbk_and_utf_16_are_read_other_bytes_are_refused() -> None:
    text = csv(RETURN).decode()

    assert transfer.read(text.encode("gbk"), name="a.csv").encoding == "GBK"
    assert planned(text.encode("gbk"))[0]["title"] == "如何退货"
    assert planned(text.encode("utf-16"))[0]["title"] == "如何退货"
    assert planned(text.encode("utf-8-sig"))[0]["title"] == "如何退货"
    assert refused(b"key,language\n\xff\xff\x81\x20") == "encoding"
    assert refused(b"key,language\na\0b,zh") == "encoding"


def test_chinese_headers_are_understood() -> None:
    content = csv("k,zh,标题一,回答一,i,c", headers="编号,语言,标题,答案,意图,分类")

    assert [row["fate"] for row in planned(content)] == ["added"]


def test_bombs_are_refused_before_they_go_off(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (65 * 1024 * 1024))
    monkeypatch.setattr(reading, "ROWS", 3)

    assert refused(packed.getvalue(), "a.xlsx") == "bomb"
    assert refused(b"x" * (reading.FILE_BYTES + 1)) == "file_bytes"
    assert refused(csv(*[f"k{n},zh,t,,a,i,c" for n in range(4)])) == "rows"
    assert refused(csv("x", headers=",".join(["key"] * 65))) == "columns"
    assert refused(b"- &a [x]\n- *a", "a.yaml") == "aliases"


def test_xml_entities_of_a_workbook_are_not_unfolded() -> None:
    packed = io.BytesIO()
    book = openpyxl.Workbook()
    book.save(packed)
    hostile = io.BytesIO()
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(hostile, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, bomb if entry == "xl/workbook.xml" else old.read(entry))

    assert refused(hostile.getvalue(), "a.xlsx") == "broken"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.csv", "empty"),
        (b"key", "a.doc", "kind"),
        (b"a,b\n1,2", "a.csv", "headers"),
        (b"key,key\n1,2", "a.csv", "doubled"),
        (b'key\n"open', "a.csv", "broken"),
        (b"not a zip", "a.xlsx", "broken"),
        (b'{"key": "a"}\n{', "a.jsonl", "line"),
        (b"[1]", "a.jsonl", "no_object"),
        (b"a: 1", "a.yaml", "no_list"),
        (b"- [", "a.yaml", "yaml"),
        (b"- ? [x]\n  : 1", "a.yaml", "yaml_key"),
        (b"- " + b"[" * 30, "a.yaml", "depth"),
        (b"- !!python/object:os.system x", "a.yaml", "tag"),
    ],
)
def test_unreadable_files_say_why(content: bytes, name: str, reason: str) -> None:
    assert refused(content, name) == reason


def test_jsonl_holds_real_lists_and_every_column() -> None:
    Sop.objects.create(
        key="k", language="zh", title="t", category="c", intent="i", answer="a", steps=["x", "y"]
    )

    record = json.loads(transfer.write(Sop.objects.all(), kind="jsonl"))

    assert tuple(record) == COLUMNS
    assert record["steps"] == ["x", "y"]
