"""The dashboard's figures: a handful of bounded statements over schema `marts`, nothing else.

Belongs here: which marts a figure comes from, and its words. Does not: drawing (`web.charts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.web import charts
from bulk_lookup_dagster.web.lookups import is_built, read_latest
from bulk_lookup_dagster.web.reading import read_together
from bulk_lookup_dagster.web.scorecard import Scorecard, read_scorecard

_STATS = """
    SELECT s.*, p.*,
           (SELECT coalesce(sum(due_again_count), 0)::bigint FROM marts.mart_failures) AS due
      FROM marts.dashboard_stats s
     CROSS JOIN (
        SELECT count(*) AS plans, count(*) FILTER (WHERE is_within_range) AS plans_within_range,
               sum(cost_micros)::bigint AS plans_cost_micros,
               sum(estimated_micros)::bigint AS plans_estimated_micros, max(as_of) AS plans_as_of
          FROM marts.mart_plan_accuracy WHERE plan_state IN ('done', 'expired')) p
"""
_CARRIERS = "SELECT * FROM marts.mart_top_carriers ORDER BY position LIMIT 10"
_DAILY = """
    SELECT day, operation, sum(answered_count)::bigint AS answered, max(as_of) AS as_of
      FROM marts.fct_lookups_daily
     WHERE day > (SELECT max(day) FROM marts.fct_lookups_daily) - 30
     GROUP BY day, operation ORDER BY day, operation LIMIT 600
"""
_REJECTS = """
    SELECT reason, sum(reject_count)::bigint AS rejects, max(as_of) AS as_of
      FROM marts.mart_rejects_by_reason GROUP BY reason ORDER BY rejects DESC, reason LIMIT 20
"""
_COSTS = """
    SELECT provider, operation, answered_count, held_count, cost_micros, as_of
      FROM marts.fct_provider_costs ORDER BY cost_micros DESC, provider, operation LIMIT 20
"""
_CALLS = """
    SELECT provider, endpoint, sum(request_count)::bigint AS requests,
           sum(request_count) FILTER (WHERE error_class <> 'none')::bigint AS failed,
           max(p95_ms) AS p95_ms, max(slowest_ms) AS slowest_ms, max(as_of) AS as_of
      FROM marts.fct_provider_requests
     GROUP BY provider, endpoint ORDER BY requests DESC, provider, endpoint LIMIT 20
