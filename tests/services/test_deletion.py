"""F15, F16, F39: deleting an upload takes its people, keeps its money and spares everybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.deletion import (
    delete_uploads,
    note_files_gone,
    old_uploads,
)
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.tables.enrichment import TABLES
from tests.fakes.exported import export
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
    done = delete_uploads(conn, [first], actor="me", rehearse=False)
    assert done.counts == {
        "match_records": 0,
        "repeated_rows": 0,
        "rejects": 1,
        "contacts_kept": 1,
        "contacts": 1,
        **dict.fromkeys(TABLES, 0),
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
    told = delete_uploads(conn, [upload], actor="me", rehearse=True)
    assert conn.execute(_PERSONAL).fetchone() == before
    assert told.counts == delete_uploads(conn, [upload], actor="me", rehearse=False).counts
    assert number(conn, "SELECT count(*) FROM ops.audit WHERE action = 'upload.delete'") == 1


def test_f02_the_same_file_may_come_again_and_finds_its_people_and_their_claims(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    rows = ("4155552601,Ada", "4155552602,Ben")
    upload = load(platform, tmp_path, "leads", *rows)
    subjects = conn.execute("SELECT subject_id, value FROM intake.subjects ORDER BY 1").fetchall()
    keys = delete_uploads(conn, [upload], actor="me", rehearse=False).partitions
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
    deleted = delete_uploads(conn, [1], actor="me", rehearse=False)
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
        delete_uploads(conn, [1], actor="me", rehearse=False)
    assert caught.value.fix
    assert conn.execute(_PEOPLE).fetchone() == before


def test_what_cannot_be_deleted_now_is_refused_and_says_what_to_do(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    upload = load(platform, tmp_path, "leads", "4155552601,Ada")
    with pytest.raises(InputError, match="There is no upload"):
        delete_uploads(conn, [upload + 99], actor="me", rehearse=False)
    conn.execute(
        "INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,"
        " file_name, file_uri, size_bytes)"
        " SELECT source_id, 'x', 'y', 'US', 'received', 'a', 'b', 1 FROM intake.uploads"
    )
    conn.execute("UPDATE intake.uploads SET state = 'loading' WHERE state = 'received'")
    with pytest.raises(InputError, match="is being loaded") as caught:
        delete_uploads(conn, [upload], actor="me", rehearse=False)
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
    delete_uploads(conn, [old], actor="me", rehearse=False)
    assert old_uploads(conn, 30) == []
    with pytest.raises(InputError):
        old_uploads(conn, -1)


def test_f15_uploads_deleted_together_go_as_one_and_only_who_is_elsewhere_stays(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    both = ("4155552601,Ada Both", "4155552602,Ben Both")
    old = [
        load(platform, tmp_path, "first", *both, "4155552603,Cy First"),
        load(platform, tmp_path, "second", *both, "4155552604,Dee Everywhere", "nothing,Eve"),
    ]
    stays = load(platform, tmp_path, "third", "4155552604,Dee Everywhere")
    told = delete_uploads(conn, old, actor="me", rehearse=True)
    assert conn.execute(_PEOPLE).fetchone() == (4, 4)
    done = delete_uploads(conn, [old[1], old[0], old[0]], actor="me", rehearse=False)
    assert done == told
    assert done.upload_ids == tuple(old)
    assert done.counts == {
        "repeated_rows": 2,
        "rejects": 1,
        "contacts_kept": 1,
        "match_records": 0,
        "contacts": 3,
        **dict.fromkeys(TABLES, 0),
        "bodies": 0,
        "subjects_erased": 3,
        "plans_cancelled": 0,
    }
    assert conn.execute(_PEOPLE).fetchone() == (4, 1)
    kept = conn.execute(
        "SELECT u.upload_id, c.name FROM intake.upload_contacts u JOIN intake.contacts c"
        " USING (contact_id)"
    ).fetchall()
    assert kept == [(stays, "Dee Everywhere")]
    audited = conn.execute(
        "SELECT object FROM ops.audit WHERE action = 'upload.delete' ORDER BY object"
    ).fetchall()
    assert audited == [(f"upload {upload}",) for upload in old]


def test_one_upload_that_cannot_go_keeps_all_of_them(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    first = load(platform, tmp_path, "first", "4155552601,Ada")
    second = load(platform, tmp_path, "second", "4155552602,Ben")
    delete_uploads(conn, [second], actor="me", rehearse=False)
    with pytest.raises(InputError, match=f"Deleted already: upload {second}"):
        delete_uploads(conn, [first, second], actor="me", rehearse=False)
    assert conn.execute(_PEOPLE).fetchone() == (2, 1)


def test_f15_exports_over_all_uploads_made_since_they_came_go_too(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    export(conn, None, "csv", tmp_path / "before.csv")
    first = load(platform, tmp_path, "first", "4155552601,Ada")
    export(conn, None, "csv", tmp_path / "after.csv")
    told = delete_uploads(conn, [first], actor="me", rehearse=True)
    names = [Path(uri).name for uri in told.files]
    assert names == ["after.csv", "first.csv"]
    note_files_gone(conn, told.files)
    again = delete_uploads(conn, [first], actor="me", rehearse=False)
    assert [Path(uri).name for uri in again.files] == ["first.csv"]


def test_f15_what_only_its_contacts_led_to_goes_with_an_upload(
    platform: Platform, conn: Connection, tmp_path: Path
) -> None:
    first = load(platform, tmp_path, "first", "4155552601,Ada Both", "4155552602,Ben Only")
    load(platform, tmp_path, "second", "4155552601,Ada Both")
    conn.execute(
        "INSERT INTO intake.subjects (kind, value, value_hmac)"
        " VALUES ('email', 'ada@example.test', 'a'), ('email', 'ben@example.test', 'b')"
    )
    conn.execute(
        "INSERT INTO intake.contact_subjects (contact_id, kind, subject_id, role)"
        " SELECT c.contact_id, 'email', s.subject_id, 'given' FROM intake.contacts c"
        " JOIN intake.subjects s ON s.value = lower(split_part(c.name, ' ', 1)) || '@example.test'"
    )
    done = delete_uploads(conn, [first], actor="me", rehearse=False)
    assert done.counts["subjects_erased"] == 2
    left = conn.execute("SELECT value FROM intake.subjects WHERE value IS NOT NULL ORDER BY 1")
    assert left.fetchall() == [("+14155552601",), ("ada@example.test",)]
