"""SOPs as a file: CSV, XLSX, JSONL or YAML, in a stable order, and inert in every spreadsheet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import openpyxl
import yaml
from django.utils import timezone
from openpyxl.cell import WriteOnlyCell

from prompts.models import Sop
from prompts.transfer.columns import COLUMNS, LISTS, inert, writable
from prompts.transfer.planning import values_of

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write(sops: Iterable[Sop], *, kind: str) -> bytes:
    """The SOPs with all their columns; `kind` is a key of FORMATS."""
    return FORMATS[kind][1](records(sops))


def records(sops: Iterable[Sop]) -> Iterator[dict[str, Any]]:
    """Each SOP by column: plain values, times in the shop's time zone, the owner by name."""
    for sop in sops:
        said = values_of(sop)
        said["owner"] = sop.owner.get_username() if sop.owner else ""
        yield {name: as_plain(said[name]) for name in COLUMNS}


def as_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value


def as_cell(name: str, value: Any) -> str:
    if name in LISTS:
        value = "\n".join(value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    return inert(str(value))


def as_csv(found: Iterable[Mapping[str, Any]]) -> bytes:
    """With a mark at the beginning, by which Excel knows UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for record in found:
        writer.writerow([as_cell(name, record[name]) for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def as_workbook(found: Iterable[Mapping[str, Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("SOPs")
    sheet.append(list(COLUMNS))
    for record in found:
        sheet.append([text_cell(sheet, as_cell(name, record[name])) for name in COLUMNS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def text_cell(sheet: Any, text: str) -> Any:
    """A cell that is a text whatever stands in it; also for other tables than SOPs."""
    cell = WriteOnlyCell(sheet, value=writable(text))
    cell.data_type = "s"
    return cell


def as_json_lines(found: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(dict(record), ensure_ascii=False) + "\n" for record in found).encode()


def as_yaml(found: Iterable[Mapping[str, Any]]) -> bytes:
    text: str = yaml.dump(
        [dict(record) for record in found],
        Dumper=DUMPER,
        allow_unicode=True,
        sort_keys=False,
        width=120,
    )
    return text.encode()


# The media type of each kind, and what writes it.
FORMATS: dict[str, tuple[str, Callable[[Iterable[Mapping[str, Any]]], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_workbook),
    "jsonl": ("application/x-ndjson", as_json_lines),
    "yaml": ("application/yaml", as_yaml),
}
