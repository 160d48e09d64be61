"""`sync_defaults` and intents: new shipped examples arrive, and what staff wrote or changed stays theirs."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from prompts.models import Intent, IntentExample

pytestmark = pytest.mark.django_db

RETURN: dict[str, Any] = {
    "title_zh": "退货",
    "title_en": "Return",
    "zh": {"neutral": ["我要退货", "能退吗"], "negative": ["垃圾东西我要退"]},
    "en": {"neutral": ["I want to return it"]},
}
TEXTS = {"我要退货", "能退吗", "垃圾东西我要退", "I want to return it"}
NEWER = {**RETURN, "zh": {"neutral": ["我要退货", "退货怎么办理"]}}


class Folder:
    """A folder of defaults with intents only."""

    def __init__(self, path: Path) -> None:
        self.path = path / "intents"
        self.path.mkdir(parents=True)

    def write(self, name: str, content: Any) -> None:
        (self.path / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))

    def sync(self) -> str:
        """What happened, as "1 added": what did not happen is left out."""
        out = io.StringIO()
        call_command("sync_defaults", folder=self.path.parent, stdout=out)
        parts = out.getvalue().strip().removeprefix("defaults: ").split(", ")
        return ", ".join(part for part in parts if not part.startswith("0 "))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Already loaded once."""
    made = Folder(tmp_path / "defaults")
    made.write("return", RETURN)
    made.sync()
    return made


def texts() -> set[str]:
    return set(IntentExample.objects.values_list("text", flat=True))


def test_an_intent_is_loaded_with_its_examples(folder: Folder) -> None:
    intent = Intent.objects.get()
    assert (intent.name, intent.title_zh, intent.enabled) == ("return", "退货", True)
    assert texts() == TEXTS
    angry = IntentExample.objects.get(emotion="negative")
    assert (angry.text, angry.language, angry.source) == ("垃圾东西我要退", "zh", "default")


def test_a_second_run_changes_nothing(folder: Folder) -> None:
    before = list(IntentExample.objects.values())
    assert folder.sync() == "1 unchanged"
    assert list(IntentExample.objects.values()) == before


def test_files_for_tests_are_no_intents(folder: Folder) -> None:
    folder.write("_multi", [{"text": "x"}])
    assert folder.sync() == "1 unchanged"


def test_a_new_default_brings_examples_and_takes_away_what_left_it(folder: Folder) -> None:
    folder.write("return", NEWER)

    assert folder.sync() == "1 updated"

    assert texts() == {"我要退货", "退货怎么办理", "I want to return it"}
    assert folder.sync() == "1 unchanged"


@pytest.mark.parametrize("source", ["staff", "candidate"])
def test_what_staff_added_survives_a_new_default(folder: Folder, source: str) -> None:
    IntentExample.objects.create(
        intent=Intent.objects.get(), language="zh", text="店长加的", source=source
    )
    folder.write("return", NEWER)

    assert folder.sync() == "1 updated"

    assert "店长加的" in texts()


@pytest.mark.parametrize(
    "changes", [{"text": "改过的话"}, {"emotion": "positive"}, {"enabled": False}]
)
def test_an_edited_example_keeps_the_whole_intent(folder: Folder, changes: dict[str, Any]) -> None:
    IntentExample.objects.filter(text="能退吗").update(**changes)
    before = texts()
    folder.write("return", NEWER)

    for _ in range(2):
        assert folder.sync() == "1 kept because edited"

    assert texts() == before


def test_a_deleted_example_does_not_come_back(folder: Folder) -> None:
    IntentExample.objects.get(text="能退吗").delete()
    assert folder.sync() == "1 kept because edited"
    assert texts() == TEXTS - {"能退吗"}


def test_an_edited_title_is_kept(folder: Folder) -> None:
    Intent.objects.update(title_zh="退换")
    folder.write("return", NEWER)
    assert folder.sync() == "1 kept because edited"
    assert (Intent.objects.get().title_zh, texts()) == ("退换", TEXTS)


def test_switching_an_intent_off_is_no_edit(folder: Folder) -> None:
    Intent.objects.update(enabled=False)
    folder.write("return", NEWER)
    assert folder.sync() == "1 updated"
    assert not Intent.objects.get().enabled


def test_an_intent_of_staff_is_theirs(folder: Folder) -> None:
    mine = Intent.objects.create(name="gift", title_zh="礼物")
    IntentExample.objects.create(intent=mine, language="zh", text="能包成礼物吗")
    folder.write("gift", {**RETURN, "zh": {"neutral": ["送礼"]}, "en": {}})

    assert folder.sync() == "1 kept because edited, 1 unchanged"

    assert set(mine.examples.values_list("text", flat=True)) == {"能包成礼物吗"}


def test_words_that_staff_filed_elsewhere_stay_there(folder: Folder) -> None:
    mine = Intent.objects.create(name="gift", title_zh="礼物")
    IntentExample.objects.create(intent=mine, language="zh", text="退货怎么办理")
    folder.write("return", NEWER)

    assert folder.sync() == "1 updated"

    assert IntentExample.objects.get(text="退货怎么办理").intent == mine


def test_an_intent_that_left_the_defaults_stays(folder: Folder) -> None:
    (folder.path / "return.yaml").unlink()
    folder.sync()
    assert texts() == TEXTS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**RETURN, "title_zh": ""}, "intents/return.yaml, field title_zh: "),
        ({**RETURN, "zh": {"furious": ["x"]}}, "intents/return.yaml, field zh.furious: "),
        ({**RETURN, "zh": {"neutral": ["长" * 201]}}, "intents/return.yaml, field zh.neutral.0: "),
    ],
)
def test_a_mistake_is_named_by_file_and_field(
    folder: Folder, content: dict[str, Any], message: str
) -> None:
    folder.write("return", content)
    with pytest.raises(CommandError) as caught:
        folder.sync()
    assert str(caught.value).startswith(message)
    assert texts() == TEXTS
