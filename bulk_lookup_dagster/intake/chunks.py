"""A table cut into chunks of whole records, kept as text.

Belongs here: where one chunk ends and what it looks like on its way to a worker. Does not: what a
record means (`intake.rows`). Only text with quotes is parsed to find where records end: whoever
stores the chunk parses it anyway.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import orjson

from bulk_lookup_dagster.core.errors import UploadRefused

MAX_CELL = 131_072
"""The most characters a cell may have; Python's own default."""
_MAX_CHARACTERS = 16 << 20
_STEP = 100
# What COPY escapes or refuses, line ends apart.
_SPECIAL = bytes({*range(32), ord("\\")} - {ord("\n"), ord("\r")})


@dataclass(frozen=True)
class TextChunk:
    """Records of one batch as CSV; `first_row` counts as a spreadsheet does, from 1.

    `single` says that every record is one line: then no cell holds a line break.
    """

    number: int
    first_row: int
    single: bool
    text: str

    def pack(self) -> bytes:
        """The chunk as it travels to a worker."""
        head = orjson.dumps([self.number, self.first_row, self.single])
        return head + b"\n" + self.text.encode()


@dataclass(frozen=True)
class UnpackedChunk:
    """A chunk where it is stored; `clean` says no cell needs COPY's escapes."""

    number: int
    first_row: int
    clean: bool
    records: Iterable[list[str]]


def unpack(payload: bytes, delimiter: str) -> UnpackedChunk:
    """What `TextChunk.pack` wrote."""
    head, _, body = payload.partition(b"\n")
    number, first_row, single = orjson.loads(head)
    tabs = delimiter == "\t"
    # Between quotes a separator is part of a cell.
    special = _SPECIAL.replace(b"\t", b"") if tabs and b'"' not in body else _SPECIAL
    clean = single and len(body.translate(None, special)) == len(body)
    text = body.decode()
    if single and '"' not in text:
        return UnpackedChunk(number, first_row, clean, _split(text, delimiter))
    records = read_csv(io.StringIO(text, newline=""), delimiter)
    return UnpackedChunk(number, first_row, clean, records)


def _split(text: str, delimiter: str) -> list[list[str]]:
    """What a CSV reader makes of lines without quotes, in a third of the time."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.removesuffix("\n").split("\n")
    return [line.split(delimiter) if line else [] for line in lines]


def read_csv(lines: Iterable[str], delimiter: str, first_line: int = 1) -> Iterator[list[str]]:
    """Records of CSV lines; raises `UploadRefused` where they stop being a table."""
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from reader
    except csv.Error:
        raise UploadRefused(
            f"The table breaks off near line {first_line + reader.line_num - 1:,}: a cell is "
            f"longer than {MAX_CELL:,} characters.",
            fix="Look there for a quotation mark that is opened and never closed.",
            code="broken_table",
        ) from None


def cut_text(
    file: io.TextIOBase, delimiter: str, size: int, *, has_header: bool
) -> Iterator[TextChunk]:
    """Chunks of at most `size` records of a text file, refused where it is no table."""
    number, first, line = 1, 1, 1
    if has_header:
        noted = _Noted(file)
        first += _through_header(read_csv(noted, delimiter))
        line += len(noted.lines)
    while lines := _lines(file, size):
        text, records, single = "".join(lines), len(lines), True
        if '"' in text or max(map(len, lines)) > MAX_CELL:
            noted = _Noted(chain(lines, file))
            records, last = _counted(islice(read_csv(noted, delimiter, line), records))
            lines = noted.lines
            text = "".join(lines)
            # A quote that is never closed keeps the last line's end in its cell.
            single = records == len(lines) and not "".join(last).endswith(("\r", "\n"))
        yield TextChunk(number, first, single, text)
        number, first, line = number + 1, first + records, line + len(lines)


def cut_records(
    records: Iterable[list[str]], size: int, *, has_header: bool
) -> Iterator[TextChunk]:
    """The same for records that never were text, such as those of a workbook."""
    rows = iter(records)
    first = 1 + (_through_header(rows) if has_header else 0)
    number = 1
    while chunk := list(islice(rows, size)):
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(chunk)
        text = buffer.getvalue()
        single = text.count("\n") == len(chunk) and "\r" not in text
        yield TextChunk(number, first, single, text)
        number, first = number + 1, first + len(chunk)


def _through_header(records: Iterator[list[str]]) -> int:
    """Read on until the header is behind; returns how many records that took."""
    for count, record in enumerate(records, 1):
        if any(map(str.strip, record)):
            return count
    return 0


def _counted(records: Iterable[list[str]]) -> tuple[int, list[str]]:
    """How many records there are, and the last one."""
    count, last = 0, list[str]()
    for count, last in enumerate(records, 1):  # noqa: B007
        pass
    return count, last


def _lines(file: io.TextIOBase, size: int) -> list[str]:
    """At most `size` lines, fewer when they are long."""
    lines: list[str] = []
    characters = 0
    while len(lines) < size and characters < _MAX_CHARACTERS:
        step = list(islice(file, min(_STEP, size - len(lines))))
        if not step:
            break
        lines += step
        characters += sum(map(len, step))
    return lines


class _Noted:
    """Lines that pass through, and which they were."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: list[str] = []
        self._source = iter(lines)

    def __iter__(self) -> _Noted:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self.lines.append(line)
        return line
