"""F15, F16, F39: deleting an upload takes its people, keeps its money and spares everybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.deletion import delete_upload, old_uploads
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.uploads import load_upload
from tests.fakes.story import tell

Connection = psycopg.Connection[Any]
_PEOPLE = "SELECT count(*), count(value) FROM intake.subjects"
_PERSONAL = """
    SELECT string_agg(t::text, ' ') FROM (
        SELECT to_jsonb(c) t FROM intake.contacts c UNION ALL
        SELECT to_jsonb(s) FROM intake.subjects s UNION ALL
        SELECT to_jsonb(u) FROM intake.uploads u UNION ALL
        SELECT to_jsonb(r) FROM intake.rejects r UNION ALL
        SELECT to_jsonb(l) FROM enrichment.phone_lookups l UNION ALL
        SELECT to_jsonb(a) FROM ops.audit a) everything
"""


def load(platform: Platform, folder: Path, name: str, *rows: str) -> int:
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["phone,name", *rows]) + "\n")
    return load_upload(platform.dsn, platform.secret_key, path).upload_id


def number(conn: Connection, query: str) -> int:
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_f15_everything_of_an_upload_goes_and_others_keep_what_is_theirs(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    first = load(
        platform, tmp_path, "first", "4155552601,Ada Both", "4155552602,Ben Only", "nothing,Cy"
    )
    second = load(platform, tmp_path, "second", "4155552601,Ada Both", "4155552603,Dee Other")
    done = delete_upload(conn, first, actor="me", rehearse=False)
    assert done.counts == {
        "match_records": 0,
        "repeated_rows": 0,
        "rejects": 1,
        "contacts_kept": 1,
        "contacts": 1,
        "phone_lookups": 0,
        "bodies": 0,
        "subjects_erased": 1,
        "plans_cancelled": 0,
    }
    kept = conn.execute(
        "SELECT u.row_number, c.name FROM intake.upload_contacts u JOIN intake.contacts c"
        " USING (contact_id) WHERE u.upload_id = %s ORDER BY 1",
        (second,),
    ).fetchall()
    assert kept == [(2, "Ada Both"), (3, "Dee Other")]
    assert conn.execute(_PEOPLE).fetchone() == (3, 2)
    (everything,) = conn.execute(_PERSONAL).fetchone() or ("",)
    assert "Ada Both" in everything
    for gone in ("Ben Only", "4155552602", "Cy", "first.csv"):
        assert gone not in everything
    changes = conn.execute("SELECT DISTINCT entity FROM ops.mart_changes").fetchall()
    assert {("contact",), ("subject",), ("upload",), ("batch",)} <= set(changes)


def test_a_rehearsal_counts_the_same_and_changes_nothing(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    upload = load(platform, tmp_path, "leads", "4155552601,Ada", "nothing,Cy")
    before = conn.execute(_PERSONAL).fetchone()
    told = delete_upload(conn, upload, actor="me", rehearse=True)
    assert conn.execute(_PERSONAL).fetchone() == before
    assert told.counts == delete_upload(conn, upload, actor="me", rehearse=False).counts
    assert number(conn, "SELECT count(*) FROM ops.audit WHERE action = 'upload.delete'") == 1


def test_f02_the_same_file_may_come_again_and_finds_its_people_and_their_claims(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    rows = ("4155552601,Ada", "4155552602,Ben")
    upload = load(platform, tmp_path, "leads", *rows)
    subjects = conn.execute("SELECT subject_id, value FROM intake.subjects ORDER BY 1").fetchall()
    keys = delete_upload(conn, upload, actor="me", rehearse=False).partitions
    assert conn.execute(_PEOPLE).fetchone() == (2, 0)

    again = load(platform, tmp_path, "leads", *rows)
    assert again != upload
    assert conn.execute(_PEOPLE).fetchone() == (2, 2)
    back = conn.execute("SELECT subject_id, value FROM intake.subjects ORDER BY 1").fetchall()
    assert back == subjects
    found = conn.execute(
        "SELECT partition_key FROM intake.batches WHERE upload_id = %s", (again,)
    ).fetchall()
    assert [(key,) for key in keys] == found


def test_f16_money_and_claims_stay_when_answers_go(conn: Connection) -> None:
    tell(conn)
    money = "SELECT sum(cost_micros)::bigint FROM ledger.requests"
    claims = "SELECT count(*) FROM ledger.claims"
    before = (number(conn, money), number(conn, claims))
    deleted = delete_upload(conn, 1, actor="me", rehearse=False)
    assert deleted.counts["contacts"] > 0
    assert deleted.counts["phone_lookups"] > 0
    assert (number(conn, money), number(conn, claims)) == before
    assert number(conn, "SELECT count(*) FROM ledger.plans WHERE state = 'cancelled'") == 1


def test_f15_nobody_goes_while_questions_about_them_are_under_way(conn: Connection) -> None:
    tell(conn)
    conn.execute(
        "INSERT INTO ledger.claims (provider, operation, subject_id, params_hash, epoch, state,"
        " plan_id, run_id, budget_day, worker_id, reserved_micros, claimed_at, deadline_at)"
        " VALUES ('twilio_lookup', 'sim_swap', 1, '', 0, 'claimed', 1, 1, current_date, 1, 0,"
        " now(), now())"
    )
    before = conn.execute(_PEOPLE).fetchone()
    with pytest.raises(InputError, match="1 questions about upload 1 are under way") as caught:
        delete_upload(conn, 1, actor="me", rehearse=False)
    assert caught.value.fix
    assert conn.execute(_PEOPLE).fetchone() == before


def test_what_cannot_be_deleted_now_is_refused_and_says_what_to_do(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    upload = load(platform, tmp_path, "leads", "4155552601,Ada")
    with pytest.raises(InputError, match="There is no upload"):
        delete_upload(conn, upload + 99, actor="me", rehearse=False)
    conn.execute(
        "INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,"
        " file_name, file_uri, size_bytes)"
        " SELECT source_id, 'x', 'y', 'US', 'received', 'a', 'b', 1 FROM intake.uploads"
    )
    conn.execute("UPDATE intake.uploads SET state = 'loading' WHERE state = 'received'")
    with pytest.raises(InputError, match="is being loaded") as caught:
        delete_upload(conn, upload, actor="me", rehearse=False)
    assert caught.value.fix
    assert conn.execute(_PEOPLE).fetchone() == (1, 1)


def test_uploads_are_old_by_the_day_they_came(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    old = load(platform, tmp_path, "old", "4155552601,Ada")
    load(platform, tmp_path, "new", "4155552602,Ben")
    conn.execute(
        "UPDATE intake.uploads SET received_at = now() - interval '40 days',"
        " loaded_at = now() - interval '40 days' WHERE upload_id = %s",
        (old,),
    )
    assert old_uploads(conn, 30) == [old]
    delete_upload(conn, old, actor="me", rehearse=False)
    assert old_uploads(conn, 30) == []
    with pytest.raises(InputError):
        old_uploads(conn, -1)
