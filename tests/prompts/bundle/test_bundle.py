"""A bundle out and in: the same bytes, every object's fate, nothing by halves."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.models import Inbox
from prompts import bundle, retrieval
from prompts.bundle import BundleError, Fate, Refused, places, texts
from prompts.models import (
    EvalCase,
    EvalSet,
    FewShotExample,
    IntentExample,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    RoutePolicy,
    Sop,
)
from prompts.redaction import engine
from prompts.yaml_marks import load
from tests.prompts.bundle.rows import forget_shop, text_of, write_shop

SHOP = [
    "bundle.yaml",
    "examples/zh/late.yaml",
    "intents/urge.yaml",
    "policies/4.yaml",
    "prompts/answer.zh/prompt.yaml",
    "prompts/answer.zh/v2.yaml",
    "prompts/answer.zh/v3.yaml",
    "sets/night/cases.jsonl",
    "sets/night/set.yaml",
    "sops/zh/return.yaml",
]


@pytest.fixture
def shop(db: None, tmp_path: Path) -> Path:
    """A shop's texts, exported."""
    write_shop()
    bundle.write(bundle.export().files, tmp_path)
    return tmp_path


def fates(folder: Path, *, publish: bool = False) -> dict[str, str]:
    plan = bundle.compare(bundle.read(folder), publish=publish)
    assert [str(problem) for problem in plan.refused] == []
    items = sorted(plan.items, key=lambda item: item.fate is not Fate.ABSENT)
    return {item.path: item.fate.value for item in items}


