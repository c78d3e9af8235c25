"""Which subjects contacts lead to; deriving again adds nothing, erased ones stay erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.engine.step import Scope
from bulk_lookup_dagster.services import subjects
from bulk_lookup_dagster.services.derivations import ADDRESS, COMPANY, DERIVATIONS, EMAIL, PERSON
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.steps.scopes import batch_scope, upload_scope
from bulk_lookup_dagster.services.subjects import derive
from bulk_lookup_dagster.services.uploads import UploadReport, load_upload
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
HEAD = "phone,first name,last name,company,email,website,street,city,state,zip,country"
ROWS = (
    "415-220-0101,Ann,Lee,Acme,ann@acme.test,https://www.ACME.test/x,1 Main St,Reno,NV,89501,US",
    "415-220-0102,Bob,Ray,Acme Inc,bob@acme.test,,1 MAIN ST,Reno,NV,89501,US",
    "415-220-0103,Cy,Fox,Corner Shop,cy@gmail.com,,,,,89502,US",
    "415-220-0104,Di,,,di@gmail.com,,,,,,",
    f"415-220-0105,,,,,,{'x' * 290},{'y' * 140},NV,89501,US",
)


@pytest.fixture
def platform(dsn: str, tmp_path: Path) -> Platform:
    return platform_of(dsn, tmp_path)


@pytest.fixture
def upload(platform: Platform, tmp_path: Path) -> UploadReport:
    path = tmp_path / "leads.csv"
    path.write_text("\n".join((HEAD, *ROWS)) + "\n")
    return load_upload(platform.dsn, platform.secret_key, path)


def found(conn: Connection, kind: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT s.value, count(*) FROM intake.contact_subjects l JOIN intake.subjects s"
        " USING (subject_id) WHERE l.kind = %s AND s.kind = l.kind GROUP BY 1 ORDER BY 1"
    )
    return conn.execute(query, (kind,)).fetchall()


def scope_of(upload: UploadReport) -> Scope:
    return upload_scope(upload.upload_id)


def test_f38_each_kind_comes_from_what_identifies_it(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    for derivation in DERIVATIONS:
        derive(conn, platform.secret_key, derivation, scope_of(upload))
    assert found(conn, "company") == [("acme.test", 2), ("|corner shop|89502|us", 1)]
    assert found(conn, "person") == [
        ("ann|lee|acme.test|", 1),
        ("bob|ray|acme.test|", 1),
        ("cy|fox||corner shop", 1),
        ("||||di@gmail.com", 1),
    ]
    assert [value for value, _ in found(conn, "email")] == [
        *("ann@acme.test", "bob@acme.test", "cy@gmail.com", "di@gmail.com"),
    ]
    assert found(conn, "address") == [("1 main st||reno|nv|89501|us", 2)]


def test_f34_a_name_in_one_column_is_a_person_unless_it_is_a_firms(
    conn: Connection, platform: Platform, tmp_path: Path
) -> None:
    path = tmp_path / "names.csv"
    rows = ("Dr. Ann van Lee,Acme", "Acorn Dental,Acme", "Madonna,Acme", "Bob Ray,")
    numbered = [f"415-220-01{n:02d},{row}" for n, row in enumerate(rows)]
    path.write_text("\n".join(("phone,name,company", *numbered)) + "\n")
    loaded = load_upload(platform.dsn, platform.secret_key, path)
    derive(conn, platform.secret_key, PERSON, scope_of(loaded))
    assert found(conn, "person") == [("ann|van lee||acme", 1)]


def test_deriving_again_adds_nothing_in_pages_of_any_size(
    conn: Connection, platform: Platform, upload: UploadReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "PAGE", 2)
    first = derive(conn, platform.secret_key, EMAIL, scope_of(upload))
    assert (first.rows, first.subjects, first.links) == (4, 4, 4)
    batch = batch_scope(upload.batches[0].batch_id)
    again = derive(conn, platform.secret_key, EMAIL, batch)
    assert (again.rows, again.subjects, again.links) == (4, 0, 0)


def test_f57_what_does_not_fit_is_counted_not_cut(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    report = derive(conn, platform.secret_key, ADDRESS, scope_of(upload))
    assert (report.rows, report.refused, report.subjects) == (3, 1, 1)


def test_an_erased_subject_stays_erased(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    known = subject_hmac(platform.secret_key, "company", "acme.test")
    conn.execute(
        "INSERT INTO intake.subjects (kind, value, value_hmac, erased_at)"
        " VALUES ('company', NULL, %s, now())",
        (known,),
    )
    derive(conn, platform.secret_key, COMPANY, scope_of(upload))
    assert found(conn, "company") == [("|corner shop|89502|us", 1)]


def test_a_contact_that_goes_takes_its_links_along(
    conn: Connection, platform: Platform, upload: UploadReport
) -> None:
    derive(conn, platform.secret_key, PERSON, scope_of(upload))
    conn.execute("DELETE FROM intake.repeated_rows")
    conn.execute("DELETE FROM intake.contacts")
    assert found(conn, "person") == []
