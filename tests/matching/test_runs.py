"""Full and incremental runs in a real database: same clusters, exact logs, nothing half done."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa
import pytest

from bench.contacts import Rates, contacts
from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.matching import engine, runs
from bulk_lookup_dagster.matching.full import compute, run_full
from bulk_lookup_dagster.matching.incremental import run_incremental
from bulk_lookup_dagster.matching.lock import lock
from bulk_lookup_dagster.storage.database import connect
from tests.matching.conftest import Contacts, add_contacts

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
ADA_AGAIN = {"name": "Larkwell, Ada", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}


def partition(conn: Connection) -> set[frozenset[int]]:
    """Clusters as memberships have them."""
    return {
        frozenset(row[0])
        for row in conn.execute(
            "SELECT array_agg(contact_id) FROM matching.current_members GROUP BY golden_id"
        )
    }


def recomputed(conn: Connection) -> set[frozenset[int]]:
    """Clusters as a full run over the same contacts would have them; writes nothing."""
    with conn.transaction(), engine.session() as db:
        done = compute(conn, db, runs.active_model(conn), keep_band=False)
        every = [row[0] for row in db.execute("SELECT contact_id FROM records").fetchall()]
    groups: dict[int, set[int]] = {}
    for item in every:
        groups.setdefault(done.of.get(item, item), set()).add(item)
    return {frozenset(group) for group in groups.values()}


def sample(rows: int, seed: int) -> list[dict[str, Any]]:
    table = pa.concat_tables(contacts(rows, seed, Rates(missing=0.05)))
    found = []
    for row in table.to_pylist():
        digits = "".join(character for character in row["phone"] or "" if character.isdigit())
        found.append({**row, "phone": f"+1{digits[-10:]}" if digits else None})
    return found


def events(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT kind, before, after FROM matching.events ORDER BY event_id"
    ).fetchall()


def test_a_full_run_merges_and_says_why(conn: Connection, add: Contacts) -> None:
    one, two, other = add(ADA, ADA_AGAIN, BEN)
    run_full(conn)
    assert partition(conn) == {frozenset({one, two}), frozenset({other})}
    ((kind, before, after),) = events(conn)
    assert (kind, before, list(after.values())) == ("merge", {}, [[one, two]])
    evidence = conn.execute("SELECT evidence FROM matching.events").fetchall()[0][0]
    assert evidence[0][:2] == [one, two]


def test_a_second_run_changes_nothing(conn: Connection, add: Contacts) -> None:
    add(ADA, ADA_AGAIN, BEN)
    run_full(conn)
    before = conn.execute("SELECT * FROM matching.memberships ORDER BY 1").fetchall()
    run_full(conn)
    run_incremental(conn)
    assert conn.execute("SELECT * FROM matching.memberships ORDER BY 1").fetchall() == before
    assert len(events(conn)) == 1


@pytest.mark.parametrize("seed", [3, 4])
def test_incremental_runs_give_the_clusters_of_a_full_run(conn: Connection, seed: int) -> None:
    rows = sample(1_000, seed)
    add_contacts(conn, rows[:700])
    run_full(conn)
    for start in (700, 850):
        add_contacts(conn, rows[start : start + 150])
        run_incremental(conn)
        assert partition(conn) == recomputed(conn)
    kinds = conn.execute("SELECT kind FROM matching.runs ORDER BY run_id").fetchall()
    assert [kind for (kind,) in kinds] == ["full", "incremental", "incremental"]
    live = conn.execute("SELECT contact_a, contact_b, levels, score, verdict FROM matching.pairs")
    incremental = set(live.fetchall())
    run_full(conn)
    full = conn.execute("SELECT contact_a, contact_b, levels, score, verdict FROM matching.pairs")
    assert set(full.fetchall()) == incremental


def test_statistics_of_keys_stay_exact(conn: Connection) -> None:
    rows = sample(900, 8)
    add_contacts(conn, rows[:600])
    run_full(conn)
    add_contacts(conn, rows[600:])
    run_incremental(conn)
    query = "SELECT * FROM matching.key_stats ORDER BY key"
    incremental = conn.execute(query).fetchall()
    run_full(conn)
    assert conn.execute(query).fetchall() == incremental


def test_crossing_a_band_is_a_full_run(conn: Connection) -> None:
    rows = sample(40, 5)
    add_contacts(conn, rows[:30])
    run_full(conn)
    add_contacts(conn, rows[30:])
    run_incremental(conn)
    kinds = conn.execute("SELECT kind, band FROM matching.runs ORDER BY run_id").fetchall()
    assert kinds == [("full", 5), ("full", 6)]


def test_an_upload_joins_two_golden_contacts_and_the_oldest_id_survives(
    conn: Connection, add: Contacts
) -> None:
    by_mail = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
    by_phone = {"name": "Ada Larkwell", "email": "al@other.example.org", "phone": "+14155550199"}
    bridge = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550199"}
    filler = [{"name": f"Some Body{n}", "phone": f"+1212555{n:04}"} for n in range(1_500)]
    one, two = add(by_mail, by_phone)
    add(*filler[:1_495])
    run_full(conn)
    assert frozenset({one}) in partition(conn)
    ids = dict(conn.execute("SELECT contact_id, golden_id FROM matching.current_members"))
    (three,) = add(bridge)
    run_incremental(conn)
    after = dict(conn.execute("SELECT contact_id, golden_id FROM matching.current_members"))
    assert after[one] == after[two] == after[three] == min(ids[one], ids[two])
    retired = max(ids[one], ids[two])
    leads = conn.execute(
        "SELECT leads_to FROM matching.golden_redirects WHERE golden_id = %s", [retired]
    ).fetchall()
    assert leads == [(after[one],)]
    kind, before, _ = events(conn)[-1]
    assert kind == "merge"
    assert before == {str(ids[one]): [one], str(ids[two]): [two]}


def test_a_private_phone_that_becomes_shared_rescores_its_old_pairs(
    conn: Connection, add: Contacts
) -> None:
    line = {"phone": "+14155550177"}
    one, two = add({**line, "name": "Ada Larkwell"}, {**line, "email": "x@example.org"})
    add(*({"name": f"Some Body{n}", "phone": f"+1212555{n:04}"} for n in range(600)))
    run_full(conn)
    assert frozenset({one, two}) in partition(conn)
    add({**line, "name": "Zoe Quarterman"})
    run_incremental(conn)
    assert frozenset({one, two}) not in partition(conn)
    assert partition(conn) == recomputed(conn)
    assert events(conn)[-1][0] == "split"


def test_a_deleted_contact_leaves_an_audit_without_it(conn: Connection, add: Contacts) -> None:
    one, two, _ = add(ADA, ADA_AGAIN, BEN)
    run_full(conn)
    conn.execute("DELETE FROM intake.contacts WHERE contact_id = %s", [two])
    left = conn.execute(
        "SELECT (SELECT count(*) FROM matching.keys WHERE contact_id = %(id)s)"
        " + (SELECT count(*) FROM matching.records WHERE contact_id = %(id)s)"
        " + (SELECT count(*) FROM matching.pairs WHERE contact_b = %(id)s)"
        " + (SELECT count(*) FROM matching.memberships WHERE contact_id = %(id)s)",
        {"id": two},
    ).fetchall()
    assert left == [(0,)]
    assert conn.execute("SELECT contact_id FROM matching.stale").fetchall() == [(one,)]
    logged = conn.execute("SELECT to_jsonb(e)::text FROM matching.events e").fetchall()[0][0]
    assert "larkwell" not in logged.lower()
    run_incremental(conn)
    assert partition(conn) == recomputed(conn)


@pytest.mark.parametrize("kind, together", [("must_link", True), ("cannot_link", False)])
def test_a_persons_decision_wins_and_sticks(
    conn: Connection, add: Contacts, kind: str, together: bool
) -> None:
    first = ADA if kind == "cannot_link" else BEN
    one, two = add(first, ADA_AGAIN)
    run_full(conn)
    conn.execute(
        "INSERT INTO matching.overrides (kind, contact_a, contact_b, decided_by)"
        " VALUES (%s, %s, %s, 'me')",
        (kind, one, two),
    )
    conn.execute("INSERT INTO matching.stale SELECT unnest(%s::bigint[])", [[one, two]])
    run_incremental(conn)
    assert (frozenset({one, two}) in partition(conn)) is together
    run_full(conn)
    assert (frozenset({one, two}) in partition(conn)) is together
    conn.execute("UPDATE matching.overrides SET revoked_at = now(), revoked_by = 'me'")
    conn.execute("INSERT INTO matching.stale SELECT unnest(%s::bigint[])", [[one, two]])
    run_incremental(conn)
    assert (frozenset({one, two}) in partition(conn)) is not together


def test_f11_a_run_that_dies_leaves_nothing_and_the_next_waits(
    conn: Connection, add: Contacts, dsn: str
) -> None:
    add(ADA, ADA_AGAIN, BEN)
    with connect(dsn) as first:
        lock(first)
        with connect(dsn, autocommit=True) as second:
            second.execute("SET lock_timeout = '200ms'")
            with pytest.raises(StorageError, match="under way"):
                run_full(second)
    assert conn.execute("SELECT count(*) FROM matching.records").fetchall() == [(0,)]
    run_full(conn)
    assert len(partition(conn)) == 2


def test_f16_whatever_came_in_gets_a_record_and_keys(conn: Connection, add: Contacts) -> None:
    ids = add(ADA, {"company": "Alpine Foods, L.L.C."}, {"name": "Иван Петров"})
    run_full(conn)
    found = conn.execute(
        "SELECT contact_id, kind, first, company FROM matching.records ORDER BY 1"
    ).fetchall()
    assert found == [
        (ids[0], "person", "ada", None),
        (ids[1], "organisation", None, "alpine foods"),
        (ids[2], "person", "ivan", None),
    ]


def test_large_blocks_are_skipped_and_recorded(conn: Connection, add: Contacts) -> None:
    add(*({"phone": "+14155550188", "name": f"Person Number{n}x"} for n in range(120)))
    run_full(conn)
    skipped = conn.execute("SELECT kind, record_count FROM matching.skipped_blocks").fetchall()
    assert (1, 120) in skipped