"""
_UPLOADS = "SELECT * FROM marts.mart_upload_summary ORDER BY upload_id DESC LIMIT 10"
_FAILURES = "SELECT * FROM marts.mart_failures ORDER BY claim_count DESC LIMIT 10"
# Counters of `dashboard_stats` whose source a platform may not have: their 0 is not shown as one.
_LATER = (
    ("Contacts in Trust Hub", ("trust_hub_verified", "trust_hub_pending", "trust_hub_rejected")),
    ("Matching of contacts", ("duplicate_groups", "duplicate_contacts")),
    ("Quality", ("quality_high", "quality_medium", "quality_low")),
    ("CRM", ("crm_synced", "crm_failed")),
    ("Messages", ("messages_sent", "messages_delivered", "messages_replied")),
    ("Calls", ("calls_made", "calls_answered")),
    ("Opt-outs", ("opt_outs",)),
)

_LINES = (
    ("Mobile", "line_mobile"),
    ("Landline", "line_landline"),
    ("VoIP", "line_voip"),
    ("Toll-free", "line_toll_free"),
    ("Personal", "line_personal"),
    ("Premium", "line_premium"),
    ("Voicemail", "line_voicemail"),
    ("Shared cost", "line_shared_cost"),
    ("UAN", "line_uan"),
    ("Pager", "line_pager"),
    ("Other", "line_other"),
    ("Carrier: unknown", "line_unknown"),
    ("Not known", "line_not_known"),
)
_STATUS = (
    ("Complete", "contacts_complete", "teal"),
    ("Partial", "contacts_partial", "amber"),
    ("In progress", "contacts_in_progress", "blue"),
    ("Blocked", "contacts_blocked", "red"),
    ("To be approved", "contacts_waiting_approval", "violet"),
    ("New", "contacts_new", "grey"),
)
_RISK = (
    ("Low", "risk_low", "teal"),
    ("Medium", "risk_medium", "amber"),
    ("High", "risk_high", "red"),
    ("Unknown", "risk_unknown", "grey"),
)
_KINDS = (
    ("Business", "kind_business", "violet"),
    ("Consumer", "kind_consumer", "blue"),
    ("Unknown", "kind_unknown", "grey"),
)


@dataclass(frozen=True)
class Figure:
    """One chart with the same numbers as a table beside it."""

    slug: str
    title: str
    note: str
    headers: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    svg: str
    as_of: datetime


@dataclass(frozen=True)
class Dashboard:
    """Everything the page shows."""

    stats: Mapping[str, Any]
    figures: Sequence[Figure]
    costs: Sequence[Mapping[str, Any]]
    calls: Sequence[Mapping[str, Any]]
    uploads: Sequence[Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]]
    lookups: Sequence[Mapping[str, Any]]
    later: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    scorecard: Scorecard


def read_dashboard(conn: psycopg.Connection[Any]) -> Dashboard | None:
    """The figures of the last build; None before the first one, or when it had nothing to show."""
    stats = read_together(conn, _STATS)[0][0] if is_built(conn) else None
    if stats is None or not (stats["uploads"] or stats["requests"]):
        return None
    carriers, daily, rejects, costs, calls, uploads, failures = read_together(
        conn, _CARRIERS, _DAILY, _REJECTS, _COSTS, _CALLS, _UPLOADS, _FAILURES
    )
    figures = [
        *_counted(stats),
        *_listed(stats, carriers, daily, rejects),
        _spent(stats, costs),
    ]
    later = [(name, _collected(stats, columns)) for name, columns in _LATER]
    latest = read_latest(conn).rows
    scorecard = read_scorecard(conn)
    return Dashboard(stats, figures, costs, calls, uploads, failures, latest, later, scorecard)


def _collected(stats: Mapping[str, Any], columns: Sequence[str]) -> list[tuple[str, int]]:
    """The counters of one source; none while all are 0, for then nothing was collected."""
    counted = [(name.replace("_", " "), stats[name]) for name in columns]
    return counted if any(value for _, value in counted) else []


def _counted(stats: Mapping[str, Any]) -> list[Figure]:
    """Figures whose numbers are columns of `dashboard_stats`."""
    status = [(label, stats[name], color) for label, name, color in _STATUS]
    lines = [(label, stats[name], "blue") for label, name in _LINES if stats[name]]
    risk = [(label, stats[name], color) for label, name, color in _RISK]
    kinds = [(label, stats[name], color) for label, name, color in _KINDS]
    voip = f"VoIP = {stats['line_fixed_voip']:,} fixed + {stats['line_non_fixed_voip']:,} non-fixed"
    return [
        _bars(stats, "status", "Status of contacts", "How far each contact has come", status),
        _bars(stats, "risk", "SMS pumping risk", "Unknown is never counted as low", risk),
        _bars(stats, "kinds", "Kinds of contacts", "As the caller's name is registered", kinds),
        _bars(stats, "lines", "Line types", voip, lines),
    ]


def _bars(
    stats: Mapping[str, Any], slug: str, title: str, note: str, rows: Sequence[tuple[str, int, str]]
) -> Figure:
    svg = charts.bars(
        [{"label": label, "value": value} for label, value, _ in rows],
        "label",
        "value",
        colors=[color for *_, color in rows] or ("blue",),
    )
    table = [(label, value) for label, value, _ in rows]
    return Figure(slug, title, note, (title, "Contacts"), table, svg, stats["as_of"])


def _listed(
    stats: Mapping[str, Any],
    carriers: Sequence[Mapping[str, Any]],
    daily: Sequence[Mapping[str, Any]],
    rejects: Sequence[Mapping[str, Any]],
) -> list[Figure]:
    """Figures whose numbers are rows of a mart."""
    reasons = _spelled(rejects, "reason")
    days = [{**row, "on": f"{row['day']:%b %d}"} for row in _spelled(daily, "operation")]
    return [
        Figure(
            "carriers",
            "Top carriers",
            "Distinct numbers",
            ("Carrier", "Numbers"),
            [(row["carrier_name"], row["number_count"]) for row in carriers],
            charts.bars(carriers, "carrier_name", "number_count", colors=("violet",)),
            _as_of(carriers, stats),
        ),
        Figure(
            "rejects",
            "Rejects by reason",
            f"{stats['rejects']:,} of {stats['upload_rows']:,} rows",
            ("Reason", "Rows"),
            [(row["words"], row["rejects"]) for row in reasons],
            charts.bars(reasons, "words", "rejects", colors=("red",)),
            _as_of(rejects, stats),
        ),
        Figure(
            "daily",
            "Look-ups per day",
            "Answers by package, last 30 days with any",
            ("Day", "Package", "Answers"),
            [(row["day"], row["words"], row["answered"]) for row in days],
            charts.columns(days, "on", "words", "answered"),
            _as_of(daily, stats),
        ),
    ]


def _spent(stats: Mapping[str, Any], costs: Sequence[Mapping[str, Any]]) -> Figure:
    rows = [
        {**row, "usd": row["cost_micros"] / 1e6}
        for row in _spelled(costs, "operation")
        if row["cost_micros"]
    ]
    return Figure(
        "costs",
        "Cost per package",
        "Dollars, everything ever spent",
        ("Package", "Cost"),
        [(row["words"], format_usd(row["cost_micros"])) for row in rows],
        charts.bars(rows, "words", "usd", colors=("teal",)),
        _as_of(costs, stats),
    )


def _spelled(rows: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{**row, "words": row[name].replace("_", " ")} for row in rows]


def _as_of(rows: Sequence[Mapping[str, Any]], stats: Mapping[str, Any]) -> datetime:
    moment: datetime = rows[0]["as_of"] if rows else stats["as_of"]
    return moment
