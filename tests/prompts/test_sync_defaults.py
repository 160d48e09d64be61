"""`sync_defaults` loads what is new, renews what nobody touched and leaves to staff what is theirs."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prompts import default_files, retrieval
from prompts.models import FewShotExample, ModelEndpoint, Prompt, Sop, SopQuestion

pytestmark = pytest.mark.django_db

PERSONA: dict[str, Any] = {
    "purposes": {"answer": {"title": "回答", "text": "你是客服。", "variables": ["shop_name"]}}
}
EXAMPLE: dict[str, Any] = {
    "key": "late",
    "language": "zh",
    "intent": "logistics",
    "emotion": "negative",
    "messages": [{"role": "visitor", "text": "太慢了"}, {"role": "bot", "text": "抱歉久等了"}],
    "tags": ["安抚"],
}
SOP: dict[str, Any] = {
    "key": "return-how",
    "title": "如何退货",
    "category": "return",
    "intent": "return",
    "questions": ["怎么退货", "我要退货"],
    "answer": "在订单里申请退货。",
    "steps": ["问订单号"],
    "required_slots": ["order_number"],
    "tool": None,
}
ENDPOINT = """
[[endpoint]]
name = "light"
provider = "openai"
model = "m-1"
api_key_env = "LIGHT_API_KEY"
price_in = 0.00015
timeout_seconds = 9
"""


class Folder:
    """A folder of defaults that a test can change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "sops" / "zh").mkdir(parents=True)
        self.write("persona.zh.yaml", PERSONA)
        self.write("examples.zh.yaml", [EXAMPLE])
        self.write("sops/zh/return.yaml", [SOP])
        (path / "models.toml").write_text(ENDPOINT)

    def write(self, name: str, content: Any) -> None:
        (self.path / name).write_text(yaml.safe_dump(content, allow_unicode=True))

    def sync(self) -> str:
        out = io.StringIO()
        call_command("sync_defaults", folder=self.path, stdout=out)
        return out.getvalue().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "defaults")


def summary(*, added: int = 0, updated: int = 0, kept: int = 0, unchanged: int = 0) -> str:
    return (
        f"defaults: {added} added, {updated} updated, "
        f"{kept} kept because edited, {unchanged} unchanged"
    )


def sop_with(**changes: Any) -> list[dict[str, Any]]:
    return [{**SOP, **changes}]


def persona_with(text: str) -> dict[str, Any]:
    return {"purposes": {"answer": {**PERSONA["purposes"]["answer"], "text": text}}}


def test_everything_is_loaded_once(folder: Folder) -> None:
    assert folder.sync() == summary(added=4)

    prompt = Prompt.objects.get()
    assert (prompt.purpose, prompt.language, prompt.title) == ("answer", "zh", "回答")
    assert prompt.current is not None
    assert (prompt.current.number, prompt.current.text) == (1, "你是客服。")
    assert FewShotExample.objects.get().messages == EXAMPLE["messages"]
    sop = Sop.objects.get()
    assert (sop.language, sop.answer, sop.tool) == ("zh", SOP["answer"], "")
    assert set(sop.questions.values_list("text", flat=True)) == {"如何退货", *SOP["questions"]}
    endpoint = ModelEndpoint.objects.get()
    assert (endpoint.name, endpoint.timeout_seconds, endpoint.enabled) == ("light", 9.0, True)


def test_a_second_run_changes_nothing(folder: Folder) -> None:
    folder.sync()
    before = [list(model.objects.values()) for model in (Prompt, Sop, SopQuestion, ModelEndpoint)]

    assert folder.sync() == summary(unchanged=4)

    after = [list(model.objects.values()) for model in (Prompt, Sop, SopQuestion, ModelEndpoint)]
    assert after == before


def test_a_loaded_sop_is_searchable(folder: Folder) -> None:
    folder.sync()
    [hit] = retrieval.search("怎样退货", language="zh")
    assert hit.key == "return-how"


