"""Records turned into columns, so that what every cell needs is done once per column.

Belongs here: aligning records with the header, trimming, columns that are no field as JSON. Does
not: what makes a row acceptable (`intake.rows`), where records end (`intake.chunks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

Column = Sequence[str]
_SPECIAL = re.compile(r"[\\\x00-\x1f]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass
class Arranged:
    """Records as wide as the header, and their numbers; `original` has those that were not.

    `records` counts all that are not blank; `wide` are records with more cells than the header.
    """

    records: int = 0
    numbers: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    original: dict[int, list[str]] = field(default_factory=dict)
    wide: list[tuple[int, list[str]]] = field(default_factory=list)


def arrange(first: int, records: Iterable[list[str]], width: int) -> Arranged:
    """Records numbered from `first`; blank ones are passed over."""
    found = Arranged()
    numbers, rows = found.numbers, found.rows
    for number, record in enumerate(records, first):
        if len(record) == width:
            if not record[0] and not any(record):
                continue
            rows.append(record)
        elif not any(record):
            continue
        elif any(map(str.strip, record[width:])):
            found.wide.append((number, record))
            continue
        else:
            found.original[number] = record
            rows.append([*record[:width], *[""] * (width - len(record))])
        numbers.append(number)
    found.records = len(numbers) + len(found.wide)
    return found


def stripped(column: Column, clean: bool) -> Column:
    """Cells without white space around them."""
    if clean:
        text = "\n".join(column)
        edges = text[:1] == " " or text[-1:] == " " or " \n" in text or "\n " in text
        if not edges and text.isascii():
            return column
    return tuple(map(str.strip, column))


def copy_value(text: str) -> str:
    """One value in COPY's text format."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def escaped(column: Column) -> Column:
    """A column in COPY's text format."""
    return tuple(map(copy_value, column))


class Extras:
    """The columns that are no field."""

    def __init__(self, columns: Sequence[tuple[str, int]]) -> None:
        self._columns = columns
        self._heads = [f'"{name}":"' for name, _ in columns]
        names = [name for name, _ in columns]
        self._plain_names = len(set(names)) == len(names) and not any(
            _SPECIAL.search(name) or '"' in name for name in names
        )

    def column(self, columns: Sequence[Column], clean: bool) -> Column:
        """One JSON object per row, or nothing: empty cells are left out."""
        if not self._columns:
            return [""] * len(columns[0])
        cells = [stripped(columns[index], clean) for _, index in self._columns]
        # Quotes inside cells need JSON's own escapes.
        if clean and self._plain_names and not any('"' in "".join(column) for column in cells):
            parts = [
                [f'{head}{cell}"' if cell else "" for cell in column]
                for head, column in zip(self._heads, cells, strict=True)
            ]
            texts = [",".join(filter(None, row)) for row in zip(*parts, strict=True)]
            return [f"{{{text}}}" if text else "" for text in texts]
        return [self._json(row) for row in zip(*cells, strict=True)]

    def _json(self, row: Sequence[str]) -> str:
        pairs = zip(self._columns, row, strict=True)
        found = {name: cell for (name, _), cell in pairs if cell}
        return orjson.dumps(found).decode() if found else ""
