"""A table cut into chunks of whole records, kept as text.

Belongs here: where one chunk ends and what it looks like on its way to a worker. Does not: what a
record means (`intake.rows`). Only text with quotes is parsed to find where records end: whoever
stores the chunk parses it anyway. UTF-8 is not even decoded as long as lines are records.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, cast

import orjson

from bulk_lookup_dagster.core.errors import UploadRefused

MAX_CELL = 131_072
"""The most characters a cell may have; Python's own default."""
_MAX_CHARACTERS = 16 << 20
_STEP = 100
_BLOCK = 1 << 20
# Of a line that is longer than a cell may be, one such stretch is within it.
_STRETCH = MAX_CELL // 2
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
    body: bytes

    def pack(self) -> bytes:
        """The chunk as it travels to a worker."""
        head = orjson.dumps([self.number, self.first_row, self.single])
        return head + b"\n" + self.body


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
    if single:
        return UnpackedChunk(number, first_row, clean, _split(text, delimiter))
    records = read_csv(io.StringIO(text, newline=""), delimiter)
    return UnpackedChunk(number, first_row, clean, records)


def _split(text: str, delimiter: str) -> list[list[str]]:
    """What a CSV reader makes of lines that are records, in a third of the time."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.removesuffix("\n").split("\n")
    if '"' not in text:
        return [line.split(delimiter) if line else [] for line in lines]
    quoted = read_csv((line for line in lines if '"' in line), delimiter)
    return [
        next(quoted) if '"' in line else line.split(delimiter) if line else [] for line in lines
    ]


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
    noted = _Noted(file)
    if has_header:
        first += _through_header(read_csv(noted, delimiter))
        line += len(noted.lines)
    if isinstance(file, io.TextIOWrapper) and file.encoding in ("utf-8", "utf-8-sig"):
        binary = _behind(file, noted.lines)
        for body, count in _plain_chunks(binary, delimiter, size):
            yield TextChunk(number, first, True, body)
            number, first, line = number + 1, first + count, line + count
        rest = io.TextIOWrapper(binary, "utf-8", newline="")
        try:
            yield from _cut_lines(rest, delimiter, size, (number, first, line))
        finally:
            rest.detach()  # or it would close what is the caller's
    else:
        yield from _cut_lines(file, delimiter, size, (number, first, line))


def _cut_lines(
    file: io.TextIOBase, delimiter: str, size: int, start: tuple[int, int, int]
) -> Iterator[TextChunk]:
    """Chunks of decoded text, parsed where it has quotes; `start` is number, row and line."""
    number, first, line = start
    while lines := _lines(file, size):
        text, records, single = "".join(lines), len(lines), True
        if '"' in text or max(map(len, lines)) > MAX_CELL:
            noted = _Noted(chain(lines, file))
            records, last = _counted(islice(read_csv(noted, delimiter, line), records))
            lines = noted.lines
            text = "".join(lines)
            # A quote that is never closed keeps the last line's end in its cell.
            single = records == len(lines) and not "".join(last).endswith(("\r", "\n"))
        yield TextChunk(number, first, single, text.encode())
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
        yield TextChunk(number, first, single, text.encode())
        number, first = number + 1, first + len(chunk)


def _behind(file: io.TextIOWrapper, lines: Sequence[str]) -> BinaryIO:
    """The bytes of a UTF-8 file after its first lines."""
    binary = cast("BinaryIO", file.buffer)
    binary.seek(0)
    mark = len(codecs.BOM_UTF8) if binary.read(3) == codecs.BOM_UTF8 else 0
    binary.seek(mark + sum(len(line.encode()) for line in lines))
    return binary


def _plain_chunks(file: BinaryIO, delimiter: str, size: int) -> Iterator[tuple[bytes, int]]:
    """Chunks of lines that are records, and how many each has; the file is left where that ends."""
    lines = _Lines(file)
    while True:
        start = lines.position
        body, count = lines.take(size)
        if not count or not _is_plain(body, delimiter):
            file.seek(start)
            return
        yield body, count


class _Lines:
    """Lines of a binary file, many at a time; line ends are counted once, as blocks are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = b""
        self._count = 0

    @property
    def position(self) -> int:
        """Where the next line begins."""
        return self._file.tell() - len(self._held)

    def take(self, size: int) -> tuple[bytes, int]:
        """At most `size` lines, fewer when they are long, and how many."""
        parts, last = [self._held], self._count
        found, length = last, len(self._held)
        while found < size and length < _MAX_CHARACTERS:
            block = self._file.read(_BLOCK)
            if not block:
                self._held, self._count = b"", 0
                body = b"".join(parts)
                return body, found + (length > 0 and not body.endswith(b"\n"))
            last = block.count(b"\n")
            parts.append(block)
            found += last
            length += len(block)
        if not last:
            return b"", 0  # a line as long as a block
        beyond = max(0, found - size)
        end = _end_of_line(parts[-1], last - beyond)
        parts[-1], self._held = parts[-1][:end], parts[-1][end:]
        self._count = beyond
        return b"".join(parts), found - beyond


def _end_of_line(text: bytes, number: int) -> int:
    """Where the line of that number, counted from 1, is over."""
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        found = text.count(b"\n", low, middle)
        if found >= number:
            high = middle
        else:
            low, number = middle, number - found
    return high


def _is_plain(text: bytes, delimiter: str) -> bool:
    """Whether every line is a record: the usual line ends, none too long, no quote left open."""
    if text.count(b"\r") != text.count(b"\r\n"):
        return False
    starts = range(0, len(text) - _STRETCH + 1, _STRETCH)
    if any(text.find(b"\n", start, start + _STRETCH) < 0 for start in starts):
        return False
    quoted = [line.decode() for line in _quoted_lines(text)]
    # A line whose quote stays open takes the next one into its record, at last the empty one.
    return sum(1 for _ in read_csv([*quoted, ""], delimiter)) == len(quoted) + 1


def _quoted_lines(text: bytes) -> Iterator[bytes]:
    at = text.find(b'"')
    while at >= 0:
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        yield text[text.rfind(b"\n", 0, at) + 1 : end]
        at = text.find(b'"', end)


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
