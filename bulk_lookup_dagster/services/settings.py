"""Reading and changing the settings document; every version is kept with who and when.

Belongs here: the stored versions. Does not: what a setting means (see `core.settings`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
        try:
            settings = Settings.model_validate(document)
        except ValidationError:
            parent[name] = value
            settings = _validated(document)
        note = f"{path}: {json.dumps(before)} -> {json.dumps(parent[name])}"
        conn.execute(
            "INSERT INTO ops.settings (document, changed_by, note) VALUES (%s::jsonb, %s, %s)",
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
        place = place.get(step) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            known = ".".join(parents[: number + 1])
            raise InputError(
                f"There is no setting {known}.", fix="See them: bulk-lookup settings show."
            )
    return place, name


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _validated(document: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"Setting {where}: {first['msg']}.", fix="See them: bulk-lookup settings show."
        ) from None
