"""Loads `prompts/defaults/` into the rows staff edit. Called by `manage.py sync_defaults`.

A row that staff have edited, disabled or deleted wordings of is kept as it is: each loaded row remembers a digest of
the default it came from, and is renewed only while it still equals that default.
"""

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from django.db import transaction
from pydantic import BaseModel, ConfigDict, ValidationError

from prompts import rendering, retrieval
from prompts.models import FewShotExample, ModelEndpoint, Prompt, PromptVersion, Sop, SopQuestion

T = TypeVar("T", bound="Default")

DEFAULTS = Path(__file__).parent / "defaults"
LANGUAGES = ("zh", "en")


class BadDefault(Exception):
    """A default cannot be loaded; the message names the file, the entry and the field."""


class Default(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PromptDefault(Default):
    title: str
    text: str
    variables: list[str] = []


class ExampleDefault(Default):
    key: str
    language: str
    intent: str
    emotion: str
    messages: list[dict[str, str]]
    tags: list[str] = []


class SopDefault(Default):
    key: str
    title: str
    category: str
    intent: str
    questions: list[str]
    answer: str
    steps: list[str] = []
    required_slots: list[str] = []
    tool: str | None = None


class EndpointDefault(Default):
    model_config = ConfigDict(extra="forbid", strict=False)

    name: str
    provider: str
    model: str
    api_key_env: str
    base_url: str = ""
    priority: int = 100
    context_tokens: int = 0
    max_output_tokens: int = 512
    timeout_seconds: float = 15.0
    deadline_seconds: float = 30.0
    price_in: float = 0
    price_out: float = 0
    currency: str = "USD"
    capabilities: dict[str, bool] = {}


@transaction.atomic
def sync(folder: Path = DEFAULTS) -> Counter[str]:
    """Loads every default of `folder`; returns how many were added, updated, kept and unchanged.

    Raises BadDefault, and then changes nothing.
    """
    counts: Counter[str] = Counter()
    for language in LANGUAGES:
        sync_prompts(folder / f"persona.{language}.yaml", language=language, counts=counts)
        sync_examples(folder / f"examples.{language}.yaml", counts=counts)
        for path in sorted((folder / "sops" / language).glob("*.yaml")):
            sync_sops(path, language=language, counts=counts)
    sync_endpoints(folder / "models.toml", counts=counts)
    retrieval.reindex(SopQuestion.objects.filter(vector=None))
    return counts


def sync_prompts(path: Path, *, language: str, counts: Counter[str]) -> None:
    for purpose, fields in read_yaml(path)["purposes"].items():
        default = checked(PromptDefault, fields, place=f"{path.name}: {purpose}")
        try:
            rendering.check_declared(default.text, default.variables)
        except rendering.UnknownVariable as error:
            raise BadDefault(f"{path.name}: {purpose}: text uses {error}") from None
        counts[sync_prompt(purpose, language, default)] += 1


def sync_prompt(purpose: str, language: str, default: PromptDefault) -> str:
    prompt, _ = Prompt.objects.select_related("current").get_or_create(
        purpose=purpose, language=language, defaults={"title": default.title}
    )
    fresh, current = digest(default.model_dump()), prompt.current
    if current is not None and current.default_digest == fresh:
        return "unchanged"
    if current is not None and not current.default_digest:
        return "kept"
    last = prompt.versions.order_by("-number").values_list("number", flat=True).first() or 0
    prompt.current = PromptVersion.objects.create(
        prompt=prompt,
        number=last + 1,
        text=default.text,
        variables=default.variables,
        default_digest=fresh,
    )
    prompt.save(update_fields=["current"])
    return "updated" if current else "added"


def sync_examples(path: Path, *, counts: Counter[str]) -> None:
    for default in entries(ExampleDefault, read_yaml(path), path=path):
        fields = default.model_dump()
        identity = {"key": fields.pop("key"), "language": fields.pop("language")}
        counts[sync_row(FewShotExample, identity, fields)[1]] += 1


def sync_endpoints(path: Path, *, counts: Counter[str]) -> None:
    rows = tomllib.loads(path.read_text())["endpoint"]
    for default in entries(EndpointDefault, rows, path=path):
        fields = default.model_dump()
        counts[sync_row(ModelEndpoint, {"name": fields.pop("name")}, fields)[1]] += 1


def sync_sops(path: Path, *, language: str, counts: Counter[str]) -> None:
    for default in entries(SopDefault, read_yaml(path), path=path):
        fields = default.model_dump() | {"tool": default.tool or ""}
        questions = list(dict.fromkeys([fields["title"], *fields.pop("questions")]))
        identity = {"key": fields.pop("key"), "language": language}
        sop, fate = sync_row(Sop, identity, fields, extra=questions, read_extra=wordings)
        if fate in {"added", "updated"}:
            sop.questions.all().delete()
            SopQuestion.objects.bulk_create(SopQuestion(sop=sop, text=text) for text in questions)
        counts[fate] += 1


def wordings(sop: Sop) -> list[str]:
    return list(sop.questions.order_by("pk").values_list("text", flat=True))


def sync_row(
    model: type[Any],
    identity: dict[str, Any],
    fields: dict[str, Any],
    *,
    extra: list[str] | None = None,
    read_extra: Callable[[Any], list[str]] = lambda row: [],
) -> tuple[Any, str]:
    """Adds the row, renews it while it equals the default it came from, or keeps it; with its fate."""
    fresh = digest([fields, extra or []])
    row = model.objects.filter(**identity).first()
    if row is None:
        return model.objects.create(**identity, **fields, default_digest=fresh), "added"
    if row.default_digest == fresh:
        return row, "unchanged"
    present = {name: as_default(getattr(row, name)) for name in fields}
    if digest([present, read_extra(row)]) != row.default_digest:
        return row, "kept"
    model.objects.filter(pk=row.pk).update(**fields, default_digest=fresh)
    return row, "updated"


def as_default(value: Any) -> Any:
    """Decimals of the database as the floats of the file."""
    return float(value) if hasattr(value, "as_tuple") else value


def digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def entries(kind: type[T], rows: list[Any], *, path: Path) -> Iterator[T]:
    for number, fields in enumerate(rows, start=1):
        name = fields.get("key", fields.get("name", number)) if isinstance(fields, dict) else number
        yield checked(kind, fields, place=f"{path.name}: entry {name}")


def checked(kind: type[T], fields: Any, *, place: str) -> T:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadDefault(f"{place}: {field}: {first['msg']}") from None


def read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadDefault(f"{path.name}: {error}") from error
