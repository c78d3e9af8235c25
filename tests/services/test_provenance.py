"""Where values come from and who corrected them: real database, vendors played by the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.golden import build_contacts, run_matching
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.pins import pin_answer, pin_field, unpin
from bulk_lookup_dagster.services.provenance import field_names, why
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings
from tests.fakes.many_steps import approved, load_numbers, sandboxed, switch_on
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
NUMBERS = 30


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


@pytest.fixture
def bought(conn: Connection, dsn: str, tmp_path: Path, sandbox: SandboxProcess) -> Platform:
    """Thirty contacts, whose line statuses two vendors were asked for."""
    platform = sandboxed(dsn, tmp_path / "home", sandbox)
    platform.environment.home.mkdir(exist_ok=True)
    upload = load_numbers(platform, tmp_path, NUMBERS)
    switch_on(conn, "phone_lookups", "line_statuses")
    change_settings(conn, "steps.line_statuses.holdout_percent", "100", "me")
    plan = approved(conn, platform, upload)
    run_batch(platform, upload.batches[0].batch_id, plan.plan_id)
    return platform


def asked_twice(conn: Connection) -> int:
    """A contact about whose line two vendors answered with data."""
    row = conn.execute(
        "SELECT c.contact_id FROM intake.contacts c JOIN enrichment.line_statuses r"
        "   ON r.subject_id = c.phone_subject_id AND r.outcome = 'data' AND r.line_status <> ''"
        " GROUP BY 1 HAVING count(*) = 2 ORDER BY 1 LIMIT 1"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.usefixtures("bought")
def test_a_value_tells_provider_claim_money_time_and_licence(conn: Connection) -> None:
    contact = asked_twice(conn)
    first, second = why(conn, contact, "line_status").known
    assert (first.won, second.won) == (True, False)
    assert {first.origin, second.origin} == {"twilio_lookup", "trestle"}
    claim = conn.execute(
        "SELECT provider, operation, cost_micros FROM ledger.claims WHERE claim_id = %s",
        [first.claim_id],
    ).fetchone()
    assert claim == (first.origin, first.operation, first.paid_micros)
    assert first.licence_class
    assert first.fetched_at
    assert first.expires_at is not None
    assert first.expires_at > first.fetched_at
    assert first.why.startswith(f"won against {second.origin}: ")
    assert second.why.startswith(f"lost against {first.origin}: ")


@pytest.mark.usefixtures("bought")
def test_a_pin_on_an_answer_wins_until_it_is_taken_back(conn: Connection) -> None:
    contact = asked_twice(conn)
    before = [one.origin for one in why(conn, contact, "line_statuses.line_status").known]
    pin_answer(conn, contact, "line_statuses", before[1], actor="ann")
    known = why(conn, contact, "line_status").known
    assert [one.origin for one in known] == before[::-1]
    assert known[0].why == "pinned by ann"
    assert known[1].why == f"lost against {before[1]}: pinned by ann"
    assert unpin(conn, contact, "line_statuses", actor="ann") == 1
    assert [one.origin for one in why(conn, contact, "line_status").known] == before
    audit = conn.execute("SELECT actor, action FROM ops.audit WHERE action LIKE '%%pin'").fetchall()
    assert sorted(audit) == [("ann", "pin"), ("ann", "unpin")]


@pytest.mark.usefixtures("bought")
def test_a_pinned_field_wins_over_the_file_and_reaches_the_golden_contact(conn: Connection) -> None:
    row = conn.execute("SELECT min(contact_id) FROM intake.contacts").fetchone()
    assert row is not None
    contact = row[0]
    (given,) = why(conn, contact, "company").known
    assert (given.origin, given.value, given.won) == ("file", "Firm 0", True)
    run_matching(conn, actor="test")
    build_contacts(conn)
    pin_field(conn, contact, "company", "Firm Zero Ltd", actor="ann", note="letterhead")
    build_contacts(conn)
    found = why(conn, contact, "company")
    assert [(one.origin, one.won) for one in found.known] == [("pin", True), ("file", False)]
    assert found.known[0].why == "pinned by ann: letterhead"
    assert found.golden is not None
    assert (found.golden.value, found.golden.pinned) == ("Firm Zero Ltd", True)
    assert unpin(conn, contact, "company", actor="ann") == 1
    build_contacts(conn)
    again = why(conn, contact, "company").golden
    assert again is not None
    assert (again.value, again.pinned) == ("Firm 0", False)


@pytest.mark.usefixtures("bought")
def test_what_ran_out_is_told_without_its_value(conn: Connection) -> None:
    contact = asked_twice(conn)
    conn.execute(
        "UPDATE enrichment.line_statuses SET fetched_at = now() - interval '40 days',"
        " expires_at = now() - interval '10 days' WHERE provider = 'trestle'"
    )
    known = {one.origin: one for one in why(conn, contact, "line_status").known}
    assert known["twilio_lookup"].won
    assert not known["trestle"].won


@pytest.mark.usefixtures("bought")
def test_wrong_questions_say_what_there_is(conn: Connection) -> None:
    contact = asked_twice(conn)
    with pytest.raises(InputError, match="Nothing has a field 'shoe_size'"):
        why(conn, contact, "shoe_size")
    with pytest.raises(InputError, match="There is no contact 999999"):
        why(conn, 999_999, "name")
    with pytest.raises(InputError, match="cannot be pinned"):
        pin_field(conn, contact, "line_type", "mobile", actor="ann")
    with pytest.raises(InputError, match="at most 20 characters"):
        pin_field(conn, contact, "postal_code", "9" * 21, actor="ann")
    with pytest.raises(InputError, match="has no answer"):
        pin_answer(conn, contact, "line_statuses", "numverify", actor="ann")


@pytest.mark.usefixtures("bought")
def test_every_field_of_every_step_can_be_asked_about(conn: Connection) -> None:
    contact = asked_twice(conn)
    told = {field: why(conn, contact, field).known for field in field_names()}
    assert {"name", "line_type", "line_status", "latitude", "work_email"} <= set(told)
    assert told["line_type"][0].origin == "twilio_lookup"
    assert told["latitude"] == ()
