"""The audit: every write has a row with who, what, before and after, and nobody can touch what is written."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse

from chat.models import Inbox
from prompts import audit, bundle, imports, retrieval, roles, transfer
from prompts.models import (
    AuditEntry,
    EvalCase,
    EvalSet,
    FewShotExample,
    Prompt,
    PromptDraft,
    PromptVersion,
    Release,
    RoutePolicy,
    Sop,
    SopImport,
)
from tests.factories import InboxFactory
from tests.prompts.admin.pages import ENGLISH, page, query_count

pytestmark = pytest.mark.django_db

LINES = [{"role": "visitor", "text": "在吗"}, {"role": "bot", "text": "在的"}]


def told(**about: Any) -> list[tuple[str, str, dict[str, Any]]]:
    rows = AuditEntry.objects.filter(**about).order_by("pk")
    return [(row.act, row.actor, row.changes) for row in rows]


def new_sop(**changes: Any) -> Sop:
    said = {
        "key": "k",
        "language": "zh",
        "title": "退货",
        "category": "c",
        "intent": "i",
        "answer": "旧",
    }
    return Sop.objects.create(**{**said, **changes})  # fmt: skip


@pytest.fixture
def lin(db: None) -> Any:
    return get_user_model().objects.create_superuser("小林")


@pytest.fixture
def staff(lin: Any) -> Client:
    client = Client()
    client.force_login(lin)
    return client


def test_who_what_before_and_after() -> None:
    user = get_user_model().objects.create_user("小林")
    with audit.acting(user.pk):
        sop = new_sop()
        sop.answer = "新"
        sop.save()
    sop.delete()

    added, changed, deleted = told(model="prompts.sop")
    assert added[:2] == ("added", "小林")
    assert added[2]["answer"] == [None, "旧"]
    assert changed == ("changed", "小林", {"answer": ["旧", "新"]})
    assert deleted[:2] == ("deleted", "")
    assert deleted[2]["answer"] == ["新", None]


@pytest.mark.django_db(transaction=True)
def test_a_connection_given_back_meanwhile_takes_no_name_along(lin: Any) -> None:
    with audit.acting(lin.pk):
        new_sop()
        connection.close()  # as where a shop or a model is waited for
    new_sop(key="l")

    with audit.acting(lin.pk):
        connection.close()
        new_sop(key="m")
        connection.close()
    new_sop(key="n")

    added = [actor for act, actor, _ in told(model="prompts.sop") if act == "added"]
    assert added == ["小林", "", "小林", ""]


@pytest.mark.django_db(transaction=True)
def test_a_name_that_cannot_be_taken_back_stays_with_nobody(lin: Any) -> None:
    with audit.acting(lin.pk):
        new_sop()
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        driver: Any = connection.connection
    assert driver.closed

    new_sop(key="l")

    assert [row.actor for row in AuditEntry.objects.filter(model="prompts.sop").order_by("pk")] == [
        "小林",
        "",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_failed_leaves_no_name(lin: Any) -> None:
    def twice() -> None:
        with transaction.atomic(), audit.acting(lin.pk):
            new_sop()
            new_sop()

    with pytest.raises(IntegrityError):
        twice()

    new_sop(key="l")
    with audit.acting(lin.pk):
        new_sop(key="m")

    assert [each[1] for each in told(model="prompts.sop")] == ["", "小林"]


def test_who_acted_before_acts_again(lin: Any) -> None:
    other = get_user_model().objects.create_user("小王")
    with audit.acting(lin.pk):
        with audit.acting(other.pk):
            new_sop()
        new_sop(key="l")
    with audit.acting(None, by="guard"):
        new_sop(key="m")

    assert [each[1] for each in told(model="prompts.sop")] == ["小王", "小林", "guard"]


def test_bulk_writes_and_raw_statements_are_heard() -> None:
    first, second = new_sop(), new_sop(key="l", title="换货")
    Sop.objects.update(category="d")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE prompts_sop SET intent = 'j' WHERE id = %s", [first.pk])

    changes = [(row.label, row.changes) for row in AuditEntry.objects.filter(act="changed").order_by("pk")]  # fmt: skip
    assert sorted(changes[:2], key=str) == sorted(
        [("退货", {"category": ["c", "d"]}), ("换货", {"category": ["c", "d"]})], key=str
    )
    assert changes[2] == ("退货", {"intent": ["i", "j"]})
    assert second.pk


def test_what_changes_nothing_is_no_change() -> None:
    sop = new_sop()
    before = AuditEntry.objects.count()

    sop.save()
    retrieval.reindex(sop.questions.all())

    assert AuditEntry.objects.count() == before


def test_wordings_of_an_sop_are_changes_of_it() -> None:
    sop = new_sop()
    retrieval.add_questions([(sop.pk, "东西想退"), (sop.pk, "退货怎么办")])
    sop.questions.filter(text="东西想退").update(text="东西想退掉")
    sop.questions.all().delete()

    assert [each[2]["questions"] for each in told(model="prompts.sop", act="changed")] == [
        [None, ["东西想退", "退货怎么办"]],
        ["东西想退", "东西想退掉"],
        [["东西想退掉", "退货怎么办"], None],
    ]


def test_a_file_of_sops_is_its_uploaders_doing_and_one_act(lin: Any) -> None:
    content = "key,language,title,answer,intent,category\na,zh,甲,答,i,c\nb,zh,乙,答,i,c\n".encode()
    table = transfer.read(content, name="a.csv")
    job = SopImport.objects.create(
        file_name="a.csv", file=content, state="applying", digest=transfer.plan(table).digest, created_by=lin
    )  # fmt: skip

    imports.apply(job.pk)

    rows = AuditEntry.objects.filter(model="prompts.sop", act="added")
    assert set(rows.values_list("label", "actor")) == {("甲", "小林"), ("乙", "小林")}
    assert rows.values("together").distinct().count() == 1


def test_a_bundle_and_the_platform_are_named_as_such(tmp_path: Any) -> None:
    new_sop()
    bundle.write(bundle.export().files, tmp_path)
    Sop.objects.all().delete()
    with audit.acting(None, by="manage.py bundle import"):
        bundle.apply(bundle.read(tmp_path))

    assert told(model="prompts.sop", act="added")[-1][1] == "manage.py bundle import"


def test_saves_of_a_draft_are_one_change_until_somebody_else_writes(lin: Any) -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    other = get_user_model().objects.create_user("小王")
    with audit.acting(lin.pk):
        draft = PromptDraft.objects.create(prompt=prompt, text="一")
        for text in ("一二", "一二三"):
            PromptDraft.objects.filter(pk=draft.pk).update(text=text, revision=F("revision") + 1)
        PromptDraft.objects.filter(pk=draft.pk).update(rules="先道歉")
    with audit.acting(other.pk):
        PromptDraft.objects.filter(pk=draft.pk).update(text="四")

    added, mine, theirs = told(model="prompts.promptdraft")
    assert added[2]["text"] == [None, "一"]
    assert mine == ("changed", "小林", {"text": ["一", "一二三"], "rules": ["", "先道歉"]})
    assert theirs == ("changed", "小王", {"text": ["一二三", "四"]})
    assert AuditEntry.objects.filter(label="answer zh").count() == 4


def test_every_kind_that_staff_edit_is_heard(lin: Any) -> None:
    with audit.acting(lin.pk):
        prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
        version = PromptVersion.objects.create(prompt=prompt, number=1, text="t")
        Prompt.objects.update(current=version)
        FewShotExample.objects.create(key="k", language="zh", intent="i", messages=LINES)
        night = EvalSet.objects.create(name="night", title="夜间")
        EvalCase.objects.create(set=night, key="a", text="在吗")
        RoutePolicy.objects.create(number=1)
        release = Release.objects.create(name="spring", note="n", eval_set=night)
        release.versions.add(version)
        Release.objects.update(status="canary")
        group = Group.objects.create(name="夜班")
        group.permissions.add(Permission.objects.get(codename="change_sop"))
        lin.groups.add(group)
        InboxFactory.create()

    heard = AuditEntry.objects.filter(actor="小林")
    assert set(heard.values_list("model", flat=True)) == {
        "prompts.prompt", "prompts.promptversion", "prompts.fewshotexample", "prompts.evalset", "prompts.evalcase",
        "prompts.routepolicy", "prompts.release", "auth.group", "auth.user", "chat.inbox",
    }  # fmt: skip
    assert told(model="auth.group", act="changed")[0][2] == {"permissions": [None, "change_sop"]}
    assert told(model="auth.user", act="changed")[-1][2] == {"groups": [None, "夜班"]}
    assert {"status": ["draft", "canary"]} in [each[2] for each in told(model="prompts.release")]


def test_secrets_are_told_without_their_values() -> None:
    inbox = InboxFactory.create()
    Inbox.objects.filter(pk=inbox.pk).update(identity_secret="sealed-one")
    Inbox.objects.filter(pk=inbox.pk).update(identity_secret="sealed-two")
    user = get_user_model().objects.create_user("u", email="u@example.com", password="very-secret")
    user.set_password("other-secret")
    user.save()

    changes = [each[2]["identity_secret"] for each in told(model="chat.inbox", act="changed")]
    assert changes == [["", "•••"], ["•••", "••• (2)"]]
    said = str(list(AuditEntry.objects.values_list("changes", flat=True)))
    assert not [word for word in ("sealed", "u@example.com", "pbkdf2", "secret$") if word in said]
    assert "password" in said


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("打13812345678找", "打<PHONE_1>找"),
        ("打 138-1234-5678 或 +86 13912345678", "打 <PHONE_1> 或 <PHONE_1>"),
        ("call +44 20 7946 0958, fax 010-62345678", "call <PHONE_1>, fax <PHONE_1>"),
        ("打１３８１２３４５６７８", "打<PHONE_1>"),
        ("卡6222 0212 3456 7890 123，证11010119900307123X", "卡<BANK_CARD_1>，证<ID_CARD_1>"),
        ("写信到wang.li@example.com.cn。", "写信到<EMAIL_1>。"),
        ("7天内，满299减50，2026-02-13 12:00 起，400-800-1234", "7天内，满299减50，2026-02-13 12:00 起，400-800-1234"),
    ],
)  # fmt: skip
def test_numbers_and_mail_addresses_are_masked_in_the_row(typed: str, kept: str) -> None:
    new_sop(answer=typed, title=typed[:100], steps=[typed])

    entry = AuditEntry.objects.get(model="prompts.sop")
    assert entry.changes["answer"] == [None, kept]
    assert entry.changes["steps"] == [None, [kept]]
    assert entry.label == kept


def test_one_number_for_another_is_still_a_change() -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    draft = PromptDraft.objects.create(prompt=prompt, text="打13812345678")
    for text in ("打13912345678", "打13712345678"):
        PromptDraft.objects.filter(pk=draft.pk).update(text=text)

    assert told(model="prompts.promptdraft", act="changed") == [
        ("changed", "", {"text": ["打<PHONE_1>", "打<PHONE_1> (2)"]})
    ]


def test_nobody_changes_or_deletes_what_is_written() -> None:
    new_sop()

    for act in (lambda: AuditEntry.objects.update(actor="x"), lambda: AuditEntry.objects.all().delete()):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            act()
    assert AuditEntry.objects.filter(actor="x").count() == 0


def test_a_name_does_not_outlive_what_it_was_given_for(lin: Any) -> None:
    with pytest.raises(ZeroDivisionError), audit.acting(lin.pk):
        raise ZeroDivisionError
    new_sop()

    assert told(model="prompts.sop")[0][1] == ""


def test_what_is_rolled_back_is_not_in_the_audit() -> None:
    with transaction.atomic():
        new_sop()
        transaction.set_rollback(True)

    assert told(model="prompts.sop") == []


# --- pages -------------------------------------------------------------------------------------------


def test_a_save_in_the_admin_is_its_users_doing(staff: Client) -> None:
    sop = new_sop()
    retrieval.index_sop(sop)
    staff.post(page("sop_changelist"), {"action": "disable", "_selected_action": [str(sop.pk)]})
    new_sop(key="later")

    assert told(model="prompts.sop", act="changed")[-1] == ("changed", "小林", {"enabled": [True, False]})  # fmt: skip
    assert told(model="prompts.sop", act="added")[-1][1] == ""


def test_the_pages_tell_the_story_with_personal_data_masked(staff: Client, lin: Any) -> None:
    with audit.acting(lin.pk):
        sop = new_sop(answer="在订单里申请退货")
        Sop.objects.update(answer="打13812345678找王小明退货")
    entry = AuditEntry.objects.get(model="prompts.sop", act="changed")

    listed = staff.get(page("auditentry_changelist"), {"kind": "prompts.sop", "who": "小林"})
    assert [row.pk for row in listed.context["cl"].result_list] == [entry.pk, entry.pk - 1]
    shown = staff.get(page("auditentry_change", entry.pk)).content.decode()
    assert "13812345678" not in shown
    assert "在订单里" in shown
    assert f'href="{page("sop_change", sop.pk)}"' in shown
    one = staff.get(
        page("auditentry_changelist"), {"model": "prompts.sop", "object_pk": str(sop.pk)}
    )
    assert one.context["cl"].result_count == 2
    assert staff.get(page("auditentry_add")).status_code == 403
    assert staff.post(page("auditentry_delete", entry.pk), {"post": "yes"}).status_code == 403


def test_only_changes_of_what_one_may_see_are_seen() -> None:
    roles.make()
    new_sop()
    InboxFactory.create()
    user = get_user_model().objects.create_user("viewer", is_staff=True)
    user.groups.add(Group.objects.get(name="studio viewer"))
    client = Client()
    client.force_login(user)

    listed = client.get(page("auditentry_changelist"))
    assert {row.model for row in listed.context["cl"].result_list} == {"prompts.sop"}
    hidden = AuditEntry.objects.filter(model="chat.inbox").first()
    assert hidden is not None
    assert client.get(page("auditentry_change", hidden.pk)).status_code == 302
    nobody = Client()
    nobody.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
    assert nobody.get(page("auditentry_changelist")).status_code == 403


def test_the_list_asks_as_little_for_many_as_for_few(staff: Client) -> None:
    new_sop()
    before = query_count(staff, page("auditentry_changelist"))
    for number in range(60):
        new_sop(key=f"k{number}")

    assert query_count(staff, page("auditentry_changelist")) <= max(before, 12)
    assert before <= 12


# --- two editors -------------------------------------------------------------------------------------


def form_of(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send back of a form."""
    shown = client.get(url).context["adminform"].form
    said = {name: field.value() for name, field in ((f.name, f) for f in shown)}
    inlines = {"questions-TOTAL_FORMS": "0", "questions-INITIAL_FORMS": "0"}
    plain = {k: v for k, v in said.items() if v is not None and v is not False}
    times = {f"{name}_{at}": "" for name in ("valid_from", "valid_to") for at in (0, 1)}
    return {**plain, **inlines, **times}


