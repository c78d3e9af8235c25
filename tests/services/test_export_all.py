"""Exports over all uploads: every contact once, by any selection, logged without naming anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.selection import COLUMNS, Selection, parse_columns, parse_condition
from bulk_lookup_dagster.services import exports
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.services.uploads import load_upload
from tests.fakes.exported import READERS, came_back, export
from tests.fakes.story import tell

Connection = psycopg.Connection[Any]
SHORT = "upload_id,row_number,phone,name"


def load(platform: Platform, folder: Path, name: str, *rows: str) -> int:
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["phone,name", *rows]) + "\n")
    return load_upload(platform.dsn, platform.secret_key, path).upload_id


def everybody(
    conn: Connection,
    folder: Path,
    where: Sequence[str] = (),
    columns: str = SHORT,
    kind: str = "csv",
    **more: Any,
) -> list[tuple[str | None, ...]]:
    selection = Selection(tuple(map(parse_condition, where)), parse_columns(columns), **more)
    path = folder / f"all.{kind}"
    done = export(conn, None, kind, path, selection=selection)
    _, *rows = READERS[kind](path)
    assert len(rows) == done.row_count
    return came_back(kind, rows)


@pytest.mark.parametrize("kind", READERS)
def test_f55_every_contact_comes_once_where_it_came_first_and_exactly(
    platform: Platform, conn: Connection, tmp_path: Path, kind: str
) -> None:
    first = load(platform, tmp_path, "a", "4155552601,=Ada", "4155552602,'Ben", "4155552601,=Ada")
    second = load(platform, tmp_path, "b", "4155552602,'Ben", "4155552603,@Cy")
    assert everybody(conn, tmp_path, kind=kind) == [
        (str(first), "2", "+14155552601", "=Ada"),
        (str(first), "3", "+14155552602", "'Ben"),
        (str(second), "3", "+14155552603", "@Cy"),
    ]


def test_a_file_that_is_not_loaded_shows_nobody_but_hides_nobody_either(
    platform: Platform, conn: Connection, superuser_dsn: str, tmp_path: Path
) -> None:
    first = load(platform, tmp_path, "a", "4155552601,Ada", "4155552602,Ben")
    second = load(platform, tmp_path, "b", "4155552601,Ada", "4155552603,Cy", "4155552601,Ada")
    with psycopg.connect(superuser_dsn) as owner:  # as if its load had been killed
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE intake.uploads SET state = 'loading', loaded_at = NULL WHERE upload_id = %s",
            (first,),
        )
    assert [row[:2] + row[3:] for row in everybody(conn, tmp_path)] == [
        (str(second), "2", "Ada"),
        (str(second), "3", "Cy"),
    ]


def test_conditions_saved_or_not_choose_over_all_uploads(conn: Connection, tmp_path: Path) -> None:
    tell(conn)
    change_settings(conn, "exports.saved.sure", '["line_type!="]', "me")
    every = everybody(conn, tmp_path, columns="")
    place = COLUMNS.index("line_type")
    assert len(every) == 20
    saved = everybody(conn, tmp_path, exports.saved_filter(conn, "sure"), columns="")
    assert saved == [row for row in every if row[place] is not None]
    assert saved
    mobile = everybody(conn, tmp_path, ["line_type=mobile", "upload_id=1,3"])
    assert mobile == [("1", "1", "+14155550100", "Ada Lovelace")]
    assert everybody(conn, tmp_path, ["line_type=mobile", "upload_id=2"]) == []
    assert everybody(conn, tmp_path, columns="", limit=3) == every[:3]


def test_nothing_to_export_is_a_file_with_a_header(conn: Connection, tmp_path: Path) -> None:
    for kind in READERS:
        assert everybody(conn, tmp_path, kind=kind, columns="phone") == []
        assert READERS[kind](tmp_path / f"all.{kind}")[0] == ["phone"]


def test_f60_too_many_rows_leave_no_file_whether_known_before_or_found_on_the_way(
    conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(conn)
    change_settings(conn, "exports.max_rows", "10", "me")
    for where in ([], ["valid="]):
        with pytest.raises(InputError, match="max_rows allows: 10") as caught:
            everybody(conn, tmp_path, where)
        assert "--limit" in caught.value.fix
    assert list(tmp_path.iterdir()) == []
    assert conn.execute("SELECT count(*) FROM ops.exports").fetchone() == (0,)
    assert len(everybody(conn, tmp_path, ["line_type!="])) == 5  # few enough of many
    assert len(everybody(conn, tmp_path, limit=10)) == 10
    monkeypatch.setattr(exports, "MAX_SHEET_ROWS", 10)
    with pytest.raises(InputError, match="A sheet ends"):
        everybody(conn, tmp_path, ["valid="], kind="xlsx")


def test_the_log_says_what_was_chosen_and_names_nobody(conn: Connection, tmp_path: Path) -> None:
    tell(conn)
    everybody(conn, tmp_path, ["name=Ada Lovelace", "risk_level!=high"], limit=7)
    everybody(conn, tmp_path, ["email="], columns="", saved="silent")
    logged = conn.execute("SELECT upload_id, selection, row_count FROM ops.exports").fetchall()
    assert logged == [
        (None, f"name=…; risk_level!=high; columns {SHORT}; limit 7", 1),
        (None, "saved silent; email=", 19),
    ]
