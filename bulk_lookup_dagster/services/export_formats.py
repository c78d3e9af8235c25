"""Formats of exported files: rows go in page by page, a finished file comes out.

Cells a spreadsheet would run are neutralised in CSV, TSV and XLSX (exact way back:
`core.spreadsheet.restore`); Parquet keeps values as they are. Memory does not grow with rows.

Belongs here: one writer per format. Does not: which rows (`services.exports`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from bulk_lookup_dagster.core.spreadsheet import neutralise, spell

Row = tuple[Any, ...]
WriteRows = Callable[[Sequence[Row]], None]
Writer = Callable[[Path, Sequence[str]], AbstractContextManager[WriteRows]]

_NUMBERS = ("upload_id", "row_number")


def _cell(value: Any) -> Any:
    return neutralise(value) if isinstance(value, str) else value


def _sheet_cell(value: Any) -> Any:
    return spell(neutralise(value)) if isinstance(value, str) else value


def _csv(delimiter: str) -> Writer:
    @contextmanager
    def opened(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(columns)
            yield lambda rows: writer.writerows([list(map(_cell, row)) for row in rows])

    return opened


@contextmanager
def _xlsx(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ERROR_CODES

    book = Workbook(write_only=True)
    sheet = book.create_sheet("contacts")
    sheet.append(list(columns))

    def cell(value: Any) -> Any:
        value = _sheet_cell(value)
        if value not in ERROR_CODES:
            return value
        text = WriteOnlyCell(sheet, value)
        text.data_type = "s"  # else the library makes an error of the text #N/A
        return text

    def write(rows: Sequence[Row]) -> None:
        for row in rows:
            sheet.append(list(map(cell, row)))

    try:
        yield write
    except BaseException:
        sheet.close()
        raise
    book.save(path)


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[WriteRows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {**dict.fromkeys(_NUMBERS, pa.int64()), "valid": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Row]) -> None:
            values = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(pa.table(dict(zip(columns, values, strict=True)), schema=schema))

        yield write


WRITERS: dict[str, Writer] = {
    "csv": _csv(","),
    "tsv": _csv("\t"),
    "xlsx": _xlsx,
    "parquet": _parquet,
}
