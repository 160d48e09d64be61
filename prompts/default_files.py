"""Reads prompts/defaults: what a fresh installation says, as checked values. Called by prompts.sync; writes nothing."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

FOLDER = Path(__file__).resolve().parent / "defaults"
# libyaml reads the files in a tenth of the time; it is in every wheel, but not in every build.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Name = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\S+$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S+$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Wording = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Utterance = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class DefaultsError(Exception):
    """A file that cannot be loaded: where, and what is wrong there, in one line."""


class Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PromptText(Checked):
    title: Title
    text: Text
    variables: list[Name] = []
    persona: str = ""
    rules: str = ""
    slots_block: str = ""
    emotion_addendum: str = ""
    privacy_line: str = ""
    resume_text: str = ""
    example_mode: Literal["none", "fixed", "nearest"] = "fixed"
    max_chars: int | None = None
    max_output_tokens: int | None = None

    def content(self) -> dict[str, Any]:
        """The title, and the wording as far as it says anything."""
        said = self.model_dump(exclude_defaults=True, exclude={"title"})
        return {"title": self.title, "wording": said}


class Line(Checked):
    role: Literal["visitor", "bot"]
    text: Text


class Example(Checked):
    key: Key
    language: Literal["zh", "en"]
    intent: Name
    emotion: Literal["negative", "neutral", "positive"] = "neutral"
    messages: Annotated[list[Line], Field(min_length=2)]
    tags: list[Text] = []


class Procedure(Checked):
    key: Key
    title: Title
    category: Name
    intent: Name
    questions: Annotated[list[Wording], Field(min_length=1)]
    answer: Text
    steps: list[Text] = []
    required_slots: list[Name] = []
    tool: Annotated[str, StringConstraints(max_length=40)] | None = None


class ByMood(Checked):
    neutral: list[Utterance] = []
    negative: list[Utterance] = []
    positive: list[Utterance] = []


class Meaning(Checked):
    title_zh: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    title_en: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    zh: ByMood = ByMood()
    en: ByMood = ByMood()

    def examples(self) -> list[list[str]]:
        """Every example as [language, emotion, text], sorted."""
        return sorted(
            [language, emotion, text]
            for language, moods in (("zh", self.zh), ("en", self.en))
            for emotion, texts in moods.model_dump().items()
            for text in texts
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One default: `content` as {field: value}, `where` to name it in an error."""

    kind: Literal["prompt", "example", "sop", "endpoint", "intent"]
    key: str
    language: str
    content: dict[str, Any]
    where: str


Shape = TypeVar("Shape", bound=Checked)


def read(folder: Path = FOLDER) -> list[Entry]:
    """Every default in `folder`, checked but for endpoints. Raises DefaultsError at the first mistake."""
    entries = [
        *prompts(folder),
        *examples(folder),
        *procedures(folder),
        *endpoints(folder),
        *intents(folder),
    ]
    check_once(entries)
    return entries


def prompts(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("persona.*.yaml")):
        content = load_yaml(path, shape=dict[str, dict[str, Any]], folder=folder)
        for purpose, raw in content.get("purposes", {}).items():
            where = f"{path.relative_to(folder)}, entry {purpose}"
            found = check(PromptText, raw, where=where)
            yield Entry("prompt", purpose, language_of(path.stem), found.content(), where)


def examples(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("examples.*.yaml")):
        for raw, where in listed(path, folder=folder):
            content = check(Example, raw, where=where).model_dump()
            yield Entry("example", content.pop("key"), content.pop("language"), content, where)


def procedures(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("sops/*/*.yaml")):
        for raw, where in listed(path, folder=folder):
            content = check(Procedure, raw, where=where).model_dump()
            content["tool"] = content["tool"] or ""
            # Their order says nothing, and the title is one of them wherever an SOP is stored.
            content["questions"] = sorted({*content["questions"]} - {content["title"]})
            yield Entry("sop", content.pop("key"), path.parent.name, content, where)


def intents(folder: Path) -> Iterator[Entry]:
    """A file per intent, named for it; files that begin with "_" are for tests."""
    for path in sorted(folder.glob("intents/[!_]*.yaml")):
        where = str(path.relative_to(folder))
        found = check(Meaning, load_yaml(path, shape=dict[str, Any], folder=folder), where=where)
        titles = {"title_zh": found.title_zh, "title_en": found.title_en}
        yield Entry("intent", path.stem, "", {**titles, "examples": found.examples()}, where)


def endpoints(folder: Path) -> Iterator[Entry]:
    path = folder / "models.toml"
    if not path.exists():
        return
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefaultsError(f"{path.name}: {error}") from error
    tables = checked(list[dict[str, Any]], content.get("endpoint", []), where=path.name)
    for number, table in enumerate(tables, 1):
        name = table.get("name")
        if not isinstance(name, str) or not name:
            raise DefaultsError(f"{path.name}, entry {number}, field name: is missing")
        yield Entry("endpoint", name, "", table, f"{path.name}, entry {name}")


def listed(path: Path, *, folder: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The entries of a file that is a list, each with the words that name it."""
    for number, raw in enumerate(load_yaml(path, shape=list[dict[str, Any]], folder=folder), 1):
        yield raw, f"{path.relative_to(folder)}, entry {raw.get('key', number)}"


def load_yaml(path: Path, *, shape: Any, folder: Path) -> Any:
    where = str(path.relative_to(folder))
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe one
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DefaultsError(f"{where}: {' '.join(str(error).split())}") from error
    return checked(shape, content, where=where)


def checked(shape: Any, content: Any, *, where: str) -> Any:
    try:
        return TypeAdapter(shape).validate_python(content)
    except ValidationError as error:
        raise DefaultsError(describe(error, where=where)) from error


def check(shape: type[Shape], raw: dict[str, Any], *, where: str) -> Shape:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        raise DefaultsError(describe(error, where=where)) from error


def describe(error: ValidationError, *, where: str) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(map(str, first["loc"]))
    return f"{where}, field {path}: {first['msg']}" if path else f"{where}: {first['msg']}"


def language_of(stem: str) -> str:
    """zh of persona.zh."""
    return stem.rpartition(".")[2]


def check_once(entries: list[Entry]) -> None:
    """Raises: DefaultsError, when two entries would be the same row."""
    seen: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        identity = (entry.kind, entry.key, entry.language)
        if identity in seen:
            raise DefaultsError(f"{entry.where}, field key: is also in {seen[identity]}")
        seen[identity] = entry.where