def edited(kind: str) -> tuple[Any, str, Any]:
    """A row of a kind, the field that is edited, and its new value."""
    night = EvalSet.objects.create(name="night", title="夜间")
    return {
        "sop": (new_sop(), "answer", "我的回答"),
        "fewshotexample": (FewShotExample.objects.create(key="k", language="zh", intent="i", messages=LINES), "intent", "mine"),
        "evalset": (night, "title", "我的标题"),
        "evalcase": (EvalCase.objects.create(set=night, key="a", text="在吗"), "text", "我的问题"),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["sop", "fewshotexample", "evalset", "evalcase"])
def test_the_second_editor_is_refused_and_loses_nothing(staff: Client, kind: str) -> None:
    row, field, mine = edited(kind)
    url = page(f"{kind}_change", row.pk)
    said = {**form_of(staff, url), field: mine}
    for name in ("messages", "history", "tags", "slots", "steps", "required_slots", "shops", "skus", "channels"):  # fmt: skip
        if name in said and not isinstance(said[name], str):
            said[name] = str(said[name]).replace("'", '"')
    other = get_user_model().objects.create_user("小王")
    with audit.acting(other.pk):
        type(row).objects.filter(pk=row.pk).update(**{field: "别人的"})

    refused = staff.post(url, said)

    assert refused.status_code == 200
    shown = refused.content.decode()
    assert "没有保存：小王" in shown
    assert mine in shown
    assert getattr(type(row).objects.get(pk=row.pk), field) == "别人的"
    again = {**said, "seen": refused.context["adminform"].form["seen"].value()}
    assert staff.post(url, again).status_code == 302
    assert getattr(type(row).objects.get(pk=row.pk), field) == mine


def test_the_second_of_two_at_one_role_is_told(staff: Client) -> None:
    roles.make()
    group = Group.objects.get(name="studio viewer")
    url = reverse("admin:auth_group_change", args=[group.pk])
    rights = [str(pk) for pk in group.permissions.values_list("pk", flat=True)]
    said = {"name": group.name, "permissions": rights[:3]}
    seen = staff.get(url).context["adminform"].form.initial["seen"]
    group.permissions.remove(int(rights[0]))

    refused = staff.post(url, {**said, "seen": seen})

    assert "没有保存：平台" in refused.content.decode()
    assert group.permissions.count() == len(rights) - 1
    insisted = refused.context["adminform"].form["seen"].value()
    assert staff.post(url, {**said, "seen": insisted}).status_code == 302
    assert group.permissions.count() == 3


def test_who_alone_edits_saves_at_once(staff: Client) -> None:
    row, field, mine = edited("evalset")
    url = page("evalset_change", row.pk)

    assert staff.post(url, {**form_of(staff, url), field: mine}, headers=ENGLISH).status_code == 302
