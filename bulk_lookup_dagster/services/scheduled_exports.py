"""Exports that are written by themselves: saved filters over all uploads, kept for some days.

Belongs here: which are due by the settings, their names, removing those past their time. Does not:
when (`schedules`), the writing (`services.exports`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bulk_lookup_dagster.core.errors import BulkLookupError, ConfigError
from bulk_lookup_dagster.core.selection import Selection, parse_condition
from bulk_lookup_dagster.services.exports import Connection, Export, Wish, export_contacts
from bulk_lookup_dagster.services.files import EXPORTS, open_files
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.settings import load_settings

_log = structlog.get_logger(__name__)
_ACTOR = "schedule"
_PAST = """
    SELECT export_id, file_uri FROM ops.exports
     WHERE scheduled AND removed_at IS NULL AND exported_at < now() - %s
     ORDER BY export_id
"""
_REMOVED = "UPDATE ops.exports SET removed_at = now() WHERE export_id = %s"


@dataclass(frozen=True, slots=True)
class Written:
    """What one round did: files by saved filter, errors by saved filter, files removed."""

    exports: Mapping[str, Export]
    failed: Mapping[str, BulkLookupError]
    removed: int


def write_scheduled(conn: Connection, platform: Platform) -> Written:
    """Export every scheduled filter, then remove what is past its time; one failure stops no other.

    Raises `ConfigError` where nothing is scheduled.
    """
    settings = load_settings(conn).exports
    if not settings.scheduled:
        raise nothing_scheduled()
    files = open_files(platform.environment)
    done: dict[str, Export] = {}
    failed: dict[str, BulkLookupError] = {}
    for name in settings.scheduled:
        conditions = tuple(map(parse_condition, settings.saved[name]))
        wish = Wish(
            settings.scheduled_format, selection=Selection(conditions, saved=name), scheduled=True
        )
        try:
            path = f"{EXPORTS}/{_file_name(name, wish.kind)}"
            done[name] = export_contacts(conn, wish, files, path, actor=_ACTOR)
        except BulkLookupError as error:
            _log.warning("scheduled_export_failed", saved=name, error=error.code)
            failed[name] = error
    return Written(done, failed, remove_old_exports(conn, platform))


def remove_old_exports(conn: Connection, platform: Platform) -> int:
    """Remove scheduled files older than `exports.retention_days`; says how many were there."""
    days = timedelta(days=load_settings(conn).exports.retention_days)
    removed = 0
    for export_id, uri in conn.execute(_PAST, (days,)).fetchall():
        folder, _, name = uri.rpartition("/")
        # Where it was written, which need not be where files are written now.
        removed += open_files(platform.environment, folder).remove(name)
        conn.execute(_REMOVED, (export_id,))
    return removed


def nothing_scheduled() -> ConfigError:
    """The error of a round, and the reason of a tick, without any filter to export."""
    return ConfigError(
        "No saved filter is exported by schedule.",
        fix="Name some: bulk-lookup settings set exports.scheduled '[\"NAME\"]'.",
        code="nothing_scheduled",
    )


def _file_name(saved: str, kind: str) -> str:
    return f"{saved}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.{kind}"
