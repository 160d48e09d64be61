"""What staff wrote, as files: the same state gives the same bytes."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, transaction

from prompts.bundle import texts
from prompts.bundle.kinds import KINDS, Stored
from prompts.bundle.kinds.kind import written
from prompts.bundle.masking import RedactionFailed
from prompts.bundle.problems import whole


@dataclass(slots=True)
class Export:
    """Every file's text by path, and where personal data was masked."""

    files: dict[str, str] = field(default_factory=dict)
    masked: list[str] = field(default_factory=list)


def export() -> Export:
    """Everything, as it was at one moment. Raises BundleError for what cannot be examined for personal data."""
    found = Export()
    lines: dict[str, list[str]] = defaultdict(list)
    with one_moment():
        for name in KINDS:
            try:
                for each in KINDS[name].stored():
                    say(found, lines, name, each)
            except RedactionFailed as error:
                raise whole(name, f"could not be examined for personal data ({error})") from None
    found.files.update({path: "".join(part) for path, part in lines.items()})
    return found


def say(found: Export, lines: dict[str, list[str]], name: str, each: Stored) -> None:
    said = written(KINDS[name].shape, {k: v for k, v in each.said.items() if k in KINDS[name].shape.model_fields})  # fmt: skip
    if name == "case":
        # The folder says which set it is.
        said.pop("set")
        lines[each.path].append(texts.as_json_line(said))
    else:
        found.files[each.path] = texts.as_yaml(said)
    about = f"{each.path} {each.identity[-1]}" if name == "case" else each.path
    found.masked += [f"{about}: {field}" for field in each.masked]


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is read inside is of one moment, whatever is written meanwhile."""
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
                cursor.execute("SET LOCAL statement_timeout = '60s'")
        yield
