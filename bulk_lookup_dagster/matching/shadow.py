"""Models on trial: what a new one would merge and split, and putting it in force afterwards.

Belongs here: shadow runs and the change of models. Does not: runs that change memberships
(`matching.full`), thresholds of the settings (`services.golden`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.matching import engine, runs
from bulk_lookup_dagster.matching.full import compute
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.model import Model, band_of

Connection = psycopg.Connection[Any]
EXAMPLES = 20

# Memberships as they are beside temporary table `wanted`. A contact no run has seen yet has none.
_COMPARE: LiteralString = """
    CREATE TEMP TABLE compared ON COMMIT DROP AS
    SELECT w.contact_id, w.cluster, m.golden_id FROM wanted w
      JOIN matching.memberships m ON m.contact_id = w.contact_id AND m.ended_at IS NULL
"""
_MERGES: LiteralString = """
    SELECT array_agg(DISTINCT golden_id ORDER BY golden_id) FROM compared
     GROUP BY cluster HAVING count(DISTINCT golden_id) > 1 ORDER BY 1
"""
_SPLITS: LiteralString = """
    SELECT golden_id FROM compared
     GROUP BY golden_id HAVING count(DISTINCT cluster) > 1 ORDER BY 1
"""
_ADD: LiteralString = """
    INSERT INTO matching.model_versions (model_version, document, state)
    VALUES (%s, %s, 'shadow') ON CONFLICT (model_version) DO NOTHING
"""
_STORED: LiteralString = (
    "SELECT document, state FROM matching.model_versions WHERE model_version = %s"
)
_TRIED: LiteralString = (
    "SELECT run_id FROM matching.runs WHERE model_version = %s AND state = 'done' LIMIT 1"
)


@dataclass(frozen=True)
class ShadowReport:
    """What a model would do to golden contacts; the examples are golden ids."""

    run_id: int
    model_version: str
    merges: int
    splits: int
    unchanged: int
    would_merge: tuple[tuple[int, ...], ...]
    would_split: tuple[int, ...]


def run_shadow(conn: Connection, model: Model) -> ShadowReport:
    """Match every contact with a model and report; memberships and pairs stay as they are."""
    with alone(conn), engine.session() as db:
        _keep(conn, model)
        done = compute(conn, db, model, keep_band=False)
        total = engine.number(db, "SELECT count(*) FROM records")
        run = runs.start(conn, "shadow", model, band_of(total))
        runs.send_wanted(conn, db, "SELECT contact_id FROM records", done)
        conn.execute(_COMPARE)
        merges = [tuple(row[0]) for row in conn.execute(_MERGES)]
        splits = [row[0] for row in conn.execute(_SPLITS)]
        touched = {golden_id for merge in merges for golden_id in merge} | set(splits)
        known = conn.execute("SELECT count(DISTINCT golden_id) FROM compared").fetchone()
        unchanged = (known[0] if known else 0) - len(touched)
        counts = {"merges": len(merges), "splits": len(splits), "unchanged": unchanged}
        runs.finish(conn, run, 0, counts)
    return ShadowReport(
        run.run_id, model.version, **counts,
        would_merge=tuple(merges[:EXAMPLES]), would_split=tuple(splits[:EXAMPLES]),
    )  # fmt: skip


def activate(conn: Connection, version: str) -> None:
    """Put a model in force that has run before, in shadow or in earnest; the next run uses it."""
    with alone(conn):
        stored = conn.execute(_STORED, [version]).fetchone()
        if stored is None or conn.execute(_TRIED, [version]).fetchone() is None:
            raise InputError(
                f"Model {version} has not run in shadow.",
                fix="bulk-lookup matching shadow MODEL.json shows what it would merge and split.",
            )
        if stored[1] == "active":
            return
        conn.execute("UPDATE matching.model_versions SET state = 'retired' WHERE state = 'active'")
        conn.execute(
            "UPDATE matching.model_versions SET state = 'active', activated_at = now()"
            " WHERE model_version = %s",
            [version],
        )


def _keep(conn: Connection, model: Model) -> None:
    conn.execute(_ADD, (model.version, model.model_dump_json()))
    stored = conn.execute(_STORED, [model.version]).fetchone()
    if stored and Model.model_validate(stored[0]) != model:
        raise InputError(
            f"Model {model.version} is kept already, with other weights.",
            fix="Give the changed model a version of its own.",
        )