def test_a_new_default_replaces_an_untouched_one(folder: Folder) -> None:
    folder.sync()
    folder.write("sops/zh/return.yaml", sop_with(answer="新的答案。", questions=["退货入口在哪"]))
    folder.write("persona.zh.yaml", persona_with("你是小助手。"))
    folder.write("examples.zh.yaml", [{**EXAMPLE, "tags": []}])
    (folder.path / "models.toml").write_text(ENDPOINT.replace("m-1", "m-2"))

    assert folder.sync() == summary(updated=4)

    sop = Sop.objects.get()
    assert sop.answer == "新的答案。"
    assert set(sop.questions.values_list("text", flat=True)) == {"如何退货", "退货入口在哪"}
    assert FewShotExample.objects.get().tags == []
    assert ModelEndpoint.objects.get().model == "m-2"
    prompt = Prompt.objects.get()
    assert prompt.current is not None
    assert (prompt.current.number, prompt.current.text) == (2, "你是小助手。")
    assert prompt.versions.count() == 2
    assert folder.sync() == summary(unchanged=4)


def test_what_staff_edited_is_kept(folder: Folder) -> None:
    folder.sync()
    Sop.objects.update(answer="店长的答案。")
    FewShotExample.objects.update(intent="urge")
    ModelEndpoint.objects.update(priority=0)
    prompt = Prompt.objects.get()
    prompt.current = prompt.versions.create(number=2, text="店长的提示。")
    prompt.save()
    folder.write("sops/zh/return.yaml", sop_with(answer="新的答案。"))
    folder.write("persona.zh.yaml", persona_with("新的提示。"))
    folder.write("examples.zh.yaml", [{**EXAMPLE, "tags": []}])
    (folder.path / "models.toml").write_text(ENDPOINT.replace("m-1", "m-2"))

    for _ in range(2):
        assert folder.sync() == summary(kept=4)

    assert Sop.objects.get().answer == "店长的答案。"
    assert FewShotExample.objects.get().intent == "urge"
    assert ModelEndpoint.objects.get().model == "m-1"
    prompt.refresh_from_db()
    assert prompt.current is not None
    assert prompt.current.text == "店长的提示。"
    assert prompt.versions.count() == 2


def test_a_wording_that_staff_added_is_kept(folder: Folder) -> None:
    folder.sync()
    SopQuestion.objects.create(sop=Sop.objects.get(), text="东西不想要了")
    folder.write("sops/zh/return.yaml", sop_with(answer="新的答案。"))

    assert folder.sync() == summary(kept=1, unchanged=3)
    assert SopQuestion.objects.filter(text="东西不想要了").exists()


def test_a_prompt_set_back_to_an_older_default_stays_there(folder: Folder) -> None:
    folder.sync()
    folder.write("persona.zh.yaml", persona_with("第二版。"))
    folder.sync()
    prompt = Prompt.objects.get()
    prompt.current = prompt.versions.get(number=1)
    prompt.save()

    assert folder.sync() == summary(kept=1, unchanged=3)
    folder.write("persona.zh.yaml", persona_with("第三版。"))
    assert folder.sync() == summary(kept=1, unchanged=3)
    assert prompt.versions.count() == 2


def test_switching_off_is_no_edit(folder: Folder) -> None:
    folder.sync()
    Sop.objects.update(enabled=False)
    ModelEndpoint.objects.update(enabled=False)
    folder.write("sops/zh/return.yaml", sop_with(answer="新的答案。"))
    (folder.path / "models.toml").write_text(ENDPOINT.replace("m-1", "m-2"))

    assert folder.sync() == summary(updated=2, unchanged=2)

    assert not Sop.objects.get().enabled
    endpoint = ModelEndpoint.objects.get()
    assert (endpoint.model, endpoint.enabled) == ("m-2", False)


def test_a_row_of_the_same_key_that_staff_made_is_theirs(folder: Folder) -> None:
    Sop.objects.create(
        key="return-how", language="zh", title="t", category="c", intent="i", answer="店长的"
    )
    assert folder.sync() == summary(added=3, kept=1)
    assert Sop.objects.get().answer == "店长的"


