"""Incremental runs leave what a full run would: pairs, statistics and clusters, whatever came.

Blocks grow past their limits and shrink again, numbers become shared, contacts go, people decide.
"""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.matching import touched
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.incremental import run_incremental
from bulk_lookup_dagster.storage.database import connect
from tests.matching.conftest import Contacts, add_contacts
from tests.matching.test_runs import partition

Connection = psycopg.Connection[Any]

FIRST = "ada ben carla dmitri edna farid greta hugo".split()
LAST = "larkwell torrance quarterman oyelaran".split()
STREETS = ("12 Alder Street", "7 Birch Road", "40 Cedar Lane")
FIELDS = "contact_a, contact_b, levels, score, verdict, reason, found_by"


def crowd(rows: int, seed: int) -> list[dict[str, Any]]:
    """People of a small town: few names and switchboards, so that blocks are large."""
    chance = random.Random(seed)
    found = []
    for number in range(rows):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        shared = chance.random() < 0.4
        phone = f"+1415555{chance.randrange(4) if shared else chance.randrange(100, 900):04}"
        box = chance.choice(["frontdesk1", f"{first}{number % 90}", f"{first}.{last}"])
        person = {
            "number": number,
            "name": f"{first} {last}",
            "phone": phone,
            "email": f"{box}@{chance.choice(['one', 'two', 'three'])}.example.org",
            "street": chance.choice(STREETS),
            "city": "Reno",
            "postal_code": f"895{chance.randrange(30):02}",
        }
        if chance.random() < 0.2:
            person["name"] = None
        if chance.random() < 0.1:
            person["company"] = f"{last} and Sons"
        found.append(person)
    return found


def stored(conn: Connection) -> tuple[Any, ...]:
    """All that a run decides."""
    pairs = conn.execute(f"SELECT {FIELDS} FROM matching.pairs ORDER BY 1, 2").fetchall()
    stats = conn.execute("SELECT * FROM matching.key_stats ORDER BY key").fetchall()
    return pairs, stats, partition(conn)


def by_full_run(conn: Connection) -> tuple[Any, ...]:
    """All that a full run would decide now; nothing is changed."""
    with conn.transaction(force_rollback=True):
        run_full(conn)
        return stored(conn)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_stored_is_what_a_full_run_stores(conn: Connection, seed: int) -> None:
    chance = random.Random(seed)
    rows = crowd(1_000, seed)
    add_contacts(conn, rows[:560])
    run_full(conn)
    for start in (560, 680, 800):
        add_contacts(conn, rows[start : start + 120])
        if start == 680:
            conn.execute("DELETE FROM intake.contacts WHERE contact_id = ANY (%s)",
                         [chance.sample(range(1, 500), 60)])  # fmt: skip
        run_incremental(conn)
        assert stored(conn) == by_full_run(conn)
    ((generic,),) = conn.execute("SELECT count(*) FROM matching.key_stats WHERE is_generic")
    assert generic > 10
    kinds = conn.execute("SELECT DISTINCT kind FROM matching.runs WHERE run_id > 1").fetchall()
    assert kinds == [("incremental",)]


def test_a_block_that_shrinks_is_compared_again(conn: Connection, add: Contacts) -> None:
    filler = [{"name": f"Some Body{n}", "phone": f"+1212555{n:04}"} for n in range(600)]
    people = [{"phone": "+14155550188", "name": f"Person Number{n}x"} for n in range(101)]
    add(*filler)
    many = add(*people)
    run_full(conn)
    conn.execute("DELETE FROM intake.contacts WHERE contact_id = ANY (%s)", [many[:2]])
    run_incremental(conn)
    assert stored(conn) == by_full_run(conn)
    phones = "SELECT record_count, is_generic FROM matching.key_stats WHERE kind = 1"
    assert conn.execute(phones).fetchall() == [(99, False)]


def test_a_large_blocks_names_are_counted_on(conn: Connection, add: Contacts) -> None:
    """A number of a hundred and more proves less once a fifth name has it."""
    filler = [{"name": f"Some Body{n}", "phone": f"+1212555{n:04}"} for n in range(500)]
    line = {"phone": "+14155550188"}
    names = ["Ada Larkwell", "Ben Torrance", "Cy Quarterman", "Dee Oyelaran"]
    mails = [f"{name[:3].lower()}mail" for name in names]
    crowded = [
        {**line, "number": n, "name": names[n % 4], "email": f"{mails[n % 4]}{n // 8}@a.example"}
        for n in range(120)
    ]
    add(*filler, *crowded)
    run_full(conn)
    add({**line, "name": "Eve Zimmerman"})
    run_incremental(conn)
    assert stored(conn) == by_full_run(conn)
    levels = conn.execute("SELECT DISTINCT substr(levels, 5, 1) FROM matching.pairs").fetchall()
    assert ("3",) in levels
    assert ("4",) not in levels


def test_f11_a_contact_that_goes_during_a_run_fails_it_whole_and_the_next_is_right(
    conn: Connection, add: Contacts, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read and what is written are two connections: neither may leave half of it."""
    rows = crowd(620, 1)
    add_contacts(conn, rows[:600])
    run_full(conn)
    before = stored(conn)
    add_contacts(conn, rows[600:])
    compare = touched.make_candidates

    def and_somebody_goes(*args: Any) -> None:
        compare(*args)
        monkeypatch.undo()
        with connect(dsn, autocommit=True) as other:
            going = args[1].execute("SELECT min(a) FROM candidates").fetchall()[0][0]
            other.execute("DELETE FROM intake.contacts WHERE contact_id = %s", [going])

    monkeypatch.setattr(touched, "make_candidates", and_somebody_goes)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run_incremental(conn)
    assert len(stored(conn)[1]) == len(before[1])
    assert conn.execute("SELECT count(*) FROM matching.records").fetchone() == (599,)
    run_incremental(conn)
    assert stored(conn) == by_full_run(conn)


def test_records_made_by_older_rules_are_made_again(conn: Connection) -> None:
    rows = crowd(620, 2)
    add_contacts(conn, rows[:600])
    run_full(conn)
    right = conn.execute("SELECT * FROM matching.records ORDER BY contact_id").fetchall()
    conn.execute("UPDATE matching.records SET normaliser = 0, last = 'x' WHERE contact_id % 3 = 0")
    add_contacts(conn, rows[600:])
    run_incremental(conn)
    records = conn.execute("SELECT * FROM matching.records ORDER BY contact_id").fetchall()
    assert records[:600] == right
    assert conn.execute("SELECT kind FROM matching.runs ORDER BY run_id DESC").fetchone() == (
        "full",
    )
    assert conn.execute("SELECT count(*) FROM matching.stale").fetchone() == (0,)
