"""Matching as a use case: the model under today's settings, a run, golden contacts, scores.

Belongs here: what Dagster and the command line call, in this order. Does not: matching itself
(`matching`), decisions of people (`services.merges`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.settings import MatchingSettings
from bulk_lookup_dagster.matching import decisions
from bulk_lookup_dagster.matching.golden import build_golden, note_answers
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.model import Model
from bulk_lookup_dagster.matching.quality import score_golden
from bulk_lookup_dagster.services.settings import load_settings

Connection = psycopg.Connection[Any]

_LAST: LiteralString = """
    SELECT model_version FROM matching.runs WHERE state = 'done' AND kind <> 'shadow'
     ORDER BY run_id DESC LIMIT 1
"""
_COUNT: LiteralString = """
    WITH clusters AS (
        SELECT count(*) AS size FROM matching.memberships WHERE ended_at IS NULL GROUP BY golden_id
    ), figures AS (
        SELECT coalesce(max(size), 0) AS largest_cluster, coalesce(sum(size), 0) AS contacts,
               count(*) AS golden_contacts,
               coalesce(sum(size) FILTER (WHERE size > 1) / sum(size), 0) AS merged_share
          FROM clusters
    )
    UPDATE matching.runs SET counts = counts || to_jsonb(figures) FROM figures
     WHERE run_id = (SELECT max(run_id) FROM matching.runs WHERE state = 'done')
"""
_FIGURES: LiteralString = """
    SELECT counts ->> 'largest_cluster', counts ->> 'contacts', counts ->> 'golden_contacts',
           counts ->> 'merged_share'
      FROM matching.runs WHERE state = 'done' AND kind <> 'shadow' AND counts ? 'merged_share'
     ORDER BY run_id DESC LIMIT 2
"""


@dataclass(frozen=True)
class Figures:
    """The clusters after the last run. Shares are of contacts, `before` after the run before it."""

    largest_cluster: int
    contacts: int
    golden_contacts: int
    merged_share: float
    before: float | None


def put_in_force(conn: Connection, settings: MatchingSettings) -> Model:
    """The active model under the settings' thresholds, as a version of its own where they differ.

    Events name the version, so that a merge can be explained after the settings have changed.
    """
    from bulk_lookup_dagster.matching.runs import active_model  # brings DuckDB along

    active = active_model(conn)
    wanted = _with_settings(_base(conn, active), settings)
    if wanted.version != active.version:
        conn.execute(
            "INSERT INTO matching.model_versions (model_version, document, state)"
            " VALUES (%s, %s, 'shadow') ON CONFLICT DO NOTHING",
            (wanted.version, wanted.model_dump_json()),
        )
        conn.execute(
            "UPDATE matching.model_versions SET state = 'retired' WHERE model_version = %s",
            (active.version,),
        )
        conn.execute(
            "UPDATE matching.model_versions SET state = 'active', activated_at = now()"
            " WHERE model_version = %s",
            (wanted.version,),
        )
    return wanted


def _base(conn: Connection, active: Model) -> Model:
    """The model without the settings' mark."""
    name = active.version.partition("+")[0]
    row = conn.execute(
        "SELECT document FROM matching.model_versions WHERE model_version = %s", (name,)
    ).fetchone()
    return Model.model_validate(row[0]) if row else active


def _with_settings(base: Model, settings: MatchingSettings) -> Model:
    own = base.thresholds
    said = {"auto": settings.auto_bits, "review": settings.review_bits}
    changed = {name: value for name, value in said.items() if value is not None}
    if not settings.automatic:
        changed["automatic"] = False
    wanted = own.model_copy(update=changed)
    if wanted == own:
        return base
    mark = f"{wanted.auto:g}/{wanted.review:g}" + ("" if wanted.automatic else "/off")
    version = f"{base.version[:38]}+{mark}"
    return base.model_copy(update={"version": version, "thresholds": wanted})


def run_matching(conn: Connection, *, actor: str = "system") -> dict[str, int]:
    """Match new and stale contacts; all of them where the thresholds are not the last run's.

    A run that fails changes nothing and leaves an event that says so.
    """
    from bulk_lookup_dagster.matching.full import run_full
    from bulk_lookup_dagster.matching.incremental import run_incremental

    try:
        with alone(conn):
            model = put_in_force(conn, load_settings(conn).matching)
            last = conn.execute(_LAST).fetchone()
            changed = last is not None and last[0] != model.version
            counts = (run_full if changed else run_incremental)(conn, actor=actor)
            conn.execute(_COUNT)
    except psycopg.Error as error:
        reason = f"matching run: {type(error).__name__}"
        decisions.add_event(conn, "fail", None, {}, {}, actor=actor, reason=reason)
        raise StorageError(
            "The matching run failed; nothing was changed.",
            fix="Run it again: bulk-lookup matching run.",
            code="matching_failed",
        ) from error
    return counts


def build_contacts(conn: Connection, *batch_ids: int) -> int:
    """Build golden contacts that changed or, of these batches, have newer answers; how many."""
    with alone(conn):
        for batch_id in batch_ids:
            note_answers(conn, batch_id)
        return build_golden(conn, load_settings(conn).matching.source_order)


def score_contacts(conn: Connection) -> int:
    """Score golden contacts that were built anew; how many."""
    with alone(conn):
        return score_golden(conn)


def read_figures(conn: Connection) -> Figures:
    """How the last run left the clusters; all is 0 where there was none (F39)."""
    rows = conn.execute(_FIGURES).fetchall()
    if not rows:
        return Figures(0, 0, 0, 0.0, None)
    largest, contacts, golden, share = rows[0]
    before = float(rows[1][3]) if len(rows) > 1 else None
    return Figures(int(largest), int(contacts), int(golden), round(float(share), 6), before)
