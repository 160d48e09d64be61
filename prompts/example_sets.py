"""The few-shot examples of a moment, kept as a set: each by what it said, stored once however many sets hold it.

Called where releases are made, and by prompts.snapshot and prompts.composing for whoever hears one.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db import connection, transaction

from prompts.fewshots import Example, Library, as_example, build_shelf
from prompts.locks import Lock
from prompts.models import ExampleSet, ExampleVersion, FewShotExample, PromptVersion, Wording
from prompts.retrieval import Difference

AS_EDITED = 0
# Beside those that the snapshot names.
SETS_KEPT = 6
CONTENT = ["key", "language", "intent", "emotion", "messages", "tags"]
DIGESTS = f"""
    SELECT id, {", ".join(CONTENT)}, md5(jsonb_build_array({", ".join(CONTENT)})::text) AS digest
    FROM prompts_fewshotexample WHERE enabled AND language = ANY(%(languages)s)
"""  # noqa: S608 - of constants
# One statement, and so one moment: what is edited meanwhile is in it whole or not at all.
FREEZE = f"""
    WITH live AS MATERIALIZED ({DIGESTS}),
    added AS (
        INSERT INTO prompts_exampleversion (digest, {", ".join(CONTENT)}, created_at)
        SELECT digest, {", ".join(CONTENT)}, now() FROM live
        WHERE NOT EXISTS (SELECT FROM prompts_exampleversion known WHERE known.digest = live.digest)
        RETURNING id, digest
    )
    SELECT coalesce(added.id, known.id)
    FROM live LEFT JOIN added USING (digest) LEFT JOIN prompts_exampleversion known USING (digest)
"""  # noqa: S608 - of constants
DRIFT = f"""
    WITH live AS ({DIGESTS}),
    held AS (SELECT key, language, digest FROM prompts_exampleversion WHERE id = ANY(%(members)s))
    SELECT key, language, held.digest IS NOT NULL, live.digest IS NOT NULL
    FROM held FULL JOIN live USING (key, language)
    WHERE held.digest IS DISTINCT FROM live.digest
    ORDER BY 1, 2
"""  # noqa: S608 - of constants
KEPT: dict[int, Library] = {}
NAMED: set[int] = set()
LOCK = threading.Lock()


def freeze(versions: Iterable[PromptVersion]) -> ExampleSet | None:
    """The set of the examples that these versions may be shown, as they are now; None where they are shown none."""
    languages = languages_of(versions)
    if not languages:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        # In turn, so that two that find the same new example store it once.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.FREEZING_EXAMPLES])
        # The planner knows nothing of rows that the statement itself makes, and takes them for few.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(FREEZE, {"languages": languages})
        members = sorted(pk for (pk,) in cursor.fetchall())
        said = f"{languages} {members}".encode()
        digest = hashlib.md5(said, usedforsecurity=False).hexdigest()
        return ExampleSet.objects.get_or_create(digest=digest, defaults={"members": members})[0]


def languages_of(versions: Iterable[PromptVersion]) -> list[str]:
    shown = (each for each in versions if each.example_mode != Wording.Examples.NONE)
    return sorted({each.prompt.language for each in shown})


def differences(chosen: ExampleSet, versions: Iterable[PromptVersion]) -> list[Difference]:
    """The examples that say something else now than they do in the set of these versions, by key and language."""
    languages = languages_of(versions)
    with connection.cursor() as cursor:
        cursor.execute(DRIFT, {"languages": languages, "members": chosen.members})
        return [Difference(*row) for row in cursor.fetchall()]


def library_for(wording: Wording, sets: Mapping[int, int], live: Library) -> Library:
    """The examples a wording is shown: those of its release by `sets`, its versions' ids; else as they are edited."""
    is_version = isinstance(wording, PromptVersion)
    chosen = sets.get(wording.pk or 0, AS_EDITED) if is_version else AS_EDITED
    return library(chosen, live) if chosen else live


def library(chosen: int, live: Library) -> Library:
    """The examples of a set, read once in a process: nothing changes it. What says the same as now is not cut again."""
    kept = KEPT.get(chosen)
    if kept is None:
        kept = read(chosen, live)  # nobody who has theirs waits for it
        with LOCK:
            KEPT[chosen] = kept
            drop_oldest()
    return kept


def warm(named: Collection[int], live: Library) -> None:
    """Reads those that are heard, and keeps each as long as it is named."""
    with LOCK:
        NAMED.clear()
        NAMED.update(named)
    for chosen in named:
        library(chosen, live)
    with LOCK:
        drop_oldest()


def drop_oldest() -> None:
    """Of the sets that nobody hears, as those of trials, the last ones stay."""
    others = [chosen for chosen in KEPT if chosen not in NAMED]
    for chosen in others[: max(0, len(others) - SETS_KEPT)]:
        del KEPT[chosen]


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
