"""F49: a step's number of statements does not grow with its rows; F60: nor does what it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.engine.operator import list_unknowns
from bulk_lookup_dagster.schemas.phone_lookups import COLUMNS, NUMBERS
from bulk_lookup_dagster.services import batch_frames, history, step_frames
from bulk_lookup_dagster.services.deletion import delete_uploads
from bulk_lookup_dagster.services.exports import Wish, export_contacts
from bulk_lookup_dagster.services.files import Folder
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import make_plan
from bulk_lookup_dagster.services.publishing import publish_batch, start_batch
from bulk_lookup_dagster.services.settings import change_settings, load_settings, settings_history
from bulk_lookup_dagster.services.status import platform_status
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS
from tests.fakes.engine_run import run
from tests.fakes.history import add_batch
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import FakeProvider
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
Step = Callable[[Platform, Connection, str, int], object]
_BATCH = "SELECT batch_id, upload_id FROM intake.batches WHERE partition_key = %s"


class Counted:
    """Statements sent and the longest list read, by any connection of this process."""

    statements = 0
    longest = 0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()

    def watch(cursor: type[Any], name: str) -> None:
        sent = getattr(cursor, name)

        def counting(self: Any, *arguments: Any, **options: Any) -> Any:
            found.statements += 1
            return sent(self, *arguments, **options)

        monkeypatch.setattr(cursor, name, counting)

    for cursor in (psycopg.Cursor, psycopg.AsyncCursor):
        for name in ("execute", "executemany", "copy"):
            watch(cursor, name)
    watch(psycopg.ServerCursor, "execute")
    fetchall = psycopg.Cursor.fetchall

    def measuring(self: Any) -> list[Any]:
        rows = fetchall(self)
        found.longest = max(found.longest, len(rows))
        return rows

    monkeypatch.setattr(psycopg.Cursor, "fetchall", measuring)
    return found


def _publish(_: Platform, conn: Connection, __: str, batch: int) -> object:
    start_batch(conn, batch)
    return publish_batch(conn, batch)


def _export(platform: Platform, conn: Connection, key: str, batch: int) -> object:
    folder = Folder(platform.environment.home)
    return export_contacts(conn, Wish("csv", batch), folder, f"{batch}.csv", actor="test")


def _delete(_: Platform, conn: Connection, __: str, batch: int) -> object:
    return delete_uploads(conn, [batch], actor="test", rehearse=False)


STEPS: dict[str, Step] = {
    "contacts": lambda platform, _, key, __: batch_frames.contacts_of_partition(platform, key),
    "answers": lambda platform, _, key, __: step_frames.answers_of_partition(
        platform, key, PHONE_LOOKUPS, COLUMNS, NUMBERS
    ),
    "questions": lambda platform, _, key, __: step_frames.questions_of_partition(
        platform, key, PHONE_LOOKUPS
    ),
    "step history": lambda platform, _, key, __: history.step_figures(platform, key, PHONE_LOOKUPS),
    "contacts history": lambda platform, _, key, __: history.contacts_figures(platform, key),
    "look-ups history": lambda platform, _, key, __: history.lookup_figures(platform, key),
    "plan": lambda platform, conn, _, batch: make_plan(conn, batch, load_settings(conn), platform),
    "status": lambda _, conn, __, ___: platform_status(conn),
    "publish": _publish,
    "export": _export,
    "delete": _delete,
}


@pytest.mark.parametrize("name", STEPS)
def test_f49_statements_per_step_do_not_grow(
    name: str, dsn: str, conn: Connection, tmp_path: Path, counted: Counted
) -> None:
    platform = platform_of(dsn, tmp_path)
    sent = []
    for rows in (20, 600):
        key = add_batch(conn, rows=rows)
        batch, upload = conn.execute(_BATCH, (key,)).fetchall()[0]
        assert batch == upload
        before = counted.statements
        STEPS[name](platform, conn, key, batch)
        sent.append(counted.statements - before)
    assert sent[0] == sent[1] > 0


def test_f49_the_paid_step_writes_in_groups(
    dsn: str, conn: Connection, tmp_path: Path, counted: Counted
) -> None:
    """Answers are settled as they arrive, so the number varies; it stays far from one a row."""
    plan = add_plan(conn)
    add_subjects(conn, 1_000)
    before = counted.statements
    assert run(dsn, tmp_path, FakeProvider(), plan).answered["data"] == 1_000
    assert counted.statements - before < 500


def test_f60_lists_for_people_are_bounded(
    dsn: str, conn: Connection, tmp_path: Path, counted: Counted
) -> None:
    add_batch(conn, rows=600, unknown=300)
    for number in range(130):
        change_settings(conn, "steps.phone_lookups.patience_s", str(number), "test")
    conn.execute(
        "INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version)"
        " SELECT 'waiting_approval', 'upload', '{}', '{}', 'v1' FROM generate_series(1, 300)"
    )
    counted.longest = 0
    platform_status(conn)
    assert 0 < counted.longest <= 50
    assert len(list_unknowns(conn)) == 100
    assert len(settings_history(conn)) == 100
    assert counted.longest == 100


def test_f39_a_batch_without_rows_passes_every_step(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    platform = platform_of(dsn, tmp_path)
    for name, step in STEPS.items():
        key = add_batch(conn, rows=0, refused=0, source=name)
        batch, _ = conn.execute(_BATCH, (key,)).fetchall()[0]
        step(platform, conn, key, batch)
        assert batch_frames.reject_shares(conn, batch).reject_share == 0 if name != "delete" else 1
