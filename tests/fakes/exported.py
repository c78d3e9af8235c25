"""Exports to a path, and reads exported files back with the readers a person would use.

Belongs here: what a file holds, and what its cells were before they were made harmless.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
from openpyxl import load_workbook

from bulk_lookup_dagster.core.selection import Selection
from bulk_lookup_dagster.core.spreadsheet import restore, unspell
from bulk_lookup_dagster.services.exports import EVERYTHING, Export, Wish, export_contacts
from bulk_lookup_dagster.services.files import Folder


def export(
    conn: psycopg.Connection[Any],
    upload_id: int | None,
    kind: str,
    path: Path,
    *,
    actor: str = "ann",
    selection: Selection = EVERYTHING,
) -> Export:
    """An export of an upload, or of all where it is None, to a path of this machine."""
    wish = Wish(kind, upload_id, selection)
    return export_contacts(conn, wish, Folder(path.parent), path.name, actor=actor)


def _delimited(delimiter: str) -> Callable[[Path], list[list[Any]]]:
    def read(path: Path) -> list[list[Any]]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file, delimiter=delimiter))

    return read


def _sheet(path: Path) -> list[list[Any]]:
    return [list(row) for row in load_workbook(path)["contacts"].iter_rows(values_only=True)]


def _columns(path: Path) -> list[list[Any]]:
    table = pq.read_table(path)
    return [table.column_names, *([*row.values()] for row in table.to_pylist())]


READERS = {"csv": _delimited(","), "tsv": _delimited("\t"), "xlsx": _sheet, "parquet": _columns}


def came_back(kind: str, rows: Sequence[Sequence[Any]]) -> list[tuple[str | None, ...]]:
    """Rows as text with nothing escaped and nothing for an empty cell."""
    undo: Callable[[str], str] = str if kind == "parquet" else restore
    if kind == "xlsx":
        rows = [[unspell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    texts = [[None if cell in (None, "") else str(cell) for cell in row] for row in rows]
    return [tuple(None if cell is None else undo(cell) for cell in row) for row in texts]
