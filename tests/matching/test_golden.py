"""Golden contacts in a real database: who survives in each field, and what is never lost."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bulk_lookup_dagster.matching import golden_rules
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.golden import build_golden, note_answers
from bulk_lookup_dagster.matching.golden_sql import BUILD_FEW, PREPARE_ALL
from bulk_lookup_dagster.matching.incremental import run_incremental
from bulk_lookup_dagster.matching.quality import score_golden
from bulk_lookup_dagster.services.deletion import delete_uploads
from tests.matching.conftest import Contacts, answer, verify

Connection = psycopg.Connection[Any]
ADA = {"name": "Ada Larkwell", "email": "ada.larkwell@gmail.com", "phone": "+14155550111"}
HOME = {"street": "12 Oak Street", "city": "Springfield", "postal_code": "12345"}
BEN = {"name": "Ben Torrance", "email": "ben@torrance.example.com", "phone": "+14155550122"}


def golden(conn: Connection, contact_id: int) -> dict[str, Any]:
    """The golden contact of a contact, with where its fields come from, built now."""
    with conn.transaction():
        build_golden(conn, ["trusted", "test"])
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT g.* FROM matching.golden_contacts g"
            " JOIN matching.current_members m USING (golden_id) WHERE contact_id = %s",
            [contact_id],
        ).fetchall()[0]
    origins = conn.execute(
        "SELECT field, contact_id, rule FROM matching.golden_field_sources WHERE golden_id = %s",
        [row["golden_id"]],
    )
    return row | {"sources": {field: (one, rule) for field, one, rule in origins}}


def test_one_contact_is_its_own_golden_contact(conn: Connection, add: Contacts) -> None:
    (one,) = add({**ADA, **HOME, "first_name": "Ada", "last_name": "Larkwell"})
    run_full(conn)
    found = golden(conn, one)
    assert (found["name"], found["email"], found["city"]) == (
        "Ada Larkwell", "ada.larkwell@gmail.com", "Springfield",
    )  # fmt: skip
    assert (found["kind"], found["contact_count"]) == ("person", 1)
    assert found["sources"]["street"] == (one, "only")
    assert "company" not in found["sources"]


def test_f18_every_channel_of_every_contact_is_kept(conn: Connection, add: Contacts) -> None:
    ids = add(ADA, {**ADA, "email": "Ada@Larkwell.example.com"}, {**ADA, "phone": "+14155550199"})
    run_full(conn)
    found = golden(conn, ids[0])
    assert found["contact_count"] == 3
    assert found["emails"] == ["ada.larkwell@gmail.com", "ada@larkwell.example.com"]
    assert len(found["phone_subject_ids"]) == 2


def test_f18_a_verified_value_wins_over_a_newer_one(conn: Connection, add: Contacts) -> None:
    old, new = add(ADA, {**ADA, "email": "ada@larkwell.example.com"})
    conn.execute(
        "UPDATE intake.contacts SET last_verified_on = '2026-01-05',"
        " created_at = '2026-01-02' WHERE contact_id = %s",
        [old],
    )
    run_full(conn)
    found = golden(conn, new)
    assert (found["email"], found["sources"]["email"]) == (ADA["email"], (old, "verified"))


@pytest.mark.parametrize(
    "verdict, wins",
    [("valid", "verified"), ("invalid", None), ("spamtrap", None), ("accept_all", "lowest_id")],
)
def test_f18_a_mailbox_a_provider_confirmed_survives_every_merge(
    conn: Connection, add: Contacts, verdict: str, wins: str | None
) -> None:
    one, two = add(ADA, {**ADA, "email": "ada@larkwell.example.com"})
    run_full(conn)
    golden(conn, one)
    verify(conn, ADA["email"], verdict)
    with conn.transaction():
        assert note_answers(conn, 1) == 1
        assert build_golden(conn) == 1
        score_golden(conn)
    found = golden(conn, two)
    assert found["sources"]["email"] == ((one, wins) if wins else (two, "verified"))
    assert len(found["emails"]) == 2
    scored = conn.execute("SELECT verified_email FROM matching.quality_scores").fetchall()
    assert scored == [(100 if verdict == "valid" else 50,)]


def test_a_number_a_provider_refutes_gives_way(conn: Connection, add: Contacts) -> None:
    one, two = add(ADA, {**ADA, "phone": "+14155550199"})
    answer(conn, "+14155550111", valid=False)
    run_full(conn)
    assert golden(conn, one)["sources"]["phone"] == (two, "verified")


def test_valid_then_source_then_recency_then_completeness_then_id(
    conn: Connection, add: Contacts
) -> None:
    one, two = add(ADA, {**ADA, "name": "A. Larkwell", **HOME})
    run_full(conn)
    found = golden(conn, one)
    assert found["sources"]["name"] == (one, "valid")
    assert found["sources"]["email"] == (one, "lowest_id")
    conn.execute("UPDATE intake.contacts SET created_at = now() + interval '3 days'"
                 " WHERE contact_id = %s", [two])  # fmt: skip
    touch(conn, one)
    assert golden(conn, one)["sources"]["email"] == (two, "recency")
    conn.execute("INSERT INTO intake.sources (source_id, name) VALUES (7, 'trusted')")
    set_source(conn, one, 7)
    touch(conn, one)
    assert golden(conn, one)["sources"]["email"] == (one, "source_rank")


def test_completeness_decides_among_equals(conn: Connection, add: Contacts) -> None:
    one, two = add(ADA, {**ADA, "name": "Ada B. Larkwell"})
    run_full(conn)
    assert golden(conn, one)["sources"]["name"] == (two, "completeness")


def test_half_a_name_is_no_better_than_a_whole_one(conn: Connection, add: Contacts) -> None:
    half, whole = add({**ADA, "name": None, "last_name": "Larkwell"}, ADA)
    conn.execute("INSERT INTO matching.overrides (kind, contact_a, contact_b, decided_by)"
                 " VALUES ('must_link', %s, %s, 'me')", [half, whole])  # fmt: skip
    run_full(conn)
    found = golden(conn, half)
    assert (found["contact_count"], found["name"]) == (2, "Ada Larkwell")
    assert found["sources"]["name"] == (whole, "valid")


@pytest.mark.parametrize("few", [0, 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_f18_the_winner_and_its_rule_are_those_of_the_order_of_criteria(
    conn: Connection, add: Contacts, monkeypatch: pytest.MonkeyPatch, few: int, seed: int
) -> None:
    """The place of a claim's criteria in one number is their order, for one, two and more."""
    monkeypatch.setattr(golden_rules, "FEW", few)
    chance = random.Random(seed)
    conn.execute("INSERT INTO intake.sources (source_id, name) VALUES (7, 'trusted')")
    for cluster in range(30):
        person = {"phone": f"+1415555{cluster:04}", "email": f"ada{cluster:04}@larkwell.example"}
        names = ["Ada Larkwell", "A. Larkwell", "Ada B. Larkwell"]
        ids = add(*({**person, "name": chance.choice(names), "number": number}
                    for number in range(chance.choice([1, 2, 2, 3, 5]))))  # fmt: skip
        for one in ids:
            seen = chance.choice(["2025-03-01", "2026-02-03"])
            conn.execute("UPDATE intake.contacts SET created_at = %s WHERE contact_id = %s",
                         [seen, one])  # fmt: skip
            if chance.random() < 0.4:
                set_source(conn, one, 7)
    run_full(conn)
    golden(conn, 1)
    clusters = conn.execute(
        "SELECT m.golden_id, array_agg(ROW(c.source_id = 7, c.created_at::date - '1970-01-01',"
        "       r.first = 'ada', num_nonnulls(r.first, r.middle, r.last), c.contact_id)::text)"
        "  FROM matching.current_members m JOIN intake.contacts c USING (contact_id)"
        "  JOIN matching.records r USING (contact_id) GROUP BY m.golden_id"
    ).fetchall()
    assert len(clusters) >= 30
    rules = set()
    for golden_id, rows in clusters:
        claims = sorted((rank(row) for row in rows), reverse=True)
        rule = "only" if len(claims) == 1 else next(
            name for name, one, other in zip(CRITERIA, *claims[:2], strict=True) if one != other
        )  # fmt: skip
        rules.add(rule)
        kept = conn.execute(
            "SELECT name_contact_id, name_rule FROM matching.golden_contacts WHERE golden_id = %s",
            [golden_id],
        ).fetchone()
        assert kept == (-claims[0][-1], rule)
    assert rules >= {"only", "valid", "source_rank", "lowest_id"}


