"""The inbox in a bucket: seen once it stands still, taken in once; failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import FilesError
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import EXPORTS_JOB, INTAKE_JOB
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import change_settings
from sensors.uploads import uploads_sensor
from tests.fakes.bucket import BUCKET, BucketServer, running_bucket
from tests.fakes.commands import local_program
from tests.fakes.story import platform_of

ROWS = "phone,name\n+14155552671,Ada\n+14155552672,Ben\n"
URI = f"s3://{BUCKET}/platform/inbox/leads.csv"


@pytest.fixture
def bucket() -> Iterator[BucketServer]:
    with running_bucket() as server:
        yield server


@pytest.fixture
def platform(dsn: str, tmp_path: Path, bucket: BucketServer) -> Platform:
    return platform_of(dsn, tmp_path / "home", **bucket.variables)


def look(platform: Platform, cursor: str | None = None) -> tuple[list[str], str | None]:
    context = dg.build_sensor_context(cursor=cursor, resources={"platform": platform})
    found = uploads_sensor(15).evaluate_tick(context)
    uris = [one.run_config["ops"]["intake"]["config"]["uri"] for one in found.run_requests or []]
    return uris, found.cursor


def test_an_object_is_asked_for_once_it_stood_still_and_again_once_it_changed(
    platform: Platform, bucket: BucketServer
) -> None:
    bucket.put("platform/inbox/leads.csv", ROWS)
    bucket.put("platform/inbox/notes.pdf", "x")
    seen, cursor = look(platform)
    asked, cursor = look(platform, cursor)
    again, cursor = look(platform, cursor)
    assert (seen, asked, again) == ([], [URI], [])
    bucket.put("platform/inbox/leads.csv", ROWS.replace("Ada", "Eve"))
    seen, cursor = look(platform, cursor)
    asked, cursor = look(platform, cursor)
    assert (seen, asked) == ([], [URI])


def test_a_bucket_that_cannot_be_listed_fails_the_tick_instead_of_being_empty(
    platform: Platform, bucket: BucketServer
) -> None:
    environ = {**platform.environment.values, "BULK_LOOKUP_FILES": "s3://gone"}
    gone = replace(platform, environment=read_environment(environ))
    with pytest.raises(FilesError, match=r"no bucket gone\. .*BULK_LOOKUP_FILES"):
        look(gone)


def test_f02_an_object_is_loaded_once_by_its_content_and_exports_go_back(
    platform: Platform, bucket: BucketServer, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    bucket.put("platform/inbox/leads.csv", ROWS)
    bucket.put("platform/inbox/copy.csv", ROWS)
    change_settings(conn, "exports.saved.all", "[]", "me")
    change_settings(conn, "exports.scheduled", '["all"]', "me")
    defs = build_defs("demo", overrides={"platform": platform})
    with dg.DagsterInstance.ephemeral() as instance:
        for uri in (URI, URI.replace("leads.csv", "copy.csv")):
            config = {"ops": {"intake": {"config": {"uri": uri}}}}
            job = defs.resolve_job_def(INTAKE_JOB)
            assert job.execute_in_process(instance=instance, run_config=config).success
        assert defs.resolve_job_def(EXPORTS_JOB).execute_in_process(instance=instance).success
    uploads = conn.execute("SELECT file_name, file_uri, state FROM intake.uploads").fetchall()
    assert uploads == [("leads.csv", URI, "loaded")]
    (exported,) = [key for key in bucket.names() if "/exports/" in key]
    assert len(bucket.get(exported).splitlines()) == 3
    assert [path for path in (tmp_path / "home").rglob("*.csv*") if path.is_file()] == []


def test_f15_the_command_line_takes_from_the_bucket_and_deletes_what_it_took(
    postgres: Any, database: str, bucket: BucketServer, tmp_path: Path
) -> None:
    program = local_program(
        postgres, database, tmp_path / "home", "http://127.0.0.1:9", **bucket.variables
    )
    bucket.put("platform/inbox/leads.csv", ROWS)
    upload = str(program("upload", URI)["upload_id"])
    exported = program("export", upload)["file"]
    assert exported == f"s3://{BUCKET}/platform/exports/upload-{upload}.csv"
    assert sorted(program("delete", upload)["files"]) == sorted([URI, exported])
    assert len(bucket.names()) == 2
    program("delete", upload, "--yes")
    assert bucket.names() == []
    assert program("upload", URI, code=1)["error"]["fix"]
