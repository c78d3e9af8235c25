"""The dbt project on disk, and whether the database was built with it as it is now.

Belongs here: its files, its fingerprint, its views. Does not: calling dbt (`services.marts`).
"""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import psycopg

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
_SOURCES = ("dbt_project.yml", "profiles.yml", "models", "macros", "tests")
_MISSING_VIEWS = """
    SELECT count(*) FROM unnest(%s::text[], %s::text[]) AS wanted (schema_name, view_name)
     WHERE NOT EXISTS (SELECT FROM pg_views v
                        WHERE (v.schemaname, v.viewname) = (wanted.schema_name, wanted.view_name))
"""


def source_files() -> list[Path]:
    """The models and all they are made with, in one order everywhere."""
    found = (path for name in _SOURCES for path in (PROJECT / name, *(PROJECT / name).rglob("*")))
    return sorted(path for path in found if path.is_file())


def fingerprint(timezone: str) -> bytes:
    """What decides the rows a model makes: its files, dbt, and where a business day begins."""
    digest = sha256(f"{version('dbt-core')} {version('dbt-postgres')} {timezone}".encode())
    for path in source_files():
        digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0")
        digest.update(sha256(path.read_bytes()).digest())
    return digest.digest()


def has_views(conn: psycopg.Connection[Any], manifest: Path) -> bool:
    """Whether every view of the manifest is in the database."""
    views = [
        node
        for node in orjson.loads(manifest.read_bytes())["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "view"
    ]
    names = [[view[key] for view in views] for key in ("schema", "alias")]
    return bool(conn.execute(_MISSING_VIEWS, names).fetchall()[0][0] == 0)
