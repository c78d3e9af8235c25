"""Health and metrics: what a load balancer and Prometheus ask.

Belongs here: /health/live, /health/ready, /metrics. Does not: advice (`bulk-lookup doctor`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.web.guard import is_local
from bulk_lookup_dagster.web.state import state_of

router = APIRouter()

_REVISION = "SELECT version_num AS revision FROM alembic_version"
_MARTS = """
    SELECT * FROM marts.dashboard_stats,
           LATERAL (SELECT extract(epoch FROM as_of) AS built_at) built
"""
_BUILT = "SELECT to_regclass('marts.dashboard_stats') IS NOT NULL AS built"
_OPS = """
    SELECT (SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL) AS marts_waiting,
           (SELECT count(*) FROM ops.provider_states WHERE state <> 'active') AS providers_stopped,
           (SELECT count(*) FROM ops.breakers WHERE state = 'open') AS breakers_open,
           (SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL) AS quarantined,
           (SELECT count(*) FROM ledger.plans WHERE state = 'waiting_approval') AS plans_waiting
"""
_GROUPS = ("contacts", "validity", "line", "risk", "kind", "lookups")


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers; nothing else is looked at."""
    return {"status": "alive"}


@router.get("/health/ready")
def ready(request: Request) -> JSONResponse:
    """Whether the database answers and has our schema; the reason only to an operator."""
    state = state_of(request)
    try:
        with state.database.reading() as conn:
            found = conn.execute(_REVISION).fetchone()
        problem = "" if found == (migrate.latest(),) else "The schema is not of this program."
    except (StorageError, psycopg.Error) as error:
        problem = error.message if isinstance(error, StorageError) else type(error).__name__
    body = {"status": "not ready" if problem else "ready"}
    if problem and state.guard.is_operator(request):
        body["reason"] = problem
    return JSONResponse(body, status_code=503 if problem else 200)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Gauges of the last marts build and of what waits for a person."""
    state = state_of(request)
    if not is_local(request):
        state.guard.require_operator(request)
    with state.database.reading() as conn, conn.cursor(row_factory=dict_row) as cursor:
        built = cursor.execute(_BUILT).fetchone()
        stats = cursor.execute(_MARTS).fetchone() if built and built["built"] else None
        now = cursor.execute(_OPS).fetchone()
    return Response(_exposition(stats or {}, now or {}), media_type=CONTENT_TYPE_LATEST)


def _exposition(stats: Mapping[str, Any], now: Mapping[str, Any]) -> bytes:
    registry = CollectorRegistry()
    grouped = {
        group: Gauge(
            f"bulk_lookup_{group}", f"By {group}, from the marts.", ["is"], registry=registry
        )
        for group in _GROUPS
    }
    for name, value in stats.items():
        group, _, word = name.partition("_")
        if name == "as_of":
            continue
        if group in grouped and word:
            grouped[group].labels(word).set(value)
        elif name in _PLAIN:
            Gauge(f"bulk_lookup_{name}", _PLAIN[name], registry=registry).set(value)
    for name, value in now.items():
        Gauge(f"bulk_lookup_{name}", "Now, from the database.", registry=registry).set(value)
    return generate_latest(registry)


_PLAIN = {
    "numbers": "Distinct numbers of published batches.",
    "uploads": "Uploads shown in the marts.",
    "rejects": "Refused rows.",
    "requests": "HTTP exchanges with vendors.",
    "requests_failed": "Exchanges that ended in an error.",
    "cost_micros": "Micro-dollars spent.",
    "saved_micros": "Micro-dollars not spent.",
    "built_at": "When the marts were built, in epoch seconds.",
}
