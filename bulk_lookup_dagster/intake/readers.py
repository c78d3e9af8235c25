"""The records of a file, whatever its kind.

Belongs here: delimiters and sheets. Does not: where chunks end (`intake.chunks`), which column is
what (`intake.columns`), what a cell means (`intake.rows`).
"""

from __future__ import annotations

import csv
import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bulk_lookup_dagster.core.errors import UploadRefused
from bulk_lookup_dagster.intake.chunks import TextChunk, cut_records, cut_text, read_csv
from bulk_lookup_dagster.intake.formats import MAX_LINE, FileFacts

Row = list[str]
_DELIMITERS = (",", ";", "\t", "|")
_SNIFF_CHARACTERS = 65_536
_MAX_UNPACKED = 1 << 30


class Table(ABC):
    """Records of a file: every one, header and blank ones included, in order.

    `delimiter` is what parts the cells of its chunks.
    """

    delimiter: str = ","

    @abstractmethod
    def peek(self, count: int) -> list[Row]:
        """The first records, which stay to be read."""

    @abstractmethod
    def chunks(self, size: int, *, has_header: bool) -> Iterator[TextChunk]:
        """All records but the header, in chunks of at most `size`."""


class _TextTable(Table):
    def __init__(self, file: io.TextIOBase) -> None:
        self.delimiter = _delimiter(file.read(_SNIFF_CHARACTERS))
        self._file = file

    def peek(self, count: int) -> list[Row]:
        self._file.seek(0)
        return list(islice(read_csv(self._file, self.delimiter), count))

    def chunks(self, size: int, *, has_header: bool) -> Iterator[TextChunk]:
        self._file.seek(0)
        return cut_text(self._file, self.delimiter, size, has_header=has_header)


class _SheetTable(Table):
    def __init__(self, records: Iterator[Row]) -> None:
        self._records = records
        self._peeked: list[Row] = []

    def peek(self, count: int) -> list[Row]:
        self._peeked += islice(self._records, max(0, count - len(self._peeked)))
        return self._peeked[:count]

    def chunks(self, size: int, *, has_header: bool) -> Iterator[TextChunk]:
        return cut_records(chain(self._peeked, self._records), size, has_header=has_header)


@contextmanager
def open_table(facts: FileFacts) -> Iterator[Table]:
    """Open a file for reading its records; raises `UploadRefused` where it stops being one."""
    if facts.kind == "xlsx":
        with closing(_sheet(facts.path)) as records:
            yield _SheetTable(records)
        return
    with facts.path.open(encoding=facts.encoding, newline="") as file:
        yield _TextTable(file)


def _delimiter(start: str) -> str:
    """The separator under which the first records have the most columns, all alike."""
    lines = [line for line in start.splitlines()[:30] if line.strip()]
    best, best_score = ",", (0, 0)
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) * 10 // len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _sheet(path: Path) -> Generator[Row]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _check_archive(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            if not sheets:
                raise _broken_workbook("it has no visible sheet")
            # Some writers declare a wrong size; reading to the end is always right.
            sheets[0].reset_dimensions()
            for cells in sheets[0].iter_rows(values_only=True):
                row = [_cell(value) for value in cells]
                if sum(map(len, row)) > MAX_LINE:
                    raise _broken_workbook(f"a row has more than {MAX_LINE:,} characters")
                yield row
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise _broken_workbook(type(error).__name__) from error


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise _broken_workbook(type(error).__name__) from error
    if "[Content_Types].xml" not in names or not any(n.startswith("xl/") for n in names):
        raise UploadRefused(
            "The file is a zip archive, not an Excel workbook.",
            fix="Unpack it and hand in the table inside.",
            code="wrong_extension",
        )
    if unpacked > _MAX_UNPACKED:
        raise UploadRefused(
            "The workbook unpacks to more than 1 GB.",
            fix="Save it as CSV.",
            code="too_large",
        )


def _cell(value: Any) -> str:
    """A cell as the person sees it; whole numbers without the decimals Excel stores."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return (value.date() if value.time() == time.min else value).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _broken_workbook(what: str) -> UploadRefused:
    return UploadRefused(
        f"The workbook cannot be read: {what}.",
        fix="Open it, save it again without a password, or export it as CSV.",
        code="broken_workbook",
    )
