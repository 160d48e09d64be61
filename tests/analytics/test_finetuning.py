"""Data to tune a model with: formats, duplicates, leaks, masking, scope, what is erased, and all or nothing on the disk."""

import json
import re
import stat
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics.finetuning import formats, gathering, likeness, sources
from analytics.finetuning.sample import SPLITS, Count, Line, Sample, in_turn
from analytics.finetuning.sources import Scope
from chat.actions import privacy
from chat.models import Conversation, Inbox, Message, Rating, Visitor
from prompts.models import EvalCase, EvalSet, FewShotExample, Sop, SopQuestion
from tests.factories import ConversationFactory, InboxFactory, VisitorFactory

# What must never be in a file, and how it is said.
PHONE, ID_CARD, EMAIL, KEY = (
    "13812345678",
    "11010519491231002X",
    "wang.li@example.com",
    "sk-" + "a1B2" * 8,
)
PERSONAL = re.compile(r"1[3-9]\d{9}|\d{17}[\dXx]|[\w.]+@[\w.]+|sk-[A-Za-z0-9]{16,}")
TOPICS = (
    "蓝色羽绒服什么时候补货", "玻璃水杯碎了两只怎么赔", "发票抬头写错了能重开吗", "快递柜取件码一直没收到", "会员积分年底会不会清零",
    "定制刻字的戒指能不能退", "羊毛大衣可以机洗吗", "海外仓发货要交关税吗", "预售尾款忘记付了怎么办", "儿童餐椅的承重是多少",
    "咖啡机漏水在哪里维修", "学生优惠怎么认证身份", "沙发能不能送货上楼安装", "跑鞋偏大半码如何更换", "礼品卡余额查询入口在哪",
    "拼团失败钱多久退回来", "冰箱门封条单独卖不卖", "面膜过敏了谁来负责", "电子书下载以后打不开", "露营帐篷防不防暴雨",
)  # fmt: skip

TEXT = {"type": "string", "minLength": 1}


def message(role: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"role": {"const": role}, "content": TEXT},
        "required": ["role", "content"],
        "additionalProperties": False,
    }


