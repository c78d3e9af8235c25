"""The doctor: is everything this platform needs in order, and if not, what to do.

Belongs here: findings. Credentials are checked without spending. Does not: repairing, the vendors
(`services.provider_checks`).
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import BulkLookupError
from bulk_lookup_dagster.core.redaction import redact_text
from bulk_lookup_dagster.services.files import INBOX, open_files
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.provider_health import look_at
from bulk_lookup_dagster.services.provision import separated_roles
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect
from resources.twilio_lookup_client import VENDOR as TWILIO_LOOKUP

Connection = psycopg.Connection[Any]

OLDEST_POSTGRES = 150_000
_LOW_DISK_BYTES = 2 * 1024**3
_MAX_SKEW_SECONDS = 5.0
_AGAIN = "Put the other findings right first, then run this again."
_PACKAGES = ("dagster", "dbt-core", "pandera", "great-expectations", "aiohttp", "psycopg")


def examine(platform: Platform) -> list[Finding]:
    """Every finding; one that cannot be made is a failure of its own, not of the rest."""
    checks: tuple[Callable[[Platform], Finding], ...] = (
        _database,
        _migrations,
        _pooler,
        _roles,
        _clock,
        _disk,
        _files,
        _versions,
        _twilio_lookup,
    )
    return [_made(check, platform) for check in checks]


def _made(check: Callable[[Platform], Finding], platform: Platform) -> Finding:
    name = check.__name__.strip("_")
    try:
        return check(platform)
    except BulkLookupError as error:
        return Finding(name, "fail", error.message, error.fix or _AGAIN)
    except (psycopg.Error, OSError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        return Finding(name, "fail", redact_text(first), _AGAIN)


def _open(platform: Platform) -> Connection:
    return connect(platform.dsn, autocommit=True, name="bulk-lookup doctor")


def _database(platform: Platform) -> Finding:
    with _open(platform) as conn:
        number = conn.info.server_version
    kind = "embedded" if platform.embedded is not None else "external"
    detail = f"PostgreSQL {number // 10000}.{number % 10000}, {kind}"
    if number < OLDEST_POSTGRES:
        return Finding("database", "fail", detail, "Use PostgreSQL 15 or newer.")
    return Finding("database", "ok", detail)


def _migrations(platform: Platform) -> Finding:
    current, latest = migrate.current(platform.migration_dsn), migrate.latest()
    if current != latest:
        detail = f"the schema is at {current}, the code at {latest}"
        return Finding("migrations", "fail", detail, "Run: bulk-lookup db upgrade.")
    return Finding("migrations", "ok", f"at {current}")


def _pooler(platform: Platform) -> Finding:
    """A session must stay one: claims hang on a session lock."""
    with _open(platform) as conn:
        key = (7301, conn.info.backend_pid % 2**31)
        conn.execute("SELECT pg_advisory_lock(%s, %s)", key)
        pids = {conn.execute("SELECT pg_backend_pid()").fetchall()[0][0] for _ in range(5)}
        held = conn.execute("SELECT pg_advisory_unlock(%s, %s)", key).fetchall()[0][0]
    if len(pids) > 1 or not held:
        return Finding(
            "pooler",
            "fail",
            "statements of one session reach different backends: a transaction pooler",
            "Point DATABASE_URL at the server itself, or at a session pool.",
        )
    return Finding("pooler", "ok", "sessions are direct")


def _roles(platform: Platform) -> Finding:
    if separated_roles(platform.dsn):
        return Finding("roles", "ok", "the application does not own its tables")
    return Finding(
        "roles",
        "warn",
        "everything runs on one role, which could change the ledger's rules",
        "Run: bulk-lookup db provision ADMIN_URL.",
    )


def _clock(platform: Platform) -> Finding:
    with _open(platform) as conn:
        before = datetime.now(UTC)
        (theirs,) = conn.execute("SELECT clock_timestamp()").fetchall()[0]
        ours = before + (datetime.now(UTC) - before) / 2
    skew = abs((theirs - ours).total_seconds())
    if skew > _MAX_SKEW_SECONDS:
        detail = f"this machine and the database differ by {skew:.1f} s"
        return Finding("clock", "warn", detail, "Synchronise both with NTP.")
    return Finding("clock", "ok", f"{skew:.2f} s apart")


def _disk(platform: Platform) -> Finding:
    free = shutil.disk_usage(platform.environment.home).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < _LOW_DISK_BYTES:
        return Finding("disk", "warn", detail, "Make room, or move BULK_LOOKUP_HOME.")
    return Finding("disk", "ok", detail)


def _files(platform: Platform) -> Finding:
    count = len(open_files(platform.environment).listed(INBOX))
    return Finding("files", "ok", f"{count:,} in the inbox of {platform.environment.files_url}")


def _versions(_platform: Platform) -> Finding:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    python = ".".join(map(str, sys.version_info[:3]))
    return Finding("versions", "ok", f"Python {python}, Twilio Lookup v2, {packages}")


def _twilio_lookup(platform: Platform) -> Finding:
    with _open(platform) as conn:
        settings = load_settings(conn)
    return asyncio.run(look_at(platform.environment, settings, TWILIO_LOOKUP)).finding
