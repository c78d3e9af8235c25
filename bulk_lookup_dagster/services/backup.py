"""Backup and restore of both databases, by PostgreSQL's own programs.

Belongs here: the folder a backup is, and what must be true before one is restored. Does not: the
secret key, which is kept apart, files (uploads, exports), marts, which are built again.

A restored platform does not know what was bought after its backup. It therefore starts with every
provider paused; claims that were open become unknown, as after a crash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from psycopg.conninfo import conninfo_to_dict

from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.errors import ConfigError, InputError, StorageError
from bulk_lookup_dagster.core.vendor_settings import ProviderSettings
from bulk_lookup_dagster.engine.operator import pause_provider
from bulk_lookup_dagster.services.instance import Platform, key_fingerprint, reach, stored_key
from bulk_lookup_dagster.storage import migrate, roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.postgres_binaries import account, find_binaries

_MANIFEST = "manifest.json"
_FORMAT = 1
_DUMPS = ("platform.dump", "dagster.dump")
_DUMP = (
    "pg_dump",
    "--format=custom",
    "--no-owner",
    "--no-privileges",
    *(f"--exclude-schema={schema}" for schema in roles.MART_SCHEMAS),
)
_LOAD = ("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
_NAMES = ("host", "port", "user", "password", "sslmode", "sslrootcert")
_VARIABLES = {**{name: f"PG{name.upper()}" for name in _NAMES}, "dbname": "PGDATABASE"}
_TABLES = """
    SELECT count(*) FROM pg_tables WHERE schemaname <> ALL (%s)
"""
_NOT_OURS = ["pg_catalog", "information_schema", *roles.MART_SCHEMAS]
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('restored from a backup')"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: `sha256` by file, the key's fingerprint in hex, times in UTC."""

    format: int
    taken_at: str
    environment: str
    revision: str
    key_fingerprint: str
    sha256: Mapping[str, str]


def back_up(platform: Platform, folder: Path) -> Manifest:
    """Write a backup to a new folder; it is there complete or not at all."""
    if folder.exists():
        raise InputError(f"{folder} exists already.", fix="Name a folder that does not.")
    building = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    try:
        taken_at = datetime.now(UTC)
        for name, dsn in zip(_DUMPS, (platform.migration_dsn, platform.dagster_dsn), strict=True):
            _run(
                platform.environment,
                dsn,
                [*_DUMP, f"--file={building / name}"],
            )
        manifest = Manifest(
            format=_FORMAT,
            taken_at=taken_at.isoformat(timespec="seconds"),
            environment=platform.environment.name,
            revision=migrate.latest(),
            key_fingerprint=key_fingerprint(platform.secret_key).hex(),
            sha256={name: _sha256(building / name) for name in _DUMPS},
        )
        (building / _MANIFEST).write_bytes(
            orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2)
        )
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def restore(environment: Environment, folder: Path, *, actor: str) -> Manifest:
    """Fill empty databases from a backup and pause every provider.

    Raises `InputError` where the folder is no whole backup, `ConfigError` where key, environment
    or databases do not fit it; nothing is changed then.
    """
    manifest = _read(folder)
    _refuse_unfit(environment, manifest)
    environment.home.mkdir(parents=True, exist_ok=True, mode=0o711)
    addresses, _ = reach(environment)
    targets = (addresses.migration, addresses.dagster)
    for dsn in targets:
        _refuse_full(dsn)
    for name, dsn in zip(_DUMPS, targets, strict=True):
        _run(
            environment,
            dsn,
            [*_LOAD, f"--dbname={conninfo_to_dict(dsn)['dbname']}", str(folder / name)],
        )
    migrate.upgrade(addresses.migration)
    with connect(addresses.platform, autocommit=True, name="bulk-lookup restore") as conn:
        reason = f"restored from the backup of {manifest.taken_at}; later purchases are unknown"
        for provider in ProviderSettings.model_fields:
            pause_provider(conn, provider, actor=actor, reason=reason)
        conn.execute(_DIRTY)
    return manifest


def _read(folder: Path) -> Manifest:
    again = "Use another backup: this one is damaged or not complete."
    try:
        manifest = Manifest(**orjson.loads((folder / _MANIFEST).read_bytes()))
    except FileNotFoundError:
        raise InputError(
            f"{folder} is no backup: it has no {_MANIFEST}.", fix="Name a folder made by backup."
        ) from None
    except (ValueError, TypeError):
        raise InputError(f"{folder / _MANIFEST} is damaged.", fix=again) from None
    if manifest.format != _FORMAT:
        raise InputError(
            f"{folder} has format {manifest.format}, this program reads {_FORMAT}.",
            fix="Use the version of Bulk Lookup that wrote it.",
        )
    for name in _DUMPS:
        path = folder / name
        if not path.is_file() or _sha256(path) != manifest.sha256.get(name):
            raise InputError(f"{path} is missing or damaged.", fix=again)
    return manifest


def _refuse_unfit(environment: Environment, manifest: Manifest) -> None:
    if environment.name != manifest.environment:
        raise ConfigError(
            f"The backup is of environment {manifest.environment!r}, not {environment.name!r}.",
            fix=f"Set BULK_LOOKUP_ENV={manifest.environment}.",
        )
    key = stored_key(environment)
    if key is None or key_fingerprint(key).hex() != manifest.key_fingerprint:
        raise ConfigError(
            "The backup was made with another secret key than the one here."
            if key
            else "The secret key is missing; a backup holds none.",
            fix=f"Put the key back as {environment.home / 'secret.key'}, or set"
            " BULK_LOOKUP_SECRET_KEY.",
        )


def _refuse_full(dsn: str) -> None:
    with connect(dsn, name="bulk-lookup restore") as conn:
        row = conn.execute(_TABLES, (_NOT_OURS,)).fetchone()
        if row and row[0]:
            raise ConfigError(
                f"The database {conn.info.dbname!r} is not empty.",
                fix="Restore into a new BULK_LOOKUP_HOME, or into new, empty databases.",
            )


def _run(environment: Environment, dsn: str, command: list[str]) -> None:
    """Run one of PostgreSQL's programs; what connects it stays out of the process list."""
    options = conninfo_to_dict(dsn)
    connection = {
        variable: str(options[name]) for name, variable in _VARIABLES.items() if options.get(name)
    }
    program = find_binaries(account(), environment.pg_bin) / command[0]
    done = subprocess.run(
        [str(program), *command[1:]],
        env={**os.environ, **connection},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise StorageError(
            f"{command[0]} failed: {said[-1] if said else 'it said nothing'}",
            fix="Its version must be the server's or newer: PG_BIN names another folder.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
