"""What a purpose's text may name is what every place that says it fills in."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from prompts import default_files, purposes, versions
from prompts.default_files import Entry
from prompts.models import Prompt, PromptVersion

ROOT = Path(__file__).resolve().parents[2]
# The functions that say a purpose's text take its values by keyword, and these words beside.
SAY, BESIDE = {"text", "spoken", "instructions"}, {"language"}
SHIPPED = list(default_files.prompts(default_files.FOLDER))
# Said by more than one place or under a name that a variable holds: told by hand here.
SEEN = {
    "apology", "busy", "check", "resume", "resumed", "unknown", "offer_human", "soothe", "dispatch", "noted_for",
    "summary", "brief", "rewrite", "translate", "translate_reply", "analyse", "judge",
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: f"{entry.key}-{entry.language}")
def test_every_shipped_text_has_what_it_names_and_nothing_else_passes(entry: Entry) -> None:
    prompt = Prompt(purpose=entry.key, language=entry.language)
    said = entry.content["wording"]
    assert versions.problems(PromptVersion(**said), prompt) == []

    hole = {"text": "{{shop_address}}", "variables": ["shop_address"]}

    assert [p.field for p in versions.problems(PromptVersion(**hole), prompt)] == ["variables"]


def test_what_is_supplied_is_what_the_places_fill_in() -> None:
    found = list(said_texts())

    assert {purpose for purpose, _, _ in found} == SEEN
    holes = {
        (purpose, where): missing
        for purpose, given, where in found
        if (missing := set(purposes.SUPPLIED[purpose]) - given)
    }
    assert holes == {}


def said_texts() -> Iterator[tuple[str, set[str], str]]:
    """Every place that says a purpose by its name: the purpose, the values it fills in, and where."""
    for path in sorted([*ROOT.glob("prompts/**/*.py"), *ROOT.glob("chat/**/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = dict(constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in SAY:
                given = {word.arg for word in node.keywords if word.arg} - BESIDE
                for argument in node.args[:2]:
                    purpose = as_purpose(argument, named)
                    if purpose in purposes.SUPPLIED:
                        yield purpose, given, f"{path.relative_to(ROOT)}:{node.lineno}"


def constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, str(node.value.value)


def name_of(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def as_purpose(argument: ast.expr, named: dict[str, str]) -> str:
    """A literal, a constant of the module, or a member as Help.SUMMARY.value."""
    match argument:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return named.get(name, "")
        case ast.Attribute(attr="value", value=ast.Attribute(attr=member)):
            return member.lower()
    return ""


def test_a_purpose_nobody_ships_may_declare_what_it_likes() -> None:
    own = Prompt(purpose="newsletter", language="zh")
    text = PromptVersion(text="{{season}}", variables=["season"], resume_text="欢迎")

    assert versions.problems(text, own) == []


@pytest.mark.parametrize("field", ["emotion_addendum", "resume_text"])
def test_words_that_a_purpose_never_says_are_refused(field: str) -> None:
    frame = "{{emotion_addendum}}" if field == "emotion_addendum" else "x"
    said = PromptVersion(text=frame, **{field: "抱歉"})

    found = versions.problems(said, Prompt(purpose="summary", language="zh"))

    assert [problem.field for problem in found] == [field]
    assert not versions.problems(said, Prompt(purpose="answer", language="zh"))
