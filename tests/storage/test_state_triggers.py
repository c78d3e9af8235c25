"""F10: raw SQL of the application cannot pass the state machines, nor delete what must stay."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bulk_lookup_dagster.core.state_machines import MACHINES, StateMachine
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.tables import METADATA
from bulk_lookup_dagster.storage.triggers import PROTECTED

_SETUP = """
    INSERT INTO intake.sources (source_id, name) VALUES (1, 'test');
    INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash, default_region,
                                state, file_name, file_uri, size_bytes)
         VALUES (1000, 1, 'a', 'b', 'US', 'received', 'a.csv', 'file:///a.csv', 1);
    INSERT INTO intake.subjects (subject_id, kind, value, value_hmac)
         VALUES (1, 'phone', '+14155550100', 'x');
    INSERT INTO ledger.plans (plan_id, state, kind, scope, estimate, price_list_version)
         VALUES (1000, 'waiting_approval', 'bench', '{}', '{}', 'v1');
    INSERT INTO ledger.runs (run_id, kind, plan_id, step) VALUES (1, 'bench', 1000, 'test');
    INSERT INTO ops.workers (worker_id, host, pid) VALUES (1, 'here', 1);
    INSERT INTO matching.model_versions (model_version, document, state)
         VALUES ('other', '{}', 'shadow');
"""
# What every state needs beside its name, so that only the state machine can refuse.
_ROWS: Mapping[str, str] = {
    "intake.uploads": """
        INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,
                                    file_name, file_uri, size_bytes, refusal_code)
        VALUES (1, %(key)s, 'b', 'US', %(state)s::text, 'a.csv', 'file:///a.csv', 1,
                CASE WHEN %(state)s::text = 'refused' THEN 'empty' END)
        RETURNING upload_id
    """,
    "intake.batches": """
        INSERT INTO intake.batches (upload_id, source_id, batch_number, partition_key, state,
                                    row_count)
        VALUES (1000, 1, 1, encode(%(key)s, 'hex'), %(state)s::text, 1) RETURNING batch_id
    """,
    "ledger.plans": """
        INSERT INTO ledger.plans (state, kind, scope, estimate, price_list_version,
                                  approved_by, approved_at)
        VALUES (%(state)s::text, 'bench', '{}', '{}', 'v1', 'me', now()) RETURNING plan_id
    """,
    "ledger.claims": """
        INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,
                                   outcome, plan_id, run_id, budget_day, worker_id,
                                   reserved_micros, cost_micros, claimed_at, deadline_at,
                                   external_id)
        VALUES ('p', 'o', 1, %(key)s, 0, %(state)s::text,
                CASE WHEN %(state)s::text = 'answered' THEN 'data' END, 1000, 1, current_date,
                CASE WHEN %(state)s::text = 'claimed' THEN 1 END, 0, 0, now(), now(),
                CASE WHEN %(state)s::text = 'accepted' THEN 'x' END)
        RETURNING claim_id
    """,
    "matching.model_versions": """
        INSERT INTO matching.model_versions (model_version, document, state)
        VALUES (encode(%(key)s, 'hex'), '{}', %(state)s::text) RETURNING model_version
    """,
    "matching.runs": """
        INSERT INTO matching.runs (kind, state, model_version, band, finished_at)
        VALUES ('full', %(state)s::text, 'other', 1,
                CASE WHEN %(state)s::text <> 'running' THEN now() END)
        RETURNING run_id
    """,
}
_MOVES: Mapping[str, str] = {
    "intake.uploads": "refusal_code = CASE WHEN %(state)s::text = 'refused' THEN 'empty' END",
    "intake.batches": "published_at = now()",
    "ledger.plans": "superseded_reason = 'test'",
    "ledger.claims": """outcome = CASE WHEN %(state)s::text = 'answered' THEN 'data' END,
                        worker_id = CASE WHEN %(state)s::text = 'claimed' THEN 1 END,
                        external_id = CASE WHEN %(state)s::text = 'accepted' THEN 'x' END""",
    "matching.model_versions": "activated_at = now()",
    "matching.runs": "finished_at = CASE WHEN %(state)s::text <> 'running' THEN now() END",
}
_EVERY_STATE = [(machine, state) for machine in MACHINES for state in machine.states]
_EVERY_MOVE = [
    (machine, old, new) for machine in MACHINES for old, new in product(machine.states, repeat=2)
]


def _name(value: object) -> str:
    return value.table if isinstance(value, StateMachine) else str(value)


@pytest.fixture(scope="module")
def ground(postgres: Any, admin_dsn: str, template: str) -> Any:
    """One database for all cases of this file; each case rolls back."""
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE state_machines TEMPLATE {template}")
    with connect(postgres.dsn("state_machines")) as conn:
        conn.execute(_SETUP)
    yield postgres.dsn("state_machines")
    with connect(admin_dsn, autocommit=True) as conn:
        conn.execute("DROP DATABASE state_machines WITH (FORCE)")


@pytest.fixture(scope="module")
def session(ground: str) -> Any:
    """A session as the application's role."""
    with connect(ground) as conn:
        yield conn


