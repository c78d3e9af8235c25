"""What a reviewer reads: bounded, in one statement each, masked, explained in bits that add up."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.matching.explanation import explain
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.model import load_model
from bulk_lookup_dagster.services import review
from bulk_lookup_dagster.services.golden import build_contacts
from bulk_lookup_dagster.services.merges import accept, reject
from tests.matching.conftest import add_contacts

Connection = psycopg.Connection[Any]
LINE = {"phone": "+14155550111", "street": "12 Oak Street", "city": "Springfield",
        "postal_code": "12345"}  # fmt: skip
ROWS = [
    {**LINE, "name": "Eric Fairholm", "email": "eric@fairholm.example.com"},
    {**LINE, "name": "Erica Fairholm"},
    {"name": "Ada Larkwell", "email": "ada@gmail.com", "phone": "+14155550122"},
    {"name": "Larkwell, Ada", "email": "ada@gmail.com", "phone": "+14155550122"},
]


@pytest.fixture
def ids(conn: Connection) -> list[int]:
    found = add_contacts(conn, ROWS)
    run_full(conn)
    build_contacts(conn)
    return found


def test_the_queue_has_what_waits_until_somebody_decides(conn: Connection, ids: list[int]) -> None:
    (pair,) = review.read_queue(conn)
    assert (pair.a["contact_id"], pair.b["contact_id"]) == (ids[0], ids[1])
    assert (pair.verdict, pair.rule) == ("review", "close names")
    assert review.read_queue(conn, pair.key) == []
    reject(conn, ids[0], ids[1], actor="me")
    assert review.read_queue(conn) == []


def test_two_that_are_one_by_a_third_wait_for_nobody(conn: Connection) -> None:
    firm = {"company": "Larkwell Pottery", "city": "Springfield"}
    ada = {**firm, "name": "Ada Larkwell", "phone": "+14155550133", "email": "ada@gmail.com"}
    short = {**firm, "name": "A. Larkwell", "phone": "+14155550122"}
    ids = add_contacts(conn, [ada, short])
    run_full(conn)
    (pair,) = review.read_queue(conn)
    assert pair.rule == "initial"
    add_contacts(conn, [{**short, "email": "ada@gmail.com"}])
    run_full(conn)
    assert len(review.read_members(conn, ids[0])) == 3
    assert [pair.verdict for pair in review.read_matches(conn, ids[0])] == ["auto", "review"]
    assert review.read_queue(conn) == []


def test_bits_add_up_to_the_score(conn: Connection, ids: list[int]) -> None:
    for pair in [*review.read_queue(conn), *review.read_matches(conn, ids[2])]:
        assert sum(reason.bits for reason in pair.reasons) == pytest.approx(pair.score, abs=0.06)
        assert pair.reasons[0].comparison == "prior"


def test_what_is_missing_gives_no_reason() -> None:
    model = load_model()
    reasons = explain(model, 4, "0" * 10, model.prior(4))
    assert [reason.comparison for reason in reasons] == ["prior"]


def test_people_are_masked_but_for_operators(conn: Connection, ids: list[int]) -> None:
    (pair,) = review.read_queue(conn)
    assert (pair.a["name"], pair.a["email"]) == ("E. F.", "e…@fairholm.example.com")
    assert (pair.a["phone"], pair.a["street"], pair.a["city"]) == ("+1…11", "…", "Springfield")
    (whole,) = review.read_queue(conn, whole=True)
    assert whole.a["name"] == "Eric Fairholm"
    assert {event.about["name"] for event in review.read_events(conn)} == {"A. L."}


def test_matches_of_a_contact_and_its_golden_contact(conn: Connection, ids: list[int]) -> None:
    (pair,) = review.read_matches(conn, ids[3])
    assert (pair.verdict, pair.b["contact_id"]) == ("auto", ids[3])
    assert review.read_members(conn, ids[3]) == ids[2:]
    assert review.read_matches(conn, 999) == []
    assert review.read_members(conn, 999) == []


def test_the_log_says_what_can_be_taken_back(conn: Connection, ids: list[int]) -> None:
    accept(conn, ids[0], ids[1], actor="me")
    kinds = [(event.kind, event.undoable) for event in review.read_events(conn)]
    assert ("merge", True) in kinds
    assert ("override", False) in kinds


def test_f49_fifty_pairs_cost_as_many_statements_as_one(conn: Connection, ids: list[int]) -> None:
    def statements(limit: int) -> int:
        count = 0
        real = psycopg.Cursor.execute

        def counted(self: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return real(self, *arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", counted)
            review.read_queue(conn, limit=limit)
        return count

    add_contacts(conn, [
        {"phone": f"+1415555{n:04}", "name": f"{first} K{'o'.join(letters)}"}
        for n, letters in enumerate(permutations("abdefg", 3)) for first in ("Eric", "Erica")
    ])  # fmt: skip
    run_full(conn)
    conn.execute("UPDATE matching.pairs SET verdict = 'review' WHERE verdict = 'related'")
    assert len(review.read_queue(conn)) == review.PAGE
    assert statements(50) == statements(1) == 1


def test_decisions_calibrate(conn: Connection, ids: list[int]) -> None:
    assert review.calibration(conn) == []
    accept(conn, ids[0], ids[1], actor="me")
    (band,) = review.calibration(conn)
    assert (band["decided"], band["same"], band["precision"]) == (1, 1, 1)