CRITERIA = ("valid", "source_rank", "recency", "completeness", "lowest_id")


def rank(row: str) -> tuple[int, ...]:
    """What a contact has to say for its name, in the order of the criteria."""
    trusted, day, valid, parts, contact_id = row.strip("()").split(",")
    return int(valid == "t"), int(trusted == "t"), int(day), int(parts), -int(contact_id)


def touch(conn: Connection, contact_id: int) -> None:
    conn.execute(
        "INSERT INTO matching.stale_golden_ids SELECT golden_id FROM matching.current_members"
        " WHERE contact_id = %s",
        [contact_id],
    )


def set_source(conn: Connection, contact_id: int, source_id: int) -> None:
    """Give a contact another source, with an upload and a batch of it."""
    conn.execute(
        "INSERT INTO intake.uploads (upload_id, source_id, content_hash, mapping_hash,"
        " default_region, state, file_name, file_uri, size_bytes)"
        " VALUES (2, %s, 'c', 'd', 'US', 'received', 'b.csv', 'file:///b.csv', 1)"
        " ON CONFLICT DO NOTHING", [source_id],
    )  # fmt: skip
    conn.execute(
        "INSERT INTO intake.batches (batch_id, upload_id, source_id, batch_number, partition_key,"
        " state, row_count) VALUES (2, 2, %s, 1, 'key2', 'created', 1)"
        " ON CONFLICT DO NOTHING", [source_id],
    )  # fmt: skip
    conn.execute(
        "UPDATE intake.contacts SET source_id = %s, first_batch_id = 2 WHERE contact_id = %s",
        (source_id, contact_id),
    )


