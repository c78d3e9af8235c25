"""Memory and seconds of exporting many contacts, format by format, of one upload and of all.

`python -m bench.export --rows 1000000 --json` loads a sample and exports it in processes of their
own; `peak_mb` is the greatest of them, `peak_mb_by_format` and `seconds` say which took what, and
`rows_exported` must be the contacts the upload has, over all uploads the distinct ones.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.harness import Process, main, own_server
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER

_FORMATS = ("csv", "parquet")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Load once, then export in every format."""
    with own_server() as server:
        admin = server.dsn("postgres", SUPERUSER)
        with connect(admin, autocommit=True) as conn:
            conn.execute("CREATE DATABASE export")
        dsn = with_database(admin, "export")
        migrate.upgrade(dsn)
        path = server.home / "sample.csv"
        write_sample(path, options.rows)
        upload = load_upload(dsn, b"b" * 32, path)
        found = {
            f"{scope}{kind}": Process(
                "bench.export_worker",
                {
                    "dsn": dsn,
                    "upload_id": upload_id,
                    "kind": kind,
                    "path": str(server.home / f"out.{kind}"),
                },
            ).result()
            for scope, upload_id in (("", upload.upload_id), ("all ", None))
            for kind in _FORMATS
        }
    return {
        "bench": "export",
        "rows": options.rows,
        "peak_mb": max(one["peak_mb"] for one in found.values()),
        "peak_mb_by_format": {kind: one["peak_mb"] for kind, one in found.items()},
        "seconds": {kind: round(one["seconds"], 2) for kind, one in found.items()},
        "rows_exported": {kind: one["rows"] for kind, one in found.items()},
        "contacts": upload.contact_count,
        "distinct_contacts": upload.new_contact_count,
    }


if __name__ == "__main__":
    main(measure, {"name": "--rows", "type": int, "default": 1_000_000})
