"""Bytes of a CSV, XLSX, JSONL or YAML file to rows, within bounds on everything a hostile file may blow up."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from prompts import yaml_marks
from prompts.transfer.columns import COLUMNS, as_written, column_of
from prompts.yaml_marks import Malformed

FILE_BYTES = 8 * 1024 * 1024
UNPACKED_BYTES = 64 * 1024 * 1024
ROWS = 20_000
COLUMNS_MAX = 64
ENCODINGS = ("utf-8-sig", "gb18030")
KINDS = ("csv", "xlsx", "jsonl", "yaml")
# Its number, what it holds, and the names that stand in it twice, with their lines.
Record = tuple[int, Any, tuple[tuple[str, int], ...]]


class Unreadable(Exception):
    """The file as a whole cannot be read. `reason` is a key of the page's words, with `values` for its gaps."""

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: its number there, its cells by column, and what was odd about it."""

    number: int
    cells: dict[str, Any]
    # Names that stand there again, each with the line of the file.
    doubled: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows. `columns` are those it has; `encoding` is of text files."""

    rows: list[Row]
    columns: tuple[str, ...]
    encoding: str = ""
    unknown: tuple[str, ...] = field(default=())


def read(content: bytes, *, name: str) -> Table:
    """The rows of a file whose kind its name says. Raises Unreadable."""
    kind = name.rpartition(".")[2].lower()
    kind = {"yml": "yaml", "json": "jsonl", "ndjson": "jsonl"}.get(kind, kind)
    if kind not in KINDS:
        raise Unreadable("kind", kind=kind)
    if len(content) > FILE_BYTES:
        raise Unreadable("file_bytes", mb=FILE_BYTES // 1024 // 1024)
    if not content.strip():
        raise Unreadable("empty")
    if kind == "xlsx":
        return tabular(workbook_rows(content))
    text, encoding = decoded(content)
    if kind == "csv":
        return tabular(csv_rows(text), encoding=encoding)
    return recorded(json_rows(text) if kind == "jsonl" else yaml_rows(text), encoding=encoding)


def decoded(content: bytes) -> tuple[str, str]:
    """The text and its encoding: UTF-8, UTF-16 by its mark, or GBK (GB 18030). Raises Unreadable."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text or not is_plausible(text):
            continue
        return text, {"utf-8-sig": "UTF-8", "gb18030": "GBK"}.get(encoding, "UTF-16")
    raise Unreadable("encoding")


def is_plausible(text: str) -> bool:
    """Bytes of another encoding, read as GBK, fall among characters for private use."""
    return not any("\ue000" <= character <= "\uf8ff" for character in text[:100_000])


def csv_rows(text: str) -> Iterator[list[Any]]:
    """Raises Unreadable."""
    # The reader refuses long fields by itself, and for the whole process: length is checked by cell, later.
    csv.field_size_limit(FILE_BYTES * 2)
    separator = (
        ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    )
    separator = "\t" if "\t" in text.partition("\n")[0] else separator
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            yield [as_written(cell) for cell in cells]
    except csv.Error as error:
        raise Unreadable("broken", detail=str(error)) from error


def workbook_rows(content: bytes) -> Iterator[list[Any]]:
    """The rows of the first sheet. Raises Unreadable, for a bomb before anything of it is unpacked."""
    check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for cells in sheet.iter_rows(values_only=True, max_row=ROWS + 2, max_col=COLUMNS_MAX + 1):
            yield [as_written(cell) if isinstance(cell, str) else cell for cell in cells]
    except Unreadable:
        raise
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError) as error:
        raise Unreadable("broken", detail=type(error).__name__) from error
    except Exception as error:
        # The parsers of XML below have error trees of their own, and defusedxml one for bombs.
        raise Unreadable("broken", detail=type(error).__name__) from error


def check_archive(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise Unreadable("broken", detail="BadZipFile") from error
    if unpacked > UNPACKED_BYTES:
        raise Unreadable("bomb", mb=UNPACKED_BYTES // 1024 // 1024)


def tabular(lines: Iterable[list[Any]], *, encoding: str = "") -> Table:
    """The rows below a line of headers. Raises Unreadable."""
    found = iter(lines)
    headers = ["" if cell is None else str(cell) for cell in next(found, [])]
    while headers and not headers[-1].strip():
        headers.pop()
    if len(headers) > COLUMNS_MAX:
        raise Unreadable("columns", most=COLUMNS_MAX)
    columns = [column_of(header) for header in headers]
    known = [column for column in columns if column]
    if doubled := sorted({column for column in known if known.count(column) > 1}):
        raise Unreadable("doubled", names=", ".join(doubled))
    if "key" not in known:
        raise Unreadable("headers", names=", ".join(COLUMNS))
    rows = []
    for number, cells in enumerate(found, 2):
        named = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
        if any(cell not in (None, "") for cell in named.values()):
            rows.append(Row(number, named))
        check_count(rows)
    unknown = tuple(
        header for header, column in zip(headers, columns, strict=True) if header and not column
    )
    return Table(rows, tuple(known), encoding, unknown)


def json_rows(text: str) -> Iterator[Record]:
    """Raises Unreadable, naming the line."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        doubled: list[str] = []

        def noted(pairs: list[tuple[str, Any]], doubled: list[str] = doubled) -> dict[str, Any]:
            names = [name for name, _ in pairs]
            doubled += {name for name in names if names.count(name) > 1}
            return dict(pairs)

        try:
            value = json.loads(line, object_pairs_hook=noted)
        except (ValueError, RecursionError) as error:
            raise Unreadable("line", number=number, detail=str(error)[:200]) from error
        yield number, value, tuple((name, number) for name in sorted(doubled))


def yaml_rows(text: str) -> Iterator[Record]:
    """Raises Unreadable, naming the line; aliases are refused, because a few of them unfold into gigabytes."""
    try:
        marked = yaml_marks.load(text)
    except Malformed as error:
        reason = {"broken": "yaml", "key": "yaml_key"}.get(error.reason, error.reason)
        raise Unreadable(reason, number=error.mark.line, detail=error.detail) from None
    if not isinstance(marked.value, list):
        raise Unreadable("no_list")
    for place, value in enumerate(marked.value):
        again = [(where, mark) for where, mark in marked.doubled if where[0] == place]
        yield place + 1, value, tuple((str(where[1]), mark.line) for where, mark in again)


def recorded(found: Iterable[Record], *, encoding: str) -> Table:
    """The rows of records that name their own fields. Raises Unreadable."""
    rows: list[Row] = []
    columns: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for number, value, doubled in found:
        if not isinstance(value, dict):
            raise Unreadable("no_object", number=number)
        named = {}
        for name, cell in value.items():
            column = column_of(str(name))
            (columns if column else unknown)[column or str(name)[:80]] = None
            if column:
                named[column] = cell
        rows.append(Row(number, named, doubled))
        check_count(rows)
    return Table(rows, tuple(columns), encoding, tuple(unknown)[:20])


def check_count(rows: list[Row]) -> None:
    if len(rows) > ROWS:
        raise Unreadable("rows", most=ROWS)
