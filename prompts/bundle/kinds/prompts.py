"""Prompts and their versions in a bundle. A version that says something else is a new one; none is written over."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from django.db import models
from django.db.models import Max, Q
from pydantic import BaseModel, Field, StringConstraints, create_model
from typing_extensions import override

from prompts import versions
from prompts.bundle import places
from prompts.bundle.kinds.kind import (
    Change,
    Identity,
    Kind,
    Language,
    Shape,
    Stored,
    Trouble,
    World,
    absent,
    kept,
    leaving,
)
from prompts.bundle.masking import is_masked
from prompts.models import EvalSet, Prompt, PromptDraft, PromptVersion, Release, Wording
from prompts.versions import WORDING_FIELDS

Purpose = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\S+$")]
Number = Annotated[int, Field(ge=1, le=999_999_999)]
# What keeps a version from being published by itself.
GATE = ("guarded_by", "by_release_only")
OVER = (Release.Status.SUPERSEDED, Release.Status.ROLLED_BACK)


class PromptShape(Shape):
    purpose: Purpose
    language: Language
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    # The version that is in force, by its file beside this one.
    current: Number | None = None
    # The set that guards it, by name, and whether its versions go out by releases only; a file that says neither leaves
    # both as they are: no gate is opened by leaving a line out.
    guarded_by: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    by_release_only: bool | None = None


def field_of(name: str) -> tuple[Any, Any]:
    """A field of a wording as pydantic wants it: its type, its usual value."""
    field = Wording._meta.get_field(name)
    if not isinstance(field, models.Field) or isinstance(field, models.JSONField):
        return list[Annotated[str, StringConstraints(min_length=1, max_length=80)]], []
    if isinstance(field, models.IntegerField):
        return (int | None, None) if field.null else (int, field.get_default())
    return str, ... if name == "text" else field.get_default()


VersionShape: type[BaseModel] = create_model(  # type: ignore[call-overload]  # its fields are the wording's
    "VersionShape",
    __base__=Shape,
    purpose=(Purpose, ...),
    language=(Language, ...),
    number=(Number, ...),
    note=(Annotated[str, StringConstraints(max_length=200)], ""),
    **{name: field_of(name) for name in WORDING_FIELDS},
)


class VersionKind(Kind):
    """The versions in force and those of releases that are not over leave; what comes in is compared with all."""

    name = "version"
    shape = VersionShape
    words = ("note", *versions.TEXT_FIELDS)
    masks = False

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return said["purpose"], said["language"], str(said["number"])

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.version(said["purpose"], said["language"], said["number"])

    @override
    def stored(self) -> Iterator[Stored]:
        live = Release.objects.exclude(status__in=OVER).values("versions")
        yield from self.rows(Q(current_of__isnull=False) | Q(pk__in=live))

    def rows(self, wanted: Q) -> Iterator[Stored]:
        rows = PromptVersion.objects.filter(wanted).distinct().select_related("prompt")
        for row in rows.order_by("prompt__purpose", "prompt__language", "number"):
            raw = {
                "purpose": row.prompt.purpose,
                "language": row.prompt.language,
                "number": row.number,
                "note": row.note,
                **versions.wording_of(row),
            }
            yield leaving(self, raw, language=row.prompt.language)

    @override
    def known(self, stored: Iterable[Stored]) -> dict[Any, Stored]:
        """By what they say; those that leave last: of several that say the same, they are meant."""
        found: dict[Any, Stored] = {}
        for each in (*self.rows(Q()), *stored):
            key = wording_key(each.raw)
            found.pop(key, None)
            found[key] = each
        return found

    @override
    def compared(self) -> Collection[str]:
        return ()

    @override
    def match(self, said: Mapping[str, Any], known: Mapping[Any, Stored]) -> Stored | None:
        return of_wording(wording_key(said), known)

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        prompt = Prompt(purpose=said["purpose"], language=said["language"])
        draft = PromptDraft(prompt=prompt, **{name: said[name] for name in WORDING_FIELDS})
        missing = [
            key for key in said["example_keys"] if (key, said["language"]) not in world.examples
        ]
        for problem in versions.problems(draft, prompt):
            # Examples may come in with the bundle; they are looked for here instead.
            if problem.field != "example_keys":
                yield (problem.field,), problem.message_en
        if missing:
            yield ("example_keys",), f"There are no such examples: {', '.join(missing)}"

    @override
    def store(self, changes: Sequence[Change]) -> None:
        for change in sorted(changes, key=lambda change: change.said["number"]):
            said = change.said
            prompt, _ = Prompt.objects.get_or_create(
                purpose=said["purpose"],
                language=said["language"],
                defaults={"title": said["purpose"]},
            )
            Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
            newest = prompt.versions.aggregate(Max("number"))["number__max"] or 0
            wording = {name: said[name] for name in WORDING_FIELDS}
            number = max(said["number"], newest + 1)
            PromptVersion.objects.create(prompt=prompt, number=number, note=said["note"], **wording)


class PromptKind(Kind):
    name = "prompt"
    shape = PromptShape
    words = ("title",)
    masks = False
    held = ("wording",)

    @override
    def compared(self) -> Collection[str]:
        # Numbers differ between installations: what the version in force says is compared.
        return ("title", "wording", *GATE)

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return said["purpose"], said["language"]

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.prompt(said["purpose"], said["language"])

    @override
    def stored(self) -> Iterator[Stored]:
        speaking = {
            each.identity[:2]: each for each in VersionKind().rows(Q(current_of__isnull=False))
        }
        for row in Prompt.objects.select_related("guarded_by").order_by("purpose", "language"):
            version = speaking.get((row.purpose, row.language))
            raw = {
                "purpose": row.purpose,
                "language": row.language,
                "title": row.title,
                "current": version.raw["number"] if version else None,
                "wording": wording_key(version.raw) if version else None,
                "guarded_by": row.guarded_by.name if row.guarded_by else None,
                "by_release_only": row.by_release_only,
            }
            yield self.as_stored(raw, version)

    def as_stored(self, raw: dict[str, Any], version: Stored | None) -> Stored:
        found = leaving(self, raw, language=raw["language"])

        def leave() -> tuple[dict[str, Any], tuple[str, ...]]:
            said = {**found.said, "wording": wording_key(version.said) if version else None}
            return said, found.masked

        return replace(found, leave=leave)

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        """A file that names no version in force wants none changed."""
        wording = world.wordings.get(current_of(said))
        said = kept(said, stored, {"guarded_by": world.guards})
        if said["by_release_only"] is None and stored:
            said["by_release_only"] = stored.raw["by_release_only"]
        return {**said, "wording": wording or (stored.raw["wording"] if stored else None)}

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        if said["current"] is not None and current_of(said) not in world.wordings:
            yield ("current",), f"v{said['current']}.yaml is missing beside it"

    @override
    def missing(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        return absent(said, {"guarded_by": world.guards})

    @override
    def withheld(self, change: Change, world: World) -> Iterator[Trouble]:
        if "wording" in change.changed and self.identity(change.said) in world.held:
            yield (
                ("current",),
                "its versions go out by releases only: leave out --publish, and make a release",
            )

    @override
    def store(self, changes: Sequence[Change]) -> None:
        """Titles; which version speaks, where none does yet or it is wanted; and then what guards the next ones."""
        known = VersionKind().known(())
        for change in changes:
            said = change.said
            prompt, _ = Prompt.objects.update_or_create(
                purpose=said["purpose"],
                language=said["language"],
                defaults={"title": said["title"]} if "title" in change.changed else {},
                create_defaults={"title": said["title"]},
            )
            wanted = None
            if "wording" in change.changed and said["wording"]:
                wanted = of_wording(said["wording"], known)
            if wanted and (change.publish or prompt.current_id is None):
                versions.publish(prompt.versions.get(number=wanted.raw["number"]))
            if set(GATE) & set(change.changed):
                guard = EvalSet.objects.filter(name=said["guarded_by"]).first()
                only = said["by_release_only"]
                pk = guard.pk if guard else None
                versions.hold(prompt, guarded_by=pk, by_release_only=only)


def of_wording(key: str, known: Mapping[Any, Stored]) -> Stored | None:
    """The version that says this, or leaves saying this."""
    if key in known or not is_masked(key):
        return known.get(key)
    purpose, language, _ = json.loads(key)
    for each in reversed(list(known.values())):
        if each.identity[:2] == (purpose, language) and wording_key(each.said) == key:
            return each
    return None


def current_of(said: Mapping[str, Any]) -> Identity:
    """The version that a prompt's file says is in force."""
    return said["purpose"], said["language"], str(said["current"])


def wording_key(said: Mapping[str, Any]) -> str:
    """What tells a version from every other one of its prompt."""
    wording = {name: said[name] for name in WORDING_FIELDS}
    return json.dumps([said["purpose"], said["language"], wording], sort_keys=True)
