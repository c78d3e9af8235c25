"""Exports of a part of an upload: conditions, columns, limits, saved filters."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openpyxl import load_workbook

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.selection import COLUMNS, Selection, parse_columns, parse_condition
from bulk_lookup_dagster.services.exports import saved_filter
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.uploads import load_upload
from tests.fakes.exported import READERS, export
from tests.fakes.story import tell

Connection = psycopg.Connection[Any]


@pytest.fixture
def told(conn: Connection) -> Connection:
    """Upload 1 with six answered numbers."""
    tell(conn)
    return conn


def exported(
    conn: Connection, folder: Path, where: Sequence[str] = (), columns: str = "", **limits: Any
) -> list[dict[str, str]]:
    selection = Selection(tuple(map(parse_condition, where)), parse_columns(columns), **limits)
    path = folder / "part.csv"
    export(conn, 1, "csv", path, actor="me", selection=selection)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_conditions_choose_rows_and_together_choose_fewer(told: Connection, tmp_path: Path) -> None:
    everything = exported(told, tmp_path)
    mobile = exported(told, tmp_path, ["line_type=mobile,landline"])
    assert mobile == [row for row in everything if row["line_type"] in ("mobile", "landline")]
    assert mobile
    others = exported(told, tmp_path, ["line_type!=mobile,landline"])
    assert len(others) == len(everything) - len(mobile)
    unknown = exported(told, tmp_path, ["line_type="])
    assert unknown == [row for row in everything if not row["line_type"]]
    assert unknown
    both = exported(told, tmp_path, ["line_type!=", "valid=true", "risk_level!=high"])
    assert both == [
        row
        for row in everything
        if row["line_type"] and row["valid"] == "True" and row["risk_level"] != "high"
    ]
    assert both


def test_columns_come_in_the_order_asked_for_and_limits_end_the_file(
    told: Connection, tmp_path: Path
) -> None:
    rows = exported(told, tmp_path, columns="line_type, row_number", limit=2)
    assert [list(row) for row in rows] == [["line_type", "row_number"]] * 2
    numbers = [int(row["row_number"]) for row in rows]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("kind", READERS)
def test_every_format_keeps_to_the_selection(told: Connection, tmp_path: Path, kind: str) -> None:
    selection = Selection((parse_condition("line_type=mobile"),), ("phone", "valid"))
    path = tmp_path / f"part.{kind}"
    done = export(told, 1, kind, path, actor="me", selection=selection)
    header, *rows = READERS[kind](path)
    assert (header, len(rows)) == (["phone", "valid"], done.row_count)
    assert done.row_count == 1


@pytest.mark.parametrize("value", ["100%", "%s", "a'b", "{}", '"', "\\", "%(upload)s"])
def test_f55_a_value_is_never_sql(
    platform: Platform, conn: Connection, tmp_path: Path, value: str
) -> None:
    path = tmp_path / "leads.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["phone", "name"], ["4155552601", value], ["4155552602", "x"]])
    load_upload(platform.dsn, platform.secret_key, path)
    (row,) = exported(conn, tmp_path, [f"name={value}"])
    assert row["phone"].endswith("2601")


def test_f55_text_that_looks_like_a_spreadsheets_error_stays_text(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone,name\n4155552601,#N/A\n4155552602,#REF!\n")
    upload = load_upload(platform.dsn, platform.secret_key, path).upload_id
    selection = Selection(columns=("name",))
    sheet = tmp_path / "names.xlsx"
    export(conn, upload, "xlsx", sheet, actor="me", selection=selection)
    cells = [row[0] for row in load_workbook(sheet)["contacts"].iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in cells] == [("#N/A", "s"), ("#REF!", "s")]


@pytest.mark.parametrize("text", ["line_type", "line_type~x", "LINE=x", "password_hash=1", "=x"])
def test_f57_a_condition_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_condition(text)
    assert caught.value.fix


def test_f57_unknown_and_doubled_columns_are_refused() -> None:
    assert parse_columns(" ") == COLUMNS
    for text in ("phone,phone", "phone,salary"):
        with pytest.raises(InputError):
            parse_columns(text)


def test_a_filter_is_saved_in_the_settings_and_checked_there(
    told: Connection, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="none yet") as caught:
        saved_filter(told, "mobiles")
    assert caught.value.fix
    change_settings(told, "exports.saved.mobiles", '["line_type=mobile"]', "me")
    assert len(exported(told, tmp_path, saved_filter(told, "mobiles"))) == 1
    for wrong in ('["salary=1"]', '["mobile"]'):
        with pytest.raises(InputError, match=r"One of|Write"):
            change_settings(told, "exports.saved.rich", wrong, "me")


def test_f60_more_rows_than_are_allowed_are_refused_before_anything_is_written(
    told: Connection, tmp_path: Path
) -> None:
    change_settings(told, "exports.max_rows", "2", "me")
    with pytest.raises(InputError, match="max_rows allows: 2") as caught:
        exported(told, tmp_path)
    assert "--limit" in caught.value.fix
    assert list(tmp_path.glob("part.csv")) == []
    assert len(exported(told, tmp_path, limit=2)) == 2