def test_an_address_is_never_put_together_from_two(conn: Connection, add: Contacts) -> None:
    one, two = add({**ADA, "city": "Oldtown"}, {**ADA, **HOME})
    run_full(conn)
    found = golden(conn, one)
    assert (found["street"], found["city"]) == (HOME["street"], HOME["city"])
    assert {found["sources"][field] for field in HOME} == {(two, "valid")}


def test_a_pin_wins_and_follows_its_contact(conn: Connection, add: Contacts) -> None:
    one, two = add(ADA, {**ADA, **HOME})
    run_full(conn)
    golden(conn, one)
    pin = "INSERT INTO enrichment.pins (contact_id, field, value, pinned_by) VALUES (%s,%s,%s,'me')"
    conn.execute(pin, (one, "name", "Countess Ada"))
    conn.execute(pin, (two, "street", None))
    found = golden(conn, one)
    assert (found["name"], found["street"], found["city"]) == (
        "Countess Ada", None, "Springfield",
    )  # fmt: skip
    assert found["sources"]["name"][1] == found["sources"]["street"][1] == "pin"
    conn.execute("DELETE FROM enrichment.pins WHERE field = 'name'")
    assert golden(conn, one)["name"] == "Ada Larkwell"


@pytest.mark.parametrize("said, out", [("yes", True), ("2026-01-01", True), ("no", False)])
def test_the_strictest_opt_out_wins(conn: Connection, add: Contacts, said: str, out: bool) -> None:
    one, two = add(ADA, {**ADA, **HOME})
    conn.execute("UPDATE intake.contacts SET extra = jsonb_build_object('do_not_contact',"
                 " %s::text) WHERE contact_id = %s", [said, two])  # fmt: skip
    run_full(conn)
    assert golden(conn, one)["opted_out"] is out


def test_f16_only_what_changed_is_built_again(conn: Connection, add: Contacts) -> None:
    one, two = add(ADA, BEN)
    run_full(conn)
    before = golden(conn, two)
    with conn.transaction():
        assert build_golden(conn) == 0
    add({**ADA, **HOME})
    run_incremental(conn)
    assert golden(conn, one)["contact_count"] == 2
    assert golden(conn, two) == before


def test_f16_a_deleted_contacts_values_go_at_once(conn: Connection, add: Contacts) -> None:
    one, two = add(ADA, {**ADA, "email": "ada@larkwell.example.com"})
    run_full(conn)
    golden(conn, one)
    conn.execute("DELETE FROM intake.contacts WHERE contact_id = %s", [two])
    assert conn.execute("SELECT count(*) FROM matching.golden_contacts").fetchall() == [(0,)]
    assert golden(conn, one)["emails"] == [ADA["email"]]


def test_f16_deleting_an_upload_takes_its_golden_contacts(conn: Connection, add: Contacts) -> None:
    (one,) = add(ADA)
    run_full(conn)
    golden(conn, one)
    conn.execute("UPDATE intake.uploads SET state = 'loading'")
    conn.execute("UPDATE intake.uploads SET state = 'loaded'")
    delete_uploads(conn, [1], actor="test", rehearse=False)
    assert conn.execute("SELECT count(*) FROM matching.golden_contacts").fetchall() == [(0,)]


def test_f35_contacts_without_anything_have_a_golden_contact_too(
    conn: Connection, add: Contacts
) -> None:
    (one,) = add({})
    run_full(conn)
    found = golden(conn, one)
    assert (found["kind"], found["name"], found["emails"]) == ("nameless", None, [])


def test_f34_a_guessed_mailbox_is_no_channel(conn: Connection, add: Contacts) -> None:
    (one,) = add({"name": "Madonna", "phone": "+14155550111"})
    answer(conn, "+14155550111", valid=True)
    conn.execute(
        """
        WITH mailboxes AS (
            INSERT INTO intake.subjects (kind, value, value_hmac)
            VALUES ('email', 'madonna@label.example.com', 'a'),
                   ('email', 'madonna.madonna@label.example.com', 'b') RETURNING subject_id, value)
        INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role, origin_claim_id)
        SELECT %s, 'email', subject_id, 'own',
               CASE WHEN value LIKE 'madonna.%%'
                    THEN (SELECT max(claim_id) FROM ledger.claims) END
          FROM mailboxes
        """,
        [one],
    )
    run_full(conn)
    assert golden(conn, one)["emails"] == ["madonna@label.example.com"]


def test_f49_views_of_answers_are_asked_by_index_for_a_few() -> None:
    assert sum(step.count("JOIN matching.confirmations") for step in PREPARE_ALL) == 3
    assert "JOIN matching.confirmations" not in BUILD_FEW
    assert BUILD_FEW.count("LATERAL (SELECT * FROM matching.confirmations") == 3
