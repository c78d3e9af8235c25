"""Settings: what may be set, who changed what, and that a change reaches the next run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.redaction import redact
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.plans import make_plan
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings, load_settings, settings_history
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.database import connect
from tests.fakes.sandbox import ROOT, running_sandbox
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]

_CHANGE = """
import sys
from bulk_lookup_dagster.services.settings import change_settings
from bulk_lookup_dagster.storage.database import connect
dsn, path, *values = sys.argv[1:]
with connect(dsn, autocommit=True) as conn:
    print("ready", flush=True)
    sys.stdin.readline()
    for value in values:
        change_settings(conn, path, value, path)
"""


def test_nothing_changed_means_the_defaults(conn: Connection) -> None:
    assert load_settings(conn) == Settings()
    assert settings_history(conn) == []


def test_a_change_is_in_force_at_once_and_says_who_and_what(conn: Connection) -> None:
    changed = change_settings(conn, "intake.batch_rows", "500", "ann")
    assert changed == load_settings(conn)
    assert changed.intake.batch_rows == 500
    change_settings(conn, "intake.default_region", "GB", "ben")  # text needs no quotes
    change_settings(conn, "providers.twilio_lookup.requests_per_second", "null", "ann")
    latest, region, rows = settings_history(conn)
    assert (rows.changed_by, rows.note) == ("ann", "intake.batch_rows: 25000 -> 500")
    assert (region.changed_by, region.note) == ("ben", 'intake.default_region: "US" -> "GB"')
    assert latest.note.endswith(": 50.0 -> null")
    assert latest.changed_at > region.changed_at > rows.changed_at
    assert [each.note for each in settings_history(conn, 1)] == [latest.note]
    audit = conn.execute("SELECT actor, action, object FROM ops.audit ORDER BY 1, 3").fetchall()
    assert audit == [
        ("ann", "settings.set", "intake.batch_rows"),
        ("ann", "settings.set", "providers.twilio_lookup.requests_per_second"),
        ("ben", "settings.set", "intake.default_region"),
    ]


@pytest.mark.parametrize(
    "path,named,known",
    [
        ("", "There is no setting .", "intake"),
        ("intak.batch_rows", "intak.", "intake"),
        ("intake.batch_row", "intake.batch_row.", "batch_rows"),
        ("intake.batch_rows.x", "intake.batch_rows.", "batch_rows"),
        ("providers.twilio_lookup.breaker.fails", "breaker.fails.", "failures, window_s"),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones_beside_it(
    conn: Connection, path: str, named: str, known: str
) -> None:
    with pytest.raises(InputError) as refused:
        change_settings(conn, path, "1", "ann")
    assert "There is no setting" in refused.value.message
    assert named in refused.value.message
    assert known in refused.value.fix
    assert settings_history(conn) == []


@pytest.mark.parametrize(
    "path,value,allowed",
    [
        ("intake.batch_rows", "99", "greater than or equal to 100"),
        ("intake.batch_rows", "25001", "less than or equal to 25000"),
        ("intake.batch_rows", "many", "integer"),
        ("intake.batch_rows", "null", "integer"),
        ("intake.default_region", "USA", "at most 2"),
        ("intake.default_region", "XX", "such as US"),
        ("intake.default_region", "us", "such as US"),
        ("schedules.nightly_cron", "15 2 * *", "minute, hour"),
        ("schedules.nightly_cron", "60 2 * * *", "minute, hour"),
        ("schedules.nightly_cron", "15 2 * * 5-1", "minute, hour"),
        ("schedules.nightly_cron", "15 2 * * */0", "minute, hour"),
        ("schedules.nightly_cron", "a b c d e", "minute, hour"),
        ("intake.source", '"a\\u0000b"', "pattern"),
        ("checks.max_unknown_share", "NaN", "less than or equal to 1"),
        ("providers.twilio_lookup.enabled", "perhaps", "boolean"),
        ("providers.twilio_lookup.packages", "[]", "at least 1"),
        ("providers.twilio_lookup.packages", '["cnam"]', "'caller_name'"),
        ("providers.twilio_lookup.packages", '["sim_swap", "sim_swap"]', "named twice"),
        ("providers.twilio_lookup.price_overrides_usd.cnam", "1", "'caller_name'"),
        ("spending.day_cap_usd", "-1", "greater than or equal to 0"),
        ("spending.day_cap_usd", "Infinity", "finite"),
        ("spending.provider_day_cap_usd.twilio", "1", "'twilio_lookup'"),  # would cap nothing
        ("schedules.nightly_cron", "daily", "minute, hour"),
    ],
)
def test_a_wrong_value_is_refused_with_the_key_and_what_is_allowed(
    conn: Connection, path: str, value: str, allowed: str
) -> None:
    with pytest.raises(InputError) as refused:
        change_settings(conn, path, value, "ann")
    assert path in refused.value.message
    assert allowed in refused.value.message
    assert refused.value.fix
    assert load_settings(conn) == Settings()
    assert settings_history(conn) == []


def test_digits_are_text_where_the_field_takes_text(conn: Connection) -> None:
    assert change_settings(conn, "intake.source", "2026", "ann").intake.source == "2026"
    assert change_settings(conn, "intake.source", '"true"', "ann").intake.source == "true"


def test_f28_secrets_have_no_place_in_the_settings(conn: Connection) -> None:
    leaves = redact(dict.fromkeys(_names(Settings.model_json_schema()), "harmless"))
    assert leaves, "the search finds nothing any more"
    assert {name for name, value in leaves.items() if value != "harmless"} == set()
    hidden = "hidden-value-1"
    names = [variable.name for variable in VARIABLES if variable.secret]
    for name in [*names, *map(str.lower, names), "auth_token", "api_secret"]:
        for path in (name, f"providers.twilio_lookup.{name}", f"providers.{name}"):
            with pytest.raises(InputError) as refused:
                change_settings(conn, path, hidden, "ann")
            assert hidden not in str(refused.value)
    block = json.dumps({"auth_token": hidden})
    with pytest.raises(InputError) as refused:
        change_settings(conn, "providers.twilio_lookup", block, "ann")
    assert hidden not in str(refused.value)
    for table in ("settings", "audit"):
        assert conn.execute(f"SELECT count(*) FROM ops.{table}").fetchone() == (0,)


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _names(part)


def test_f06_processes_that_change_different_settings_at_once_lose_nothing(
    dsn: str, conn: Connection
) -> None:
    changes = {
        "intake.batch_rows": [str(100 + place) for place in range(20)],
        "providers.twilio_lookup.concurrency": [str(1 + place) for place in range(20)],
    }
    _change_at_once(dsn, changes)
    settings = load_settings(conn)
    assert settings.intake.batch_rows == 119
    assert settings.providers.twilio_lookup.concurrency == 20
    history = settings_history(conn)
    assert len(history) == 40
    for path, values in changes.items():
        notes = [each.note for each in reversed(history) if each.changed_by == path]
        olds = [note.split(": ")[1].split(" -> ")[0] for note in notes]
        news = [note.split(" -> ")[1] for note in notes]
        assert news == values
        assert olds[1:] == news[:-1]


def test_f06_the_same_setting_changed_at_once_is_kept_in_order(dsn: str, conn: Connection) -> None:
    def change(person: int) -> None:
        with connect(dsn, autocommit=True) as own:
            for value in range(10):
                rows = str(1000 * person + value)
                change_settings(own, "intake.batch_rows", rows, f"person {person}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, (1, 2)))
    history = settings_history(conn)[::-1]
    steps = [each.note.removeprefix("intake.batch_rows: ").split(" -> ") for each in history]
    assert [before for before, _ in steps] == ["25000", *(after for _, after in steps[:-1])]
    assert int(steps[-1][1]) == load_settings(conn).intake.batch_rows
    assert len(history) == 20


def test_a_change_is_dated_when_it_is_made_not_when_its_transaction_began(
    dsn: str, conn: Connection
) -> None:
    with connect(dsn) as early:
        early.execute("SELECT 1")
        change_settings(conn, "intake.batch_rows", "100", "ann")
        change_settings(early, "intake.batch_rows", "200", "ben")
    ben, ann = settings_history(conn)
    assert (ben.changed_by, ann.changed_by) == ("ben", "ann")
    assert ben.changed_at > ann.changed_at


def _change_at_once(dsn: str, changes: dict[str, list[str]]) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CHANGE, dsn, path, *values],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for path, values in changes.items()
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0]


def test_a_run_started_after_a_change_uses_it(dsn: str, conn: Connection, tmp_path: Path) -> None:
    with running_sandbox() as sandbox:
        platform = platform_of(
            dsn,
            tmp_path / "home",
            TWILIO_ACCOUNT_SID="AC1",
            TWILIO_AUTH_TOKEN="sandbox-token",
            TWILIO_LOOKUP_BASE_URL=sandbox.url,
        )
        path = tmp_path / "leads.csv"
        path.write_text("phone\n4155550100\n4155550101\n")
        upload = load_upload(dsn, platform.secret_key, path)
        plan = make_plan(conn, upload.upload_id, load_settings(conn), platform)
        approve_plan(conn, plan.plan_id, actor="ann")
        batch = upload.batches[0].batch_id
        change_settings(conn, "providers.twilio_lookup.enabled", "false", "ann")
        off = run_batch(platform, batch, plan.plan_id)
        assert sandbox.control("GET", "summary")["requests"] == 0
        change_settings(conn, "providers.twilio_lookup.enabled", "true", "ann")
        on = run_batch(platform, batch, plan.plan_id)
        assert sandbox.control("GET", "summary")["requests"] == 2
    assert (off.requests, list(off.stopped)) == (0, ["twilio_lookup"])
    assert (on.requests, on.stopped) == (2, {})
