"""Decisions about merges: exact, sticking, serialised, and all or nothing (F11, F18)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError, StorageError
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.golden import build_golden
from bulk_lookup_dagster.matching.incremental import run_incremental
from bulk_lookup_dagster.matching.lock import lock
from bulk_lookup_dagster.services import merges
from bulk_lookup_dagster.services.merges import (
    MergeRefused,
    accept,
    reject,
    undo_merge,
    unmerge,
)
from bulk_lookup_dagster.storage.database import connect
from tests.matching.conftest import add_contacts

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
AGAIN = {**ADA, "name": "Larkwell, Ada"}
HOME = {**ADA, "street": "12 Oak Street", "city": "Springfield"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}


@pytest.fixture
def matched(conn: Connection) -> list[int]:
    """Three records of one person and one of another, matched and built."""
    ids = add_contacts(conn, [ADA, AGAIN, HOME, BEN])
    run_full(conn)
    build(conn)
    return ids


def build(conn: Connection) -> None:
    with conn.transaction():
        build_golden(conn)


def partition(conn: Connection) -> set[frozenset[int]]:
    query = "SELECT array_agg(contact_id) FROM matching.current_members GROUP BY golden_id"
    return {frozenset(row[0]) for row in conn.execute(query)}


def ids_of(conn: Connection) -> dict[int, int]:
    return dict(conn.execute("SELECT contact_id, golden_id FROM matching.current_members"))


def golden(conn: Connection) -> dict[int, dict[str, Any]]:
    """Golden contacts without when they were built."""
    rows = conn.execute(
        "SELECT golden_id, to_jsonb(g) - 'built_at' FROM matching.golden_contacts g"
    )
    return dict(rows.fetchall())


def kinds(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT kind FROM matching.events ORDER BY event_id")]


@pytest.mark.parametrize("run", [run_full, run_incremental])
def test_f18_one_record_taken_out_stays_out_and_nothing_else_moves(
    conn: Connection, matched: list[int], run: Any
) -> None:
    one, two, three, ben = matched
    untouched = golden(conn)[ids_of(conn)[ben]]
    unmerge(conn, two, actor="me", reason="another Ada")
    apart = {frozenset({one, three}), frozenset({two}), frozenset({ben})}
    assert partition(conn) == apart
    before, names = ids_of(conn), golden(conn)
    assert names[before[two]]["name"] == "Larkwell, Ada"
    assert names[before[ben]] == untouched
    for _ in range(2):
        run(conn)
        build(conn)
    assert partition(conn) == apart
    assert (ids_of(conn), golden(conn)) == (before, names)


def test_f18_a_bridge_taken_out_does_not_break_the_others(conn: Connection) -> None:
    filler = [{"name": f"Some Body{n}", "phone": f"+1212555{n:04}"} for n in range(1_200)]
    by_mail = {**ADA, "phone": "+14155550198"}
    by_phone = {**ADA, "email": "al@other.example.org"}
    ids = add_contacts(conn, [by_mail, ADA, by_phone])
    add_contacts(conn, filler)
    run_full(conn)
    assert frozenset(ids) in partition(conn)
    unmerge(conn, ids[1], actor="me")
    run_full(conn)
    assert {frozenset({ids[0], ids[2]}), frozenset({ids[1]})} <= partition(conn)


def test_f18_undoing_a_merge_restores_ids_and_values(conn: Connection, matched: list[int]) -> None:
    one, *_, ben = matched
    before, names = ids_of(conn), golden(conn)
    merged = accept(conn, one, ben, actor="me")
    assert len(golden(conn)) == 1
    redirect = "SELECT redirect_to FROM matching.golden_ids WHERE golden_id = %s"
    assert conn.execute(redirect, [before[ben]]).fetchall() == [(before[one],)]
    undo_merge(conn, merged.event_id, actor="me")
    assert (ids_of(conn), golden(conn)) == (before, names)
    assert conn.execute(redirect, [before[ben]]).fetchall() == [(None,)]
    run_full(conn)
    assert ids_of(conn) == before


def test_f18_undoing_a_runs_merge_parts_everybody(conn: Connection, matched: list[int]) -> None:
    ((event,),) = conn.execute("SELECT event_id FROM matching.events").fetchall()
    undo_merge(conn, event, actor="me")
    run_full(conn)
    assert partition(conn) == {frozenset({one}) for one in matched}
    with pytest.raises(MergeRefused, match="no longer one"):
        undo_merge(conn, event, actor="me")


def test_a_merge_taken_back_can_be_made_again(conn: Connection, matched: list[int]) -> None:
    one, two, *_ = matched
    unmerge(conn, two, actor="me")
    with pytest.raises(MergeRefused, match="kept apart"):
        accept(conn, two, matched[2], actor="me")
    accept(conn, one, two, actor="me", anyway=True)
    run_full(conn)
    assert frozenset({one, two, matched[2]}) in partition(conn)


def test_rejecting_keeps_two_apart(conn: Connection, matched: list[int]) -> None:
    one, *_, ben = matched
    reject(conn, one, ben, actor="me")
    run_full(conn)
    assert len(partition(conn)) == 2
    with pytest.raises(MergeRefused, match="one golden contact"):
        reject(conn, one, matched[1], actor="me")


def test_every_decision_is_in_the_log_with_actor_and_evidence(
    conn: Connection, matched: list[int]
) -> None:
    one, two, _, ben = matched
    accept(conn, one, ben, actor="me")
    unmerge(conn, two, actor="you", reason="why not")
    with pytest.raises(MergeRefused):
        accept(conn, one, two, actor="him")  # is kept apart from the others
    assert kinds(conn) == ["merge", "override", "merge", "unmerge", "refuse"]
    actor, reason, before, after, evidence, model = conn.execute(
        "SELECT actor, reason, before, after, evidence, model_version FROM matching.events"
        " WHERE kind = 'unmerge'"
    ).fetchall()[0]
    assert (actor, reason, model) == ("you", "why not", "contacts-1")
    assert sorted(map(len, after.values())) == [1, 3]
    assert list(before.values()) == [matched]
    assert [one, two] in [pair[:2] for pair in evidence]


def test_what_the_guard_holds_apart_waits_for_the_run(conn: Connection) -> None:
    line = {"phone": "+14155550111", "street": "12 Oak Street", "city": "Springfield",
            "postal_code": "12345"}  # fmt: skip
    rows = [{**line, "name": "John Fairholm Sr"}, {**line, "name": "John Fairholm Sr", "city": ""},
            {**line, "name": "John Fairholm Jr"}]  # fmt: skip
    ids = add_contacts(conn, rows)
    run_full(conn)
    before = partition(conn)
    assert accept(conn, ids[0], ids[2], actor="me").waits_for_run
    assert partition(conn) == before
    run_full(conn)
    assert any({ids[0], ids[2]} <= group for group in partition(conn))


@pytest.mark.parametrize("decide", [accept, reject])
def test_a_contact_is_not_decided_about_with_itself(
    conn: Connection, matched: list[int], decide: Callable[..., Any]
) -> None:
    with pytest.raises(InputError, match="named twice"):
        decide(conn, matched[0], matched[0], actor="me")
    assert conn.execute("SELECT count(*) FROM matching.overrides").fetchone() == (0,)


@pytest.mark.parametrize("contact", [0, 999])
def test_f35_unknown_contacts_are_named(conn: Connection, matched: list[int], contact: int) -> None:
    with pytest.raises(InputError, match="does not exist or was not matched"):
        unmerge(conn, contact, actor="me")


def test_f11_a_decision_does_not_wait_for_a_run_for_ever(
    conn: Connection, matched: list[int], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merges, "PATIENCE_S", 1)
    with connect(dsn) as running:
        lock(running)
        with pytest.raises(StorageError, match="run is under way"):
            unmerge(conn, matched[0], actor="me")
    assert kinds(conn)[-1] == "fail"
    assert len(partition(conn)) == 2


PROGRAM = """
import sys, time
from bulk_lookup_dagster.services import merges
from bulk_lookup_dagster.storage.database import connect
what, dsn, *contacts = sys.argv[1:]
if what == "stuck":
    rebuild = merges._rebuild
    def stop(*_): print("moved", flush=True); time.sleep(600)
    merges._rebuild = stop
