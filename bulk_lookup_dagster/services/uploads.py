"""Taking in a file: from its bytes to contacts, subjects, rejects and batches.

Belongs here: an upload's identity, its life from received to loaded or refused, its mapping and
its rejects. Does not: kinds of files, rows and the loading itself (`intake`), plans
(`services.plans`).

An upload is invisible until it is `loaded`. Chunks commit as they come while it is `loading`;
whoever loads the same file after a crash stores what is missing and nothing twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import StorageError, UploadRefused
from bulk_lookup_dagster.core.phone import is_region
from bulk_lookup_dagster.intake import mappings
from bulk_lookup_dagster.intake import upload_records as records
from bulk_lookup_dagster.intake.columns import ColumnMap, map_columns
from bulk_lookup_dagster.intake.formats import FileFacts, FileHash, hash_file, inspect
from bulk_lookup_dagster.intake.pool import Pool, open_pool
from bulk_lookup_dagster.intake.readers import Table, open_table
from bulk_lookup_dagster.intake.upload_records import BatchRef, Receipt, Reject, UploadRow
from bulk_lookup_dagster.intake.worker import Job
from bulk_lookup_dagster.storage.database import connect

__all__ = ["BatchRef", "Reject", "UploadReport", "load_upload", "rejects"]

MAX_BATCH_ROWS = 25_000
_SMALL_FILE = 4 << 20
_SNIFFED = 50


@dataclass(frozen=True)
class UploadReport:
    """What came of an upload; the counts add up: `row_count` = contact rows + rejects."""

    upload_id: int
    state: str
    already_loaded: bool
    row_count: int
    contact_count: int
    new_contact_count: int
    reject_count: int
    rejects_by_reason: Mapping[str, int]
    batches: tuple[BatchRef, ...]


def load_upload(
    platform_dsn: str,
    secret_key: bytes,
    path: Path,
    *,
    uri: str = "",
    source: str = "default",
    default_region: str = "US",
    mapping: Mapping[str, str] | None = None,
    uploaded_by: str = "system",
    batch_rows: int = MAX_BATCH_ROWS,
    on_progress: Callable[[int], None] | None = None,
) -> UploadReport:
    """Load a file once; the same bytes, mapping, region and source again add nothing.

    `uri` is where the file lies, if `path` is only a copy. `mapping` names a header (or
    `column N`) per field and is remembered for files with the same headers. `on_progress` hears
    how many records each stored chunk had. Raises `UploadRefused`, and keeps the refusal, when
    the file is no table of phone numbers.
    """
    region = default_region.upper()
    if not is_region(region):
        raise UploadRefused(
            f"{default_region!r} is no region.", fix="Use two letters such as US.", code="region"
        )
    with connect(platform_dsn, autocommit=True, name="bulk-lookup upload") as conn:
        hashed = hash_file(path)
        size = min(batch_rows, MAX_BATCH_ROWS)
        receipt = Receipt(
            path, uri or path.absolute().as_uri(), hashed, source, region, uploaded_by, size
        )
        with _refusals_kept(conn, receipt), open_pool(_workers(hashed.size_bytes)) as pool:
            facts = inspect(path, hashed)
            with open_table(facts) as table:
                columns = _columns(conn, table, mapping, uploaded_by)
                upload = records.receive(conn, receipt, facts, table.delimiter, columns)
                with records.locked(conn, upload.upload_id):
                    upload = records.read(conn, upload.upload_id)
                    if upload.state == "loaded":
                        return _report(conn, upload, already_loaded=True)
                    job = _job(platform_dsn, secret_key, upload, region, table.delimiter, columns)
                    _load(conn, upload, table, job, facts, pool, on_progress)
                    return _report(conn, records.read(conn, upload.upload_id), already_loaded=False)


def rejects(
    conn: psycopg.Connection[Any], upload_id: int, *, page_rows: int = 1_000
) -> Iterator[Reject]:
    """Every refused row of an upload in order, read in pages."""
    after = 0
    while page := records.reject_page(conn, upload_id, after, page_rows):
        yield from page
        after = page[-1].row_number


@contextmanager
def _refusals_kept(conn: psycopg.Connection[Any], receipt: Receipt) -> Iterator[None]:
    try:
        yield
    except UploadRefused as refusal:
        records.refuse(conn, receipt, refusal)
        raise


def _columns(
    conn: psycopg.Connection[Any],
    table: Table,
    mapping: Mapping[str, str] | None,
    remembered_by: str,
) -> ColumnMap:
    sample = [row for row in table.peek(_SNIFFED) if any(map(str.strip, row))]
    if not sample:
        raise UploadRefused("The file is empty.", fix="Export it again.", code="empty_file")
    first = sample[0]
    wanted = mapping or mappings.remembered_mapping(conn, first)
    columns = map_columns(first, sample, wanted)
    if mapping and columns.headers:
        mappings.remember_mapping(conn, first, mapping, remembered_by)
    if columns.headers and len(sample) == 1 and len(table.peek(_SNIFFED)) < _SNIFFED:
        raise _header_only()
    return columns


def _load(
    conn: psycopg.Connection[Any],
    upload: UploadRow,
    table: Table,
    job: Job,
    facts: FileFacts,
    pool: Pool,
    on_progress: Callable[[int], None] | None,
) -> None:
    records.start_loading(conn, upload.upload_id)
    total = accepted = rejected = 0
    for stored in pool.store_all(job, _packed(table, upload, job, facts)):
        total += stored.records
        accepted += stored.accepted
        rejected += stored.rejected
        if on_progress is not None:
            on_progress(stored.records)
    if total == 0:
        raise _header_only()
    if FileHash(facts.size_bytes, facts.content_hash) != hash_file(facts.path):
        raise _file_changed()
    records.finish(conn, upload.upload_id, total, accepted, rejected)


def _workers(size_bytes: int) -> int:
    return 1 if size_bytes < _SMALL_FILE else min(3, (os.cpu_count() or 1) + 1)


def _packed(table: Table, upload: UploadRow, job: Job, facts: FileFacts) -> Iterator[bytes]:
    for chunk in table.chunks(upload.batch_rows, has_header=job.headers is not None):
        if facts.path.stat().st_size != facts.size_bytes:
            raise _file_changed()  # now: a file that grows would never end
        yield chunk.pack()


def _job(
    dsn: str,
    secret_key: bytes,
    upload: UploadRow,
    region: str,
    delimiter: str,
    columns: ColumnMap,
) -> Job:
    return Job(
        dsn=dsn,
        secret_key=secret_key.hex(),
        upload_id=upload.upload_id,
        source_id=upload.source_id,
        region=region,
        delimiter=delimiter,
        key_prefix=upload.key_prefix,
        headers=columns.headers,
        phone=columns.phone,
        fields=dict(columns.fields),
        width=columns.width,
    )


def _report(
    conn: psycopg.Connection[Any], upload: UploadRow, *, already_loaded: bool
) -> UploadReport:
    return UploadReport(
        upload_id=upload.upload_id,
        state=upload.state,
        already_loaded=already_loaded,
        row_count=upload.row_count,
        contact_count=upload.contact_count,
        new_contact_count=upload.new_contact_count,
        reject_count=upload.reject_count,
        rejects_by_reason=records.rejects_by_reason(conn, upload.upload_id),
        batches=records.batches(conn, upload.upload_id),
    )


def _file_changed() -> StorageError:
    return StorageError(
        "The file changed while it was loaded.",
        fix="Wait until it is written completely and load it again.",
        code="file_changed",
    )


def _header_only() -> UploadRefused:
    return UploadRefused(
        "The file has a header and no rows.", fix="Export it again.", code="header_only"
    )