def test_an_entry_that_left_the_defaults_stays_in_the_database(folder: Folder) -> None:
    folder.sync()
    shutil.rmtree(folder.path / "sops")
    assert folder.sync() == summary(unchanged=3)
    assert Sop.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "sops/zh/return.yaml",
            sop_with(answer=""),
            "sops/zh/return.yaml, entry return-how, field answer: ",
        ),
        (
            "sops/zh/return.yaml",
            sop_with(questions=["好", 5]),
            "sops/zh/return.yaml, entry return-how, field questions.1: ",
        ),
        (
            "sops/zh/return.yaml",
            sop_with(anwser="x"),
            "sops/zh/return.yaml, entry return-how, field anwser: ",
        ),
        ("sops/zh/return.yaml", {"key": "x"}, "sops/zh/return.yaml: "),
        (
            "sops/zh/more.yaml",
            [SOP],
            "sops/zh/return.yaml, entry return-how, field key: is also in sops/zh/more.yaml",
        ),
        (
            "examples.zh.yaml",
            [{**EXAMPLE, "messages": [{"role": "robot", "text": "x"}] * 2}],
            "examples.zh.yaml, entry late, field messages.0.role: ",
        ),
        (
            "persona.zh.yaml",
            {"purposes": {"answer": {"title": "t"}}},
            "persona.zh.yaml, entry answer, field text: ",
        ),
    ],
)
def test_a_mistake_is_named_by_file_entry_and_field(
    folder: Folder, name: str, content: Any, message: str
) -> None:
    folder.write(name, content)
    with pytest.raises(CommandError) as caught:
        folder.sync()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sops/zh/return.yaml", "- key: [", "sops/zh/return.yaml: "),
        ("models.toml", "[[endpoint]", "models.toml: "),
        ("models.toml", "[[endpoint]]\nmodel = 'm'", "models.toml, entry 1, field name: "),
        (
            "models.toml",
            ENDPOINT + "priority = 'high'",
            "models.toml, entry light, field priority: ",
        ),
        (
            "models.toml",
            ENDPOINT.replace("openai", "nobody"),
            "models.toml, entry light, field provider: ",
        ),
        ("models.toml", ENDPOINT + "api_key = 'sk'", "models.toml, entry light: "),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Folder, name: str, text: str, message: str
) -> None:
    (folder.path / name).write_text(text)
    with pytest.raises(CommandError) as caught:
        folder.sync()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_mistake_anywhere_loads_nothing(folder: Folder) -> None:
    (folder.path / "models.toml").write_text(ENDPOINT + "priority = 'high'")
    with pytest.raises(CommandError):
        folder.sync()
    assert not Prompt.objects.exists()
    assert not Sop.objects.exists()


def test_the_shipped_defaults_load_in_few_statements_and_stay() -> None:
    entries = default_files.read()
    kinds = {"prompt", "example", "sop", "endpoint", "intent"}
    assert {entry.kind for entry in entries} == kinds
    first, second = io.StringIO(), io.StringIO()

    with CaptureQueriesContext(connection) as queries:
        call_command("sync_defaults", stdout=first)
    call_command("sync_defaults", stdout=second)

    assert first.getvalue().strip() == summary(added=len(entries))
    assert second.getvalue().strip() == summary(unchanged=len(entries))
    assert len(queries) < 40
    assert not SopQuestion.objects.filter(vector=None).exists()


def test_a_prompt_that_a_gate_holds_keeps_its_wording_and_the_new_one_waits(folder: Folder) -> None:
    folder.sync()
    Prompt.objects.update(by_release_only=True)
    folder.write("persona.zh.yaml", persona_with("第二版。"))

    told = folder.sync()

    prompt = Prompt.objects.get()
    assert prompt.current is not None
    assert (prompt.current.number, prompt.versions.count()) == (1, 2)
    assert "waiting for a release, as a set guards their prompts: answer (zh) v2" in told
    folder.sync()
    assert prompt.versions.count() == 2
    folder.write("persona.zh.yaml", persona_with("第三版。"))
    folder.sync()
    assert (prompt.versions.count(), Prompt.objects.get().current) == (3, prompt.current)


def test_what_waited_for_a_release_speaks_once_nothing_holds_its_prompt(folder: Folder) -> None:
    folder.sync()
    Prompt.objects.update(by_release_only=True)
    folder.write("persona.zh.yaml", persona_with("第二版。"))
    folder.sync()
    Prompt.objects.update(by_release_only=None)

    assert folder.sync() == summary(updated=1, unchanged=3)
    assert Prompt.objects.get().current.text == "第二版。"  # type: ignore[union-attr]
    folder.write("persona.zh.yaml", persona_with("第三版。"))
    assert folder.sync() == summary(updated=1, unchanged=3)
    assert folder.sync() == summary(unchanged=4)