with connect(dsn, autocommit=True) as conn:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        merges.accept(conn, *map(int, contacts), actor=what)
        print("done")
    except merges.MergeRefused:
        print("refused")
"""


def start(what: str, dsn: str, *contacts: int) -> subprocess.Popen[str]:
    """A process that is about to accept a pair."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what, dsn, *map(str, contacts)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_f11_two_merges_at_once_over_shared_records_are_serialised(
    conn: Connection, dsn: str
) -> None:
    rows = [{"name": f"{name} Torrance", "phone": f"+1415555012{n}"}
            for n, name in enumerate(("Ben", "Cy", "Zoe"))]  # fmt: skip
    one, two, three = add_contacts(conn, [*rows])
    run_full(conn)
    pairs = [(one, two), (two, three), (one, three)]
    processes = [start(f"p{n}", dsn, *pair) for n, pair in enumerate(pairs)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert said == ["done"] * 3
    assert partition(conn) == {frozenset({one, two, three})}
    current = conn.execute("SELECT count(*) FROM matching.current_members").fetchall()
    assert current == [(3,)]
    alive = conn.execute("SELECT golden_id FROM matching.golden_ids WHERE retired_at IS NULL")
    assert alive.fetchall() == [(min(ids_of(conn).values()),)]
    run_full(conn)
    assert partition(conn) == {frozenset({one, two, three})}


def test_f11_who_waited_for_another_decision_stores_a_later_time(
    conn: Connection, dsn: str
) -> None:
    rows = [{"name": f"{name} Torrance", "phone": f"+1415555012{n}"}
            for n, name in enumerate(("Ben", "Cy", "Zoe"))]  # fmt: skip
    one, two, three = add_contacts(conn, [*rows])
    run_full(conn)
    with connect(dsn, autocommit=True) as first, ThreadPoolExecutor() as pool:
        first.execute("SELECT pg_advisory_lock(7321)")
        waiting = pool.submit(accept_alone, dsn, one, two)
        while not waits_for_lock(conn):
            assert not waiting.done()
            time.sleep(0.01)
        accept(first, two, three, actor="first")
        first.execute("SELECT pg_advisory_unlock(7321)")
        waiting.result(timeout=60)
    assert partition(conn) == {frozenset({one, two, three})}
    times = conn.execute(
        "SELECT bool_and(m.ended_at IS NOT DISTINCT FROM n.started_at) FROM matching.memberships m"
        " JOIN matching.memberships n USING (contact_id)"
        " WHERE n.membership_id > m.membership_id"
        " AND NOT EXISTS (SELECT FROM matching.memberships x WHERE x.contact_id = m.contact_id"
        " AND x.membership_id > m.membership_id AND x.membership_id < n.membership_id)"
    )
    assert times.fetchall() == [(True,)]


def accept_alone(dsn: str, *contacts: int) -> None:
    """Accept a pair over a connection of its own."""
    with connect(dsn, autocommit=True) as conn:
        accept(conn, *contacts, actor="second")


def waits_for_lock(conn: Connection) -> bool:
    """Whether some session waits for the lock of decisions."""
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7321"
    return conn.execute(f"SELECT EXISTS ({waiting})").fetchall() == [(True,)]


def test_f11_killed_in_the_middle_nothing_is_half_done(
    conn: Connection, matched: list[int], dsn: str
) -> None:
    one, *_, ben = matched
    state = (ids_of(conn), golden(conn), kinds(conn))
    process = start("stuck", dsn, one, ben)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "moved\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    for _ in range(100):  # until the server has noticed
        if conn.execute("SELECT pg_try_advisory_lock(7321)").fetchall() == [(True,)]:
            conn.execute("SELECT pg_advisory_unlock(7321)")
            break
        time.sleep(0.1)
    assert (ids_of(conn), golden(conn), kinds(conn)) == state
    assert conn.execute("SELECT count(*) FROM matching.overrides").fetchall() == [(0,)]
    accept(conn, one, ben, actor="me")
    assert len(partition(conn)) == 1