@pytest.fixture
def app(session: psycopg.Connection[Any]) -> Any:
    """The session, rolled back afterwards."""
    yield session
    session.rollback()


def _insert(conn: psycopg.Connection[Any], machine: StateMachine, state: str) -> Any:
    values = {"state": state, "key": b"key"}
    row = conn.execute(_ROWS[machine.table], values).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("machine,state", _EVERY_STATE, ids=_name)
def test_f10_rows_start_only_in_an_initial_state(
    app: psycopg.Connection[Any], machine: StateMachine, state: str
) -> None:
    if state in machine.initial:
        assert _insert(app, machine, state)
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot start as"):
            _insert(app, machine, state)


def _path(machine: StateMachine, target: str) -> list[str]:
    """States that lead from an initial one to `target`, which is the last."""
    paths = [[state] for state in sorted(machine.initial)]
    for path in paths:
        if path[-1] == target:
            return path
        paths += [[*path, after] for after in sorted(machine.arrows[path[-1]]) if after not in path]
    raise AssertionError(f"{target} cannot be reached")


def _move(conn: psycopg.Connection[Any], machine: StateMachine, key: Any, state: str) -> None:
    statement = sql.SQL("UPDATE {} SET state = %(state)s::text, {} WHERE {} = %(key)s").format(
        sql.Identifier(*machine.table.split(".")),
        sql.SQL(_MOVES[machine.table]),
        sql.Identifier(METADATA.tables[machine.table].primary_key.columns[0].name),
    )
    assert conn.execute(statement, {"state": state, "key": key}).rowcount == 1


@pytest.mark.parametrize("machine,old,new", _EVERY_MOVE, ids=_name)
def test_f10_rows_move_only_along_an_arrow(
    app: psycopg.Connection[Any], machine: StateMachine, old: str, new: str
) -> None:
    first, *rest = _path(machine, old)
    key = _insert(app, machine, first)
    for state in rest:
        _move(app, machine, key, state)
    if machine.allows(old, new):
        _move(app, machine, key, new)
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match=f"cannot go from {old} to {new}"):
            _move(app, machine, key, new)


@pytest.mark.parametrize("table", PROTECTED)
def test_f10_the_application_may_not_delete(app: psycopg.Connection[Any], table: str) -> None:
    for statement in ("DELETE FROM {}", "TRUNCATE {} CASCADE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(sql.SQL(statement).format(sql.Identifier(*table.split("."))))
        app.rollback()


@pytest.mark.parametrize("table", PROTECTED)
def test_f10_not_even_the_owner_deletes_by_accident(owner_dsn: str, table: str) -> None:
    statement = sql.SQL("DELETE FROM {}").format(sql.Identifier(*table.split(".")))
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege, match="never deleted")
    with connect(owner_dsn) as conn, refused:
        conn.execute(statement)


def test_f10_the_application_cannot_switch_the_triggers_off(
    app: psycopg.Connection[Any],
) -> None:
    for statement in (
        "ALTER TABLE ledger.claims DISABLE TRIGGER ALL",
        "DROP TRIGGER claims_next_state ON ledger.claims",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)
        app.rollback()


def test_f10_an_upsert_cannot_pass_either(app: psycopg.Connection[Any]) -> None:
    _insert(app, MACHINES[0], "received")
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from received to loaded"):
        app.execute(
            _ROWS["intake.uploads"].replace("RETURNING upload_id", "")
            + "ON CONFLICT (content_hash, mapping_hash, default_region, source_id) "
            "DO UPDATE SET state = 'loaded'",
            {"state": "received", "key": b"key"},
        )