# OpenAI: a list "messages" of role and content that ends with the assistant's. DashScope's ChatML is the same without
# name and weight: user and assistant in turn after an optional system message.
MESSAGES = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 2,
            "items": {"anyOf": [message("user"), message("assistant")]},
        }
    },
    "required": ["messages"],
    "additionalProperties": False,
}
# LLaMA-Factory: human at the odd places, gpt at the even ones.
CONVERSATIONS = {
    "type": "object",
    "properties": {
        "conversations": {
            "type": "array",
            "minItems": 2,
            "items": {
                "type": "object",
                "properties": {"from": {"enum": ["human", "gpt"]}, "value": TEXT},
                "required": ["from", "value"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["conversations"],
    "additionalProperties": False,
}


def sample(asked: str, group: str = "", answer: str = "好的，请稍等") -> Sample:
    lines = (Line("user", asked), Line("assistant", answer))
    return Sample("sop", group or asked, "zh", lines)


def rated(
    *said: tuple[str, str], visitor: Visitor | None = None, score: int = 5, **meta: Any
) -> Conversation:
    """A conversation that has ended, with its rating."""
    conversation: Conversation = ConversationFactory.create(
        visitor=visitor or VisitorFactory.create(), resolved_at=timezone.now(), last_seq=len(said)
    )
    for seq, (role, text) in enumerate(said, 1):
        kept = meta if role == "bot" else {}
        Message.objects.create(conversation=conversation, seq=seq, role=role, text=text, meta=kept)
    Rating.objects.create(conversation=conversation, score=score, resolved=True)
    return conversation


def one(asked: str, **fields: Any) -> Conversation:
    return rated(("visitor", asked), ("bot", f"关于{asked}，这样办理"), **fields)


def export(folder: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    call_command("export_finetune", str(folder), **options)
    return {
        split: [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]
        for split in SPLITS
    }


def texts(found: dict[str, list[dict[str, Any]]]) -> str:
    return json.dumps(found, ensure_ascii=False)


def test_lines_are_in_turn_from_a_question_to_an_answer() -> None:
    said: list[tuple[Any, str]] = [
        ("assistant", "您好"), ("user", "在吗"), ("user", " 退货 "), ("assistant", "可以"),
        ("assistant", ""), ("assistant", "请寄回"), ("user", "谢谢"),
    ]  # fmt: skip

    assert in_turn(said) == (Line("user", "在吗\n退货"), Line("assistant", "可以\n请寄回"))
    assert in_turn([("assistant", "您好"), ("user", "在吗")]) == ()


def test_of_near_duplicates_the_first_stays() -> None:
    found = [sample(text) for text in TOPICS]
    planted = [
        sample("蓝色的羽绒服什么时候补货呀"),
        sample("玻璃水杯碎了两只怎么赔！"),
        sample(TOPICS[5]),
    ]

    assert likeness.kept([*found, *planted]) == found
    assert likeness.kept([planted[0], *found])[:2] == [planted[0], found[1]]


def test_leaks_are_found_where_they_were_planted() -> None:
    train = [sample(text) for text in TOPICS[:12]]
    clean = {"train": train, "valid": [sample(TOPICS[12])], "test": [sample(TOPICS[13])]}
    assert likeness.leaks(clean, [TOPICS[14]]) == []  # type: ignore[arg-type]

    near, torn = sample("羊毛大衣可不可以机洗"), sample(TOPICS[15], group=TOPICS[3])
    planted = {**clean, "valid": [near], "test": [torn]}
    found = likeness.leaks(planted, ["海外仓发货要不要交关税"])  # type: ignore[arg-type]

    assert {(leak.kind, leak.text) for leak in found} == {
        ("one customer or SOP in train and test", TOPICS[15]),
        ("nearly the same in train and valid", near.asked),
        ("an evaluation case in train", TOPICS[7]),
    }


def test_a_case_is_found_within_a_dialogue_and_thanks_are_nobodys() -> None:
    lines = [
        Line("user", "在吗"),
        Line("assistant", "在的"),
        Line("user", TOPICS[2]),
        Line("assistant", "可以"),
    ]
    dialogue = Sample("conversation", "g", "zh", tuple(lines))

    assert likeness.measured([sample(TOPICS[0]), dialogue], [TOPICS[2]]) == {1}
    assert likeness.measured([sample(TOPICS[0]), dialogue], ["在吗"]) == set()


def test_the_split_is_that_of_the_group_and_the_seed() -> None:
    groups = [f"customer {n}" for n in range(2000)]
    split = Counter(gathering.split_of(group, seed=1) for group in groups)

    assert 0.77 < split["train"] / 2000 < 0.83
    assert 0.08 < split["valid"] / 2000 < 0.12
    same = [
        gathering.split_of(group, seed=1) == gathering.split_of(group, seed=2) for group in groups
    ]
    assert not all(same)


@pytest.mark.django_db
@pytest.mark.parametrize("form", sorted(formats.FORMATS))
def test_each_format_is_what_its_trainer_reads(form: str, tmp_path: Path) -> None:
    for text in TOPICS:
        one(text)
    rated(
        ("visitor", "露台烧烤架怎么点火"),
        ("agent", "按说明书第三页"),
        ("visitor", "找到了，火很旺"),
        ("bot", "祝您用餐愉快"),
    )

    found = export(tmp_path / "set", format=form)

    lines = [line for split in SPLITS for line in found[split]]
    assert len(lines) == len(TOPICS) + 1
    for line in lines:
        jsonschema.validate(line, CONVERSATIONS if form == "sharegpt" else MESSAGES)
        said = [
            each.get("role") or each["from"]
            for each in line.get("messages") or line["conversations"]
        ]
        pair = ["human", "gpt"] if form == "sharegpt" else ["user", "assistant"]
        assert said == pair * (len(said) // 2)
    if form == "sharegpt":
        info = json.loads((tmp_path / "set" / "dataset_info.json").read_text())
        assert {entry["file_name"] for entry in info.values()} == {
            f"{split}.jsonl" for split in SPLITS
        }
        assert {entry["formatting"] for entry in info.values()} == {"sharegpt"}
        assert info["yingda_train"]["columns"] == {"messages": "conversations"}


@pytest.mark.django_db
def test_nothing_personal_and_no_key_goes_out(tmp_path: Path) -> None:
    for text in TOPICS[:6]:
        one(text)
    # As if it had never been masked: rows of another system, or of a day when something was overlooked.
    one(f"露营帐篷寄到王小明那里，电话{PHONE}，身份证{ID_CARD}")
    one(f"电子书请发到{EMAIL}，我的手机还是{PHONE}")
    one(f"接口报错，密钥是{KEY}")
    Sop.objects.create(
        key="call", language="zh", title="t", category="c", intent="i", answer=f"请致电{PHONE}"
    )
    SopQuestion.objects.create(sop=Sop.objects.get(key="call"), text="冰箱门封条坏了打哪个电话")

    found = texts(export(tmp_path / "set"))

    assert "<PHONE_1>" in found
    assert PERSONAL.findall(found) == []
    assert "密钥" not in found
    card = (tmp_path / "set" / "README.md").read_text()
    assert PERSONAL.findall(card) == []
    assert "with what looks like a key: 1" in card
    assert re.search(r"- PHONE: \d", card)
    assert stat.S_IMODE((tmp_path / "set").stat().st_mode) == 0o700


@pytest.mark.django_db
def test_only_what_was_good_is_learned_from(tmp_path: Path) -> None:
    one(TOPICS[0])
    one(TOPICS[1], score=3)
    one(TOPICS[2], feedback="down")
    one(TOPICS[3], unanswered=True)
    rated(("visitor", "<MESSAGE_1>"), ("bot", "好的"))
    Conversation.objects.filter(pk=one(TOPICS[4]).pk).update(resolved_at=None)
    Rating.objects.filter(conversation=one(TOPICS[5])).update(resolved=False)
    FewShotExample.objects.create(
        key="on",
        language="zh",
        intent="i",
        messages=[{"role": "visitor", "text": TOPICS[6]}, {"role": "bot", "text": "可以"}],
    )
    FewShotExample.objects.create(
        key="off",
        language="zh",
        intent="i",
        enabled=False,
        messages=[{"role": "visitor", "text": TOPICS[7]}, {"role": "bot", "text": "要"}],
    )
    for number, (enabled, until) in enumerate(
        [(True, None), (False, None), (True, timezone.now())]
    ):
        sop = Sop.objects.create(
            key=f"s{number}",
            language="zh",
            title="t",
            category="c",
            intent="i",
            answer="这样办",
            enabled=enabled,
            valid_to=until,
        )
        SopQuestion.objects.create(sop=sop, text=TOPICS[8 + number])

    count = Count()
    asked = {each.asked for each in sources.all_of(Scope(), count)}

    assert asked == {TOPICS[0], TOPICS[6], TOPICS[8]}
    assert count.read == {"example": 1, "sop": 1, "conversation": 1}
    assert count.left_out == {
        "with a thumb down": 1,
        "with a question that was not answered": 1,
        "not examined to the end for personal data": 1,
    }


@pytest.mark.django_db
def test_an_erased_customer_is_in_no_file_and_neither_is_the_example_of_theirs(
    tmp_path: Path,
) -> None:
    for text in TOPICS[:6]:
        one(text)
    gone = VisitorFactory.create()
    one(TOPICS[10], visitor=gone)
    FewShotExample.objects.create(
        key="theirs", language="zh", intent="i", source="conversation", trace_id=str(uuid.uuid4()),
        messages=[{"role": "visitor", "text": TOPICS[11]}, {"role": "bot", "text": "好的"}],
    )  # fmt: skip
    privacy.erase(gone)

    found = texts(export(tmp_path / "set"))

    assert TOPICS[10] not in found
    assert TOPICS[11] not in found
    kept = [
        sample(TOPICS[0]),
        Sample("conversation", "g", "zh", (), conversation=str(uuid.uuid4())),
    ]
    assert gathering.present(kept, Count()) == kept[:1]


@pytest.mark.django_db
def test_a_customer_and_an_evaluation_case_stay_on_their_side(tmp_path: Path) -> None:
    inbox = InboxFactory.create()
    # One customer on two devices, by the shop's own id of them, and many others.
    for number, text in enumerate(TOPICS[:16]):
        one(
            text,
            visitor=VisitorFactory.create(
                inbox=inbox, customer_id=f"c{number // 4}" if number % 4 == 0 else ""
            ),
        )
    other = [one(text, visitor=VisitorFactory.create(inbox=inbox)) for text in TOPICS[16:18]]
    visitor = other[0].visitor
    one(TOPICS[18], visitor=visitor)
    EvalCase.objects.create(
        set=EvalSet.objects.create(name="s", title="s"), key="k", text=TOPICS[19]
    )
    one(f"请问{TOPICS[19]}呢")

    gathered = gathering.gather(Scope(), seed=1, most=1000)

    assert gathered.count.left_out["asked in an evaluation set"] == 1
    assert len(gathered.samples) == 19
    group = {each.group for each in gathered.samples if each.asked in {TOPICS[16], TOPICS[18]}}
    assert len(group) == 1
    assert likeness.leaks(gathered.splits, gathered.cases) == []
    again = gathering.gather(Scope(), seed=1, most=1000)
    assert again.splits == gathered.splits


@pytest.mark.django_db
def test_only_the_named_inboxes(tmp_path: Path) -> None:
    mine: Inbox = InboxFactory.create()
    for text in TOPICS[:8]:
        one(text, visitor=VisitorFactory.create(inbox=mine))
    one(TOPICS[8])
    sop = Sop.objects.create(
        key="o", language="zh", title="t", category="c", intent="i", answer="好", shops=["ib_other"]
    )
    SopQuestion.objects.create(sop=sop, text=TOPICS[9])

    found = texts(export(tmp_path / "set", inbox=[mine.key]))

    assert TOPICS[8] not in found
    assert TOPICS[9] not in found
    with pytest.raises(CommandError, match="no inbox has the key ib_nobody"):
        export(tmp_path / "none", inbox=[mine.key, "ib_nobody"])


@pytest.mark.django_db
def test_a_leak_or_a_taken_place_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="nothing to train on"):
        export(tmp_path / "set")
    for text in TOPICS[:8]:
        one(text)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "theirs").write_text("x")
    with pytest.raises(CommandError, match="not empty"):
        export(tmp_path / "full")
    # The customers of every other sample are torn apart: the check has to see it without the help of the split.
    halves = {"train": [sample(TOPICS[0], "g")], "valid": [sample(TOPICS[1], "g")], "test": []}
    monkeypatch.setattr(gathering, "divided", lambda samples, *, seed: halves)

    with pytest.raises(CommandError, match="1 leaks, nothing was written") as raised:
        export(tmp_path / "set")

    assert raised.value.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.django_db
def test_reading_stops_at_the_most_and_goes_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE", 3)
    made = [one(text) for text in TOPICS[:10]]

    everything = [each.conversation for each in sources.all_of(Scope(), Count())]
    some = gathering.gather(Scope(), seed=1, most=4)

    assert everything == [str(each.pk) for each in reversed(made)]
    assert some.count.read == {"conversation": 4}
