"""Files in a bucket: whole objects, typed errors, nothing of any size held in memory."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.environment import Environment, read_environment
from bulk_lookup_dagster.core.errors import ConfigError, FilesError
from bulk_lookup_dagster.services.doctor import examine
from bulk_lookup_dagster.services.exports import Wish, export_contacts
from bulk_lookup_dagster.services.files import local_copy, open_files
from bulk_lookup_dagster.services.housekeeping import remove_parts
from tests.fakes.bucket import BUCKET, BucketServer, running_bucket
from tests.fakes.story import platform_of, tell

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with running_bucket() as running:
        yield running


@pytest.fixture
def bucket(server: BucketServer) -> Iterator[BucketServer]:
    yield server
    server.empty()


def environment(home: Path, bucket: BucketServer, **variables: str) -> Environment:
    return read_environment(
        {"BULK_LOOKUP_HOME": str(home), **bucket.variables, **variables},
    )


def left(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_an_empty_inbox_is_no_error_and_makes_no_bucket(
    bucket: BucketServer, tmp_path: Path
) -> None:
    files = open_files(environment(tmp_path, bucket))
    assert files.listed("inbox") == []
    assert bucket.names() == []


def test_objects_are_listed_with_what_changes_when_they_do(
    bucket: BucketServer, tmp_path: Path
) -> None:
    files = open_files(environment(tmp_path, bucket))
    bucket.put("platform/inbox/März leads.csv", "one")
    bucket.put("platform/inbox/deeper/other.csv", "other")
    (first,) = files.listed("inbox")
    assert (first.name, first.uri) == (
        "März leads.csv",
        f"s3://{BUCKET}/platform/inbox/März leads.csv",
    )
    assert files.listed("inbox") == [first]
    bucket.put("platform/inbox/März leads.csv", "two")  # of the same size
    assert files.listed("inbox")[0].stamp != first.stamp
    with local_copy(environment(tmp_path, bucket), first.uri) as path:
        assert (path.name, path.read_text()) == ("März leads.csv", "two")
    assert left(tmp_path) == []


def test_a_large_object_goes_both_ways_without_sitting_in_memory(
    bucket: BucketServer, tmp_path: Path
) -> None:
    here = environment(tmp_path / "home", bucket)
    files = open_files(here)
    block = bytes(range(256)) * 4096
    with files.building("exports/large.csv") as path:
        with path.open("wb") as file:
            for _ in range(60):
                file.write(block)
        files.exists("nothing")  # what is imported once is no part of it
        tracemalloc.start()
        files.put(path, "exports/large.csv")
        sending = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    with local_copy(here, files.uri("exports/large.csv")) as path:
        fetching = tracemalloc.get_traced_memory()[1]
        assert path.stat().st_size == 60 * len(block)
    tracemalloc.stop()
    assert sending < 30 * len(block)
    assert fetching < 15 * len(block)
    assert left(tmp_path) == []


def test_an_export_appears_in_the_bucket_with_its_row_or_not_at_all(
    bucket: BucketServer, conn: Connection, tmp_path: Path
) -> None:
    tell(conn)
    files = open_files(environment(tmp_path, bucket))
    done = export_contacts(conn, Wish("csv"), files, "exports/all.csv", actor="ann")
    assert done.uri == f"s3://{BUCKET}/platform/exports/all.csv"
    assert len(bucket.get("platform/exports/all.csv").splitlines()) == 21
    assert conn.execute("SELECT file_uri FROM ops.exports").fetchall() == [(done.uri,)]
    assert (files.exists("exports/all.csv"), files.remove("exports/all.csv")) == (True, True)
    assert (files.exists("exports/all.csv"), files.remove("exports/all.csv")) == (False, False)

    nowhere = open_files(environment(tmp_path, bucket, BULK_LOOKUP_FILES="s3://gone/x"))
    with pytest.raises(FilesError, match="no bucket gone"):
        export_contacts(conn, Wish("csv"), nowhere, "exports/all.csv", actor="ann")
    assert conn.execute("SELECT count(*) FROM ops.exports").fetchone() == (1,)
    assert left(tmp_path) == []


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those a test sets."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "variables,code,fix",
    [
        ({"BULK_LOOKUP_FILES": "s3://gone"}, "no_bucket", "BULK_LOOKUP_FILES"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no_credentials", "AWS_ACCESS"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "unreachable", "AWS_ENDPOINT_URL"),
    ],
)
def test_f57_a_bucket_that_cannot_be_listed_says_why_and_what_to_do(
    bucket: BucketServer,
    alone: None,
    tmp_path: Path,
    variables: dict[str, str],
    code: str,
    fix: str,
) -> None:
    files = open_files(environment(tmp_path, bucket, **variables))
    for ask in (lambda: files.listed("inbox"), lambda: files.exists("inbox/a.csv")):
        with pytest.raises(FilesError) as caught:
            ask()
        assert (caught.value.code, fix in caught.value.fix) == (code, True)


def test_f28_refused_keys_are_told_by_the_doctor_with_their_variables(
    bucket: BucketServer, dsn: str, tmp_path: Path
) -> None:
    platform = platform_of(dsn, tmp_path / "home", **bucket.variables)
    platform.environment.home.mkdir()
    findings = {finding.name: finding for finding in examine(platform)}
    assert findings["files"].level == "ok"
    bucket.refuse_unknown_keys(True)
    try:
        finding = {finding.name: finding for finding in examine(platform)}["files"]
    finally:
        bucket.refuse_unknown_keys(False)
    assert (finding.level, "AWS_SECRET_ACCESS_KEY" in finding.fix) == ("fail", True)
    assert "fake" not in finding.detail


def test_an_object_that_is_not_there_is_told(bucket: BucketServer, tmp_path: Path) -> None:
    here = environment(tmp_path, bucket)
    with pytest.raises(FilesError) as caught, local_copy(here, f"s3://{BUCKET}/none.csv"):
        pass
    assert caught.value.code == "no_object"


def test_a_kind_of_address_nobody_knows_is_refused(bucket: BucketServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ftp://") as caught:
        open_files(environment(tmp_path, bucket, BULK_LOOKUP_FILES="ftp://x/y"))
    assert "s3://" in caught.value.fix


def test_a_copy_whose_taker_was_killed_is_removed_by_housekeeping(tmp_path: Path) -> None:
    left_over = tmp_path / ".taken.0123abcd.part"
    left_over.mkdir()
    (left_over / "leads.csv").touch()
    os.utime(left_over, (1_000_000_000, 1_000_000_000))
    assert remove_parts(tmp_path) == 1
    assert not left_over.exists()
