"""Reading and changing the settings document; every version is kept with who and when.

Belongs here: the stored versions. Does not: what a setting means (see `core.settings`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import getitem
from typing import Any

import psycopg
from pydantic import ValidationError

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.settings import Settings

Connection = psycopg.Connection[Any]

_NEWEST = "SELECT document FROM ops.settings ORDER BY settings_id DESC LIMIT 1"
_HISTORY = """
    SELECT settings_id, changed_at, changed_by, note FROM ops.settings
     ORDER BY settings_id DESC LIMIT %s
"""
_LOCK = 7303


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One change: what (path, old and new value as JSON), who, when."""

    settings_id: int
    changed_at: datetime
    changed_by: str
    note: str


def load_settings(conn: Connection) -> Settings:
    """The document in force; defaults where nothing was ever changed."""
    row = conn.execute(_NEWEST).fetchone()
    return Settings() if row is None else _validated(row[0])


def change_settings(conn: Connection, path: str, value: str, actor: str) -> Settings:
    """Set one field, named like `providers.twilio_lookup.concurrency`.

    `value` is JSON, or text where the field takes text. Runs that start later use it.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        document = load_settings(conn).model_dump(mode="json")
        parent, name = _locate(document, path)
        before = parent.get(name)
        parent[name] = _parsed(value)
        settings = _accepted(document, parent, name, value)
        note = f"{path}: {json.dumps(before)} -> {json.dumps(parent[name])}"
        conn.execute(
            "INSERT INTO ops.settings (document, changed_by, note, changed_at)"
            " VALUES (%s::jsonb, %s, %s, clock_timestamp())",  # now() is before the lock
            (settings.model_dump_json(), actor, note[:500]),
        )
        conn.execute(
            "INSERT INTO ops.audit (actor, action, object) VALUES (%s, 'settings.set', %s)",
            (actor, path[:200]),
        )
    return settings


def settings_history(conn: Connection, limit: int = 100) -> list[SettingsVersion]:
    """The latest changes, newest first."""
    return [SettingsVersion(*row) for row in conn.execute(_HISTORY, (limit,)).fetchall()]


def _locate(document: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, name = path.split(".")
    place: Any = document
    for number, step in enumerate(parents):
        inner = place.get(step)
        if not isinstance(inner, dict):
            raise _unknown(parents[: number + 1], place)
        place = inner
    return place, name


def _unknown(path: Sequence[str], known: Mapping[str, Any]) -> InputError:
    return InputError(f"There is no setting {'.'.join(path)}.", fix=f"One of: {', '.join(known)}.")


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _accepted(
    document: Mapping[str, Any], parent: dict[str, Any], name: str, value: str
) -> Settings:
    """The changed document; a bare 12 or true is text where the field takes only text."""
    try:
        return _validated(document)
    except InputError:
        if not isinstance(parent[name], str | list | dict):
            parent[name] = value
            with suppress(InputError):
                return _validated(document)
        raise


def _validated(document: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            known: Any = Settings().model_dump()
            raise _unknown(path, reduce(getitem, path[:-1], known)) from None
        where = ".".join(path)
        raise InputError(
            f"Setting {where}: {first['msg']}.", fix="See them: bulk-lookup settings show."
        ) from None