def apply(folder: Path, *, publish: bool = False) -> bundle.Plan:
    return bundle.apply(bundle.read(folder), publish=publish)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def command(*words: Any) -> tuple[int, str, str]:
    """Exit code, what it said, what it complained of."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("bundle", *map(str, words), stdout=out, stderr=err)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue(), err.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


def test_what_is_in_force_and_in_live_releases_leaves_in_readable_files(shop: Path) -> None:
    said = text_of(shop)

    assert sorted(said) == SHOP
    assert said["sops/zh/return.yaml"] == (
        "key: return\nlanguage: zh\ntitle: 如何退货\ncategory: return\nintent: return\n"
        "questions:\n- 东西想退掉\nanswer: |-\n  在订单里申请退货。\n  七天内可退。\nsteps:\n- 打开订单\n"
        "valid_to: '2026-12-31T16:00:00+00:00'\n"
    )
    assert said["prompts/answer.zh/prompt.yaml"].endswith("title: 回答\ncurrent: 2\n")
    assert "还没想好" not in said["intents/urge.yaml"]
    assert json.loads(said["sets/night/cases.jsonl"])["enabled"] is False


def test_the_same_state_twice_is_the_same_bytes(shop: Path) -> None:
    before = text_of(shop)

    assert bundle.write(bundle.export().files, shop) == []
    assert text_of(shop) == before


def test_a_way_round_through_an_empty_database_changes_nothing(shop: Path) -> None:
    before = text_of(shop)
    forget_shop()

    assert set(fates(shop, publish=True).values()) == {"new"}
    apply(shop, publish=True)

    # Version 3 leaves because of its release, which is no part of a bundle.
    fresh = bundle.export().files
    assert fresh == {p: t for p, t in before.items() if p in fresh}
    assert set(before) - set(fresh) == {"bundle.yaml", "prompts/answer.zh/v3.yaml"}
    assert PromptVersion.objects.count() == 2
    assert retrieval.search("东西想退掉", language="zh")[0].key == "return"
    assert fates(shop) == dict.fromkeys(fates(shop), "same")


def test_a_second_import_finds_everything_as_it_is(shop: Path) -> None:
    edit(shop / "sops/zh/return.yaml", "七天内可退", "十五天内可退")
    edit(shop / "prompts/answer.zh/v2.yaml", "规则 2", "规则 2b")

    first = apply(shop)
    assert {item.path for item in first.items if item.fate is Fate.CHANGED} == {
        "sops/zh/return.yaml"
    }
    again = apply(shop)

    assert again.counts[Fate.NEW] == again.counts[Fate.CHANGED] == 0
    assert Sop.objects.get().answer.endswith("十五天内可退。")


def test_a_version_is_never_written_over_and_speaks_only_when_it_is_wanted(shop: Path) -> None:
    edit(shop / "prompts/answer.zh/v2.yaml", "规则 2", "规则 2b")
    prompt = Prompt.objects.get()

    assert fates(shop)["prompts/answer.zh/v2.yaml"] == "new"
    assert fates(shop)["prompts/answer.zh/prompt.yaml"] == "held"
    apply(shop)

    prompt.refresh_from_db()
    assert prompt.current is not None
    assert (prompt.current.number, prompt.current.rules) == (2, "规则 2\n先道歉")
    fresh = PromptVersion.objects.get(number=4)
    assert fresh.rules == "规则 2b\n先道歉"
    assert fates(shop)["prompts/answer.zh/prompt.yaml"] == "held"

    apply(shop, publish=True)
    prompt.refresh_from_db()
    assert prompt.current == fresh
    assert PromptVersion.objects.count() == 4
    assert fates(shop, publish=True)["prompts/answer.zh/prompt.yaml"] == "same"


def test_a_prompt_that_goes_out_by_releases_only_comes_in_and_does_not_speak(shop: Path) -> None:
    edit(shop / "prompts/answer.zh/v2.yaml", "规则 2", "规则 2b")
    Prompt.objects.update(by_release_only=True)

    tried = command("import", shop, "--publish")
    done = command("import", shop, "--publish", "--apply")
    # Tried, it tells what would be; carried out, nothing is.
    assert tried == done
    assert tried[0] == 2
    assert "refused  prompts/answer.zh/prompt.yaml" in tried[1]
    assert "prompt.yaml:4:1: its versions go out by releases only" in tried[2]
    assert PromptVersion.objects.count() == 3
    assert fates(shop)["prompts/answer.zh/prompt.yaml"] == "held"
    apply(shop)

    prompt = Prompt.objects.get()
    assert prompt.current is not None
    assert prompt.current.number == 2
    assert PromptVersion.objects.get(number=4).rules == "规则 2b\n先道歉"
    assert fates(shop)["prompts/answer.zh/prompt.yaml"] == "held"


def test_what_guards_a_prompt_and_how_a_set_is_asked_travel_by_name(
    db: None, tmp_path: Path
) -> None:
    prompt = write_shop()
    cases = EvalSet.objects.get(name="night")
    judge = ModelEndpoint.objects.create(name="judge-1", provider="openai", model="m")
    inbox = Inbox.objects.create(key="ib_shop", name="山野杂货")
    EvalSet.objects.update(inbox=inbox.key, judge=judge, judge_blocks=True)
    Prompt.objects.filter(pk=prompt.pk).update(guarded_by=cases, by_release_only=False)
    folder = tmp_path / "bundle"
    bundle.write(bundle.export().files, folder)
    forget_shop()

    assert apply(folder).warnings == []

    cases, prompt = EvalSet.objects.get(name="night"), Prompt.objects.get()
    assert (cases.inbox, cases.judge, cases.judge_blocks) == ("ib_shop", judge, True)
    assert (prompt.guarded_by, prompt.by_release_only) == (cases, False)
    assert "changed" not in fates(folder).values()
    # A line that was left out opens no gate.
    edit(folder / "prompts/answer.zh/prompt.yaml", "guarded_by: night\n", "")
    assert "changed" not in fates(folder).values()


def test_a_name_that_is_not_there_is_warned_of_and_changes_nothing(shop: Path) -> None:
    edit(
        shop / "sets/night/set.yaml",
        "threshold: 90.0\n",
        "threshold: 90.0\njudge: gone\ninbox: ib\n",
    )
    edit(shop / "prompts/answer.zh/prompt.yaml", "title: 回答\n", "title: 回答\nguarded_by: none\n")

    found = bundle.compare(bundle.read(shop))

    assert [str(each) for each in found.warnings] == [
        "sets/night/set.yaml:5:1: inbox: there is no ib here; it is left as it is",
        "sets/night/set.yaml:4:1: judge: there is no gone here; it is left as it is",
        "prompts/answer.zh/prompt.yaml:4:1: guarded_by: there is no none here; it is left as it is",
    ]
    assert set(fates(shop).values()) == {"same"}


def test_a_policy_is_added_and_put_in_force_only_when_it_is_wanted(shop: Path) -> None:
    edit(shop / "policies/4.yaml", "quality_vip: 0.97", "quality_vip: 0.91")

    apply(shop)
    assert RoutePolicy.objects.get(active=True).number == 4
    assert fates(shop)["policies/4.yaml"] == "held"
    apply(shop, publish=True)

    active = RoutePolicy.objects.get(active=True)
    assert (active.number, active.content["quality_vip"]) == (5, 0.91)
    assert fates(shop, publish=True)["policies/4.yaml"] == "same"


def test_what_only_the_database_has_stays_and_is_told(shop: Path) -> None:
    (shop / "examples/zh/late.yaml").rename(shop / ".late")
    edit(shop / "prompts/answer.zh/v2.yaml", "example_keys:\n- late\n", "")
    edit(shop / "prompts/answer.zh/v3.yaml", "example_keys:\n- late\n", "")

    assert fates(shop)["examples/zh/late.yaml"] == "absent"
    apply(shop)

    assert FewShotExample.objects.count() == 1


def test_an_example_a_file_no_longer_has_is_switched_off_and_a_moved_one_moves(shop: Path) -> None:
    (shop / "intents/hurry.yaml").write_text(
        "name: hurry\nzh:\n  neutral:\n  - 快点发货\n  - 还没想好\n"
    )
    edit(shop / "intents/urge.yaml", "- 快点发货", "- 催一下")

    apply(shop)

    found = IntentExample.objects.filter(enabled=True).order_by("text")
    assert sorted(found.values_list("intent__name", "text", "emotion", "source")) == [
        ("hurry", "快点发货", "neutral", "staff"),
        ("hurry", "还没想好", "neutral", "staff"),
        ("urge", "催一下", "negative", "staff"),
    ]


def test_one_thing_that_is_wrong_keeps_everything_out(shop: Path) -> None:
    edit(shop / "sops/zh/return.yaml", "七天内", "九天内")
    edit(shop / "examples/zh/late.yaml", "role: visitor", "role: boss")

    with pytest.raises(Refused) as error:
        apply(shop)

    assert [str(problem) for problem in error.value.plan.refused] == [
        "examples/zh/late.yaml:5:3: messages.0.role: Input should be 'visitor' or 'bot'"
    ]
    assert "七天内" in Sop.objects.get().answer


def test_a_failure_in_the_middle_leaves_nothing(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_shop()
    monkeypatch.setattr(bundle.kinds.KINDS["policy"], "store", lambda changes: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        apply(shop)

    assert not Sop.objects.exists()
    assert not Prompt.objects.exists()


# --- personal data ---------------------------------------------------------------------------------


def test_personal_data_stays_here_and_the_export_says_where(db: None, tmp_path: Path) -> None:
    write_shop()
    EvalCase.objects.update(
        text="我叫王小明，电话13812345678，再打13812345678", reference="请打 13812345678"
    )
    Sop.objects.update(answer="打给我们：13900001111")

    found = bundle.export()
    bundle.write(found.files, tmp_path)

    said = "".join(text_of(tmp_path).values())
    assert not [value for value in ("王小明", "13812345678", "13900001111") if value in said]
    assert json.loads(found.files["sets/night/cases.jsonl"])["text"].count("<PHONE_1>") == 2
    assert json.loads(found.files["sets/night/cases.jsonl"])["reference"] == "请打 <PHONE_1>"
    assert found.masked == [
        "sops/zh/return.yaml: answer",
        "sets/night/cases.jsonl late-1: text",
        "sets/night/cases.jsonl late-1: reference",
    ]
    # What left masked is what stands there: an import changes nothing of it.
    assert fates(tmp_path) == dict.fromkeys(fates(tmp_path), "same")
    edit(tmp_path / "sops/zh/return.yaml", "title: 如何退货", "title: 怎么退货")
    apply(tmp_path)
    assert (Sop.objects.get().title, Sop.objects.get().answer) == (
        "怎么退货",
        "打给我们：13900001111",
    )


def test_personal_data_that_comes_in_is_masked_but_for_what_the_shop_publishes(shop: Path) -> None:
    edit(shop / "examples/zh/late.yaml", "怎么还不发货", "我电话13812345678怎么还不发货")
    edit(shop / "sops/zh/return.yaml", "七天内可退", "找13900001111退")

    apply(shop)

    assert FewShotExample.objects.get().messages[0]["text"] == "我电话<PHONE_1>怎么还不发货"
    assert "13900001111" in Sop.objects.get().answer
    assert apply(shop).counts[Fate.CHANGED] == 0


def test_an_import_looks_for_personal_data_only_in_what_differs(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    find = engine.find

    def seen(text: str, **asked: Any) -> Any:
        looked.append(text)
        return find(text, **asked)

    monkeypatch.setattr(engine, "find", seen)
    apply(shop)
    assert looked == []

    edit(shop / "examples/zh/late.yaml", "怎么还不发货", "电话13812345678怎么还不发货")
    edit(shop / "prompts/answer.zh/v2.yaml", "规则 2", "规则 2b")
    edit(shop / "intents/urge.yaml", "快点发货", "赶紧发货")
    edit(shop / "sops/zh/return.yaml", "七天内可退", "八天内可退")
    apply(shop)

    # The example as it comes and as it stands, the intent's new words, and nothing of the other files.
    assert set(looked) - {"visitor", "bot"} == {
        "电话13812345678怎么还不发货",
        "怎么还不发货",
        "抱歉，马上催。",
        "赶紧发货",
    }
    assert FewShotExample.objects.get().messages[0]["text"] == "电话<PHONE_1>怎么还不发货"


def test_a_version_that_left_masked_is_found_again(db: None, tmp_path: Path) -> None:
    write_shop()
    prompt = Prompt.objects.get()
    number = PromptVersion.objects.create(
        prompt=prompt, number=4, text="打13812345678", note="hotline"
    )
    other = PromptVersion.objects.create(prompt=prompt, number=5, text="打13900001111")
    Prompt.objects.update(current=number)
    bundle.write(bundle.export().files, tmp_path)
    Prompt.objects.update(current=other)

    # Two that leave saying the same: the newest of them is meant, and it is in force.
    assert fates(tmp_path, publish=True)["prompts/answer.zh/v4.yaml"] == "same"
    assert fates(tmp_path, publish=True)["prompts/answer.zh/prompt.yaml"] == "same"
    Prompt.objects.update(current=PromptVersion.objects.get(number=2))
    assert fates(tmp_path)["prompts/answer.zh/prompt.yaml"] == "held"
    apply(tmp_path, publish=True)

    assert Prompt.objects.get().current == other
    assert PromptVersion.objects.count() == 5


def test_a_placeholder_that_customers_would_read_is_warned_of(shop: Path) -> None:
    edit(shop / "sops/zh/return.yaml", "七天内可退", "找<PHONE_1>退")

    warned = bundle.compare(bundle.read(shop)).warnings

    assert [str(each) for each in warned] == [
        "sops/zh/return.yaml:1:1: holds <PHONE_1>, which was masked when it left"
    ]


# --- hostile content ---------------------------------------------------------------------------------

SOP = "key: k\nlanguage: zh\ntitle: t\ncategory: c\nintent: i\nanswer: a\n"
WRONG: dict[str, tuple[str, str | bytes, str]] = {
    "a key twice": ("sops/zh/k.yaml", f"{SOP}answer: b\n", "7:1: the key answer stands here a second time"),
    "aliases": ("sops/zh/k.yaml", "a: &a [1]\nb: *a\n", "2:4: anchors and aliases (& and *) are not allowed"),
    "a tag": ("sops/zh/k.yaml", "!!python/object/apply:os.system [x]", "1:1: tags are not allowed"),
    "gbk": ("sops/zh/k.yaml", SOP.replace("answer: a", "answer: 退货").encode("gbk"), "6:1: is not UTF-8"),
    "a megabyte": ("sops/zh/k.yaml", SOP.replace("answer: a", f"answer: {'长' * 350_000}"), "6:1: too long: 350000 characters, at most 4000"),
    "html": ("sops/zh/k.yaml", SOP.replace("answer: a", "answer: <script>x</script>"), "6:1: holds HTML"),
    "another's place": ("sops/zh/x.yaml", SOP, "1:1: belongs into sops/zh/k.yaml"),
    "a way out": ("sops/zh/k.yaml", SOP.replace("key: k", "key: ../../k"), "belongs into sops/zh/%2E.%2F..%2Fk.yaml"),
    "an unknown field": ("sops/zh/k.yaml", f"{SOP}pricee: 1\n", "7:1: pricee: Extra inputs are not permitted"),
    "a list": ("sops/zh/k.yaml", "- a\n", "1:1: an object of fields is wanted"),
    "half a character": ("sops/zh/k.yaml", SOP.replace("answer: a", 'answer: "\\ud800"'), "no YAML"),
    "a nul": ("sops/zh/k.yaml", SOP.replace("answer: a", 'answer: "a\\0"'), "6:1: holds a character that cannot be stored"),
    "settings": ("prompts/answer.zh/v9.yaml", "purpose: answer\nlanguage: zh\nnumber: 9\ntext: 'x {{ settings.SECRET_KEY }}'\n", "4:1: It holds template signs: {{ }}"),
    "a loop": ("prompts/answer.zh/v9.yaml", "purpose: answer\nlanguage: zh\nnumber: 9\ntext: '{% for x in y %}'\n", "4:1: It holds template signs: %} {%"),
    "an undeclared name": ("prompts/answer.zh/v9.yaml", "purpose: answer\nlanguage: zh\nnumber: 9\ntext: '{{ settings }}'\n", "Used but not declared: settings"),
    "no such example": ("prompts/answer.zh/v9.yaml", "purpose: answer\nlanguage: zh\nnumber: 9\ntext: hi\nexample_keys: [nobody]\n", "5:1: There are no such examples: nobody"),
    "no such version": ("prompts/brief.zh/prompt.yaml", "purpose: brief\nlanguage: zh\ntitle: t\ncurrent: 9\n", "4:1: v9.yaml is missing beside it"),
    "a date for a number": ("policies/9.yaml", "number: 9\ncontent:\n  quality_vip: 2026-01-01\n", "3:3: quality_vip"),
    "no such endpoint": ("policies/9.yaml", "number: 9\ncontent:\n  rules:\n  - {name: r, when: {}, effect: {only: [nobody]}}\n", "3:3: rules[0]"),
    "a case of no set": ("sets/other/cases.jsonl", '{"key": "a", "text": "b"}\n', "1:1: there is no set other"),
    "a case twice": ("sets/night/cases.jsonl", '{"key": "a", "text": "b"}\n\n{"key": "a", "text": "c"}\n', "3:1: is in sets/night/cases.jsonl:1 already"),
    "a doubled key in a line": ("sets/night/cases.jsonl", '{"key": "a", "text": "b", "text": "c"}\n', "1:1: the key text stands in it twice"),
    "no json": ("sets/night/cases.jsonl", '{"key": "a",\n', "1:1: no JSON"),
    "deep json": ("sets/night/cases.jsonl", '{"key": ' + "[" * 100_000, "1:1: no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_hostile_content_is_refused_at_its_place(shop: Path, name: str) -> None:
    path, content, wanted = WRONG[name]
    file = shop / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(Refused) as error:
        apply(shop)

    said = [str(problem) for problem in error.value.plan.refused]
    assert [line for line in said if line.startswith(f"{path}:") and wanted in line], said
    assert Sop.objects.count() == 1


def unreadable(folder: Path) -> str:
    with pytest.raises(BundleError) as error:
        bundle.read(folder)
    return str(error.value)


def test_links_and_strange_files_are_refused_and_never_followed(
    shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text(SOP)
    link = shop / "sops/zh/k.yaml"
    link.symlink_to(outside)
    assert "sops/zh/k.yaml:1:1: is a link" in unreadable(shop)
    with pytest.raises(BundleError, match="is a link"):
        bundle.write({"sops/zh/k.yaml": "written"}, shop)
    assert outside.read_text() == SOP
    link.unlink()

    (shop / "more").symlink_to(outside.parent)
    assert "more:1:1: is a link" in unreadable(shop)
    (shop / "more").unlink()
    (shop / "sop").mkdir()
    (shop / "sop/k.yaml").write_text(SOP)
    assert "sop/k.yaml:1:1: is no part of a bundle" in unreadable(shop)
    (shop / "sop/k.yaml").unlink()
    (shop / "sops/zh/big.yaml").write_bytes(b"a: " + b"x" * 2_100_000)
    assert "sops/zh/big.yaml:1:1: has 2,100,003 bytes" in unreadable(shop)


def test_a_directory_that_is_none_of_ours_is_not_touched(db: None, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    assert "no bundle" in unreadable(tmp_path)
    with pytest.raises(BundleError, match="is not empty"):
        bundle.write({}, tmp_path)
    assert text_of(tmp_path) == {"mine": "mine"}


def test_what_stands_beside_a_bundle_stays(shop: Path) -> None:
    (shop / "README.md").write_text("ours")
    (shop / ".git").mkdir()
    (shop / ".git/config").write_text("ours")
    Sop.objects.all().delete()

    assert bundle.write(bundle.export().files, shop) == ["sops/zh/return.yaml"]
    assert not (shop / "sops").exists()
    assert (shop / "README.md").read_text() == (shop / ".git/config").read_text() == "ours"


@settings(deadline=None)
@given(st.text(min_size=1, max_size=80))
def test_no_name_leaves_its_folder(name: str) -> None:
    quoted = places.quoted(name.encode(errors="ignore").decode() or "x")

    assert "/" not in quoted
    assert "\0" not in quoted
    assert not quoted.startswith(".")
    assert 0 < len(quoted.encode()) <= 240


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), TEXTS | st.lists(TEXTS, max_size=3), max_size=3))
def test_every_text_comes_back_from_its_file(said: dict[str, Any]) -> None:
    assert (load(texts.as_yaml(said)).value or {}) == said


WORDS = st.text("退货 快点\n:#-'\"{}[]&*!|>%@`=,?~\té，null0", min_size=1, max_size=30).map(str.strip).filter(bool)  # fmt: skip


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(title=WORDS, answer=WORDS, question=WORDS, rules=WORDS, said=WORDS, threshold=st.floats(0, 100))  # fmt: skip
def test_whatever_is_written_goes_round_unchanged(
    db: None, tmp_path_factory: pytest.TempPathFactory, threshold: float, **words: str
) -> None:
    forget_shop()
    prompt = Prompt.objects.create(purpose="free", language="zh", title=words["title"])
    prompt.current = PromptVersion.objects.create(
        prompt=prompt, number=7, text="{{rules}}", rules=re.sub("[{}%]", "", words["rules"]) or "x"
    )  # fmt: skip
    prompt.save()
    sop = Sop.objects.create(
        key="k", language="zh", title=" ".join(words["title"].split()), category="c", intent="i", answer=words["answer"]
    )  # fmt: skip
    sop.questions.create(text=" ".join(words["question"].split()))
    FewShotExample.objects.create(
        key="k", language="zh", intent="i",
        messages=[{"role": "visitor", "text": words["said"]}, {"role": "bot", "text": "好"}],
    )  # fmt: skip
    night = EvalSet.objects.create(name="night", title=words["title"], threshold=threshold)
    EvalCase.objects.create(set=night, key="a", text=words["said"])
    folder = tmp_path_factory.mktemp("round")
    bundle.write(bundle.export().files, folder)
    before = text_of(folder)
    forget_shop()

    apply(folder, publish=True)

    assert bundle.write(bundle.export().files, folder) == []
    assert text_of(folder) == before


# --- the command -------------------------------------------------------------------------------------


def test_the_command_says_what_it_does_and_fits_ci(db: None, tmp_path: Path) -> None:
    write_shop()
    EvalCase.objects.update(text="电话13812345678")

    code, out, err = command("export", tmp_path)
    assert (code, err) == (0, "masked: sets/night/cases.jsonl late-1: text\n")
    assert "9 files, 10 changed, personal data masked in 1 places" in out
    assert command("diff", tmp_path) == (0, "the same\n", "")

    edit(tmp_path / "sops/zh/return.yaml", "七天内", "九天内")
    code, out, _ = command("diff", tmp_path)
    assert (code, out) == (1, "sops/zh/return.yaml: says something else (answer)\ndifferent\n")
    code, out, _ = command("import", tmp_path)
    assert code == 0
    assert "changed  sops/zh/return.yaml (answer)" in out
    assert "Nothing was changed: --apply carries it out." in out
    assert "七天内" in Sop.objects.get().answer
    code, out, _ = command("import", tmp_path, "--apply")
    assert (code, "Applied." in out) == (0, True)
    assert "九天内" in Sop.objects.get().answer

    (tmp_path / "sops/zh/return.yaml").write_text(f"{SOP}title: x\n")
    for act in ("diff", "import"):
        code, _, err = command(act, tmp_path)
        assert (code, "sops/zh/return.yaml:7:1:" in err) == (2, True)
    code, _, err = command("diff", tmp_path / "nowhere")
    assert (code, "is no directory" in err) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_everything_once(tmp_path: Path) -> None:
    write_shop()
    bundle.write(bundle.export().files, tmp_path)
    for model in (Sop, FewShotExample):
        model.objects.all().delete()
    edit(tmp_path / "prompts/answer.zh/v2.yaml", "规则 2", "规则 2b")
    directory = bundle.read(tmp_path)

    def racer() -> bundle.Plan:
        try:
            return bundle.apply(directory, publish=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        plans = [future.result() for future in [pool.submit(racer) for _ in range(2)]]

    assert sorted(plan.counts[Fate.NEW] for plan in plans) == [0, 3]
    assert PromptVersion.objects.filter(rules__contains="2b").count() == 1
    assert Sop.objects.count() == FewShotExample.objects.count() == 1
