"""The few-shot examples of a moment, kept as a set: each by what it said, stored once however many sets hold it.

Called where releases are made, and by prompts.snapshot and prompts.composing for whoever hears one.
"""

import hashlib
import json
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping

from django.db import transaction

from prompts.fewshots import Example, Library, as_example, build_shelf
from prompts.models import ExampleSet, ExampleVersion, FewShotExample, PromptVersion, Wording
from prompts.retrieval import Difference

AS_EDITED = 0
SETS_KEPT = 6
CONTENT = ["key", "language", "intent", "emotion", "messages", "tags"]
KEPT: OrderedDict[int, Library] = OrderedDict()
LOCK = threading.Lock()


def freeze(versions: Iterable[PromptVersion]) -> ExampleSet | None:
    """The set of the examples that these versions may be shown, as they are now; None where they are shown none."""
    languages = languages_of(versions)
    if not languages:
        return None
    live = as_edited(languages)
    with transaction.atomic():
        known = set(ExampleVersion.objects.filter(digest__in=live).values_list("digest", flat=True))
        ExampleVersion.objects.bulk_create(
            (ExampleVersion(digest=each, **live[each]) for each in sorted(live.keys() - known)),
            ignore_conflicts=True,
        )
        rows = ExampleVersion.objects.filter(digest__in=live)
        members = sorted(rows.values_list("pk", flat=True))
        digest = digest_of([languages, members])
        return ExampleSet.objects.get_or_create(digest=digest, defaults={"members": members})[0]


def languages_of(versions: Iterable[PromptVersion]) -> list[str]:
    shown = (each for each in versions if each.example_mode != Wording.Examples.NONE)
    return sorted({each.prompt.language for each in shown})


def as_edited(languages: Iterable[str]) -> dict[str, dict[str, object]]:
    """What the enabled examples of some languages say, by digest."""
    rows = FewShotExample.objects.filter(enabled=True, language__in=languages)
    return {digest_of(row): row for row in rows.values(*CONTENT)}


def digest_of(said: object) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def differences(chosen: ExampleSet, versions: Iterable[PromptVersion]) -> list[Difference]:
    """The examples that say something else now than they do in the set of these versions, by key and language."""
    live = {
        d: (row["key"], row["language"]) for d, row in as_edited(languages_of(versions)).items()
    }
    rows = ExampleVersion.objects.filter(pk__in=chosen.members)
    held = {
        d: (key, language) for d, key, language in rows.values_list("digest", "key", "language")
    }
    now = {live[digest] for digest in live.keys() - held.keys()}
    then = {held[digest] for digest in held.keys() - live.keys()}
    return [
        Difference(str(key), str(language), (key, language) in then, (key, language) in now)
        for key, language in sorted(now | then)
    ]


def library_for(wording: Wording, sets: Mapping[int, int], live: Library) -> Library:
    """The examples a wording is shown: those of its release by `sets`, its versions' ids; else as they are edited."""
    is_version = isinstance(wording, PromptVersion)
    chosen = sets.get(wording.pk or 0, AS_EDITED) if is_version else AS_EDITED
    return library(chosen, live) if chosen else live


def library(chosen: int, live: Library) -> Library:
    """The examples of a set, read once in a process: nothing changes it. What says the same as now is not cut again."""
    with LOCK:
        if chosen not in KEPT:
            KEPT[chosen] = read(chosen, live)
        KEPT.move_to_end(chosen)
        while len(KEPT) > SETS_KEPT:
            KEPT.popitem(last=False)
        return KEPT[chosen]


def read(chosen: int, live: Library) -> Library:
    members = ExampleSet.objects.values_list("members", flat=True).get(pk=chosen)
    ids = {(key, language): pk for pk, key, language in identities()}
    cut = {each.pk: each for shelf in live.shelves.values() for each in shelf.examples}
    by_language: dict[str, list[Example]] = defaultdict(list)
    for row in ExampleVersion.objects.filter(pk__in=members).order_by("key"):
        pk = ids.get((row.key, row.language), 0)
        by_language[row.language].append(as_it_was(row, pk, now=cut.get(pk)))
    shelves = {language: build_shelf(found) for language, found in by_language.items()}
    return Library(version=(len(members), f"frozen {chosen}"), shelves=shelves)


def identities() -> Iterable[tuple[int, str, str]]:
    """What was shown is counted for the example as it is edited, where there still is one."""
    return FewShotExample.objects.values_list("pk", "key", "language")


def as_it_was(row: ExampleVersion, pk: int, *, now: Example | None) -> Example:
    said = {name: getattr(row, name) for name in CONTENT}
    found = FewShotExample(pk=pk, updated_at=row.created_at, **said)
    return as_example(found, like=now)
