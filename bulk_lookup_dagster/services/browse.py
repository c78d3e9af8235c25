"""Pages of what operators look through: uploads, rejects, plans. Every read is bounded (F60).

Belongs here: keyset-paged reads for pages and API. Does not: figures (the marts), changes (the
use case's own module).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

PAGE = 50

_UPLOADS = """
    SELECT u.upload_id, u.state, u.file_name, u.received_at, u.loaded_at, u.row_count,
           u.contact_count, u.new_contact_count, u.reject_count, u.refusal_message,
           b.batches, b.published, p.plan_id, p.plan_state
      FROM intake.uploads u
      LEFT JOIN LATERAL (SELECT count(*) AS batches,
                                count(*) FILTER (WHERE state = 'published') AS published
                           FROM intake.batches b WHERE b.upload_id = u.upload_id) b ON true
      LEFT JOIN LATERAL (SELECT plan_id, state AS plan_state FROM ledger.plans p
                          WHERE p.upload_id = u.upload_id ORDER BY plan_id DESC LIMIT 1) p ON true
     WHERE u.upload_id < %(before)s ORDER BY u.upload_id DESC LIMIT %(limit)s
"""
_UPLOAD = """
    SELECT upload_id, state, file_name, received_at, row_count, reject_count
      FROM intake.uploads WHERE upload_id = %(upload_id)s
"""
_REJECTS = """
    SELECT row_number, reason, detail, left(original, 500) AS original,
           length(original) > 500 AS cut
      FROM intake.rejects WHERE upload_id = %(upload_id)s AND row_number > %(after)s
     ORDER BY row_number LIMIT %(limit)s
"""
_PLANS = """
    SELECT p.plan_id, p.state, p.kind, p.upload_id, p.created_at, p.approved_at, p.approved_by,
           p.expires_at, p.cap_micros, p.estimate, b.spent_micros, b.reserved_micros
      FROM ledger.plans p
      LEFT JOIN ledger.budgets b ON b.scope = 'plan' AND b.key = p.plan_id::text
"""
_LIST = f"{_PLANS} WHERE p.plan_id < %(before)s ORDER BY p.plan_id DESC LIMIT %(limit)s"
_ONE = f"{_PLANS} WHERE p.plan_id = %(plan_id)s"

_NEWEST = 2**62


@dataclass(frozen=True)
class Page:
    """Some rows, and the key that continues after them (None: there are no more)."""

    rows: list[dict[str, Any]]
    next_key: int | None


def list_uploads(conn: psycopg.Connection[Any], before: int | None = None) -> Page:
    """Uploads, newest first."""
    return _page(conn, _UPLOADS, {"before": before or _NEWEST}, "upload_id")


def find_upload(conn: psycopg.Connection[Any], upload_id: int) -> Mapping[str, Any] | None:
    """One upload; None when there is none."""
    return _one(conn, _UPLOAD, {"upload_id": upload_id})


def list_rejects(conn: psycopg.Connection[Any], upload_id: int, after: int = 0) -> Page:
    """Refused rows of an upload in file order; long originals are cut and say so."""
    return _page(conn, _REJECTS, {"upload_id": upload_id, "after": after}, "row_number")


def list_plans(conn: psycopg.Connection[Any], before: int | None = None) -> Page:
    """Plans, newest first, with what was spent under each."""
    return _page(conn, _LIST, {"before": before or _NEWEST}, "plan_id")


def find_plan(conn: psycopg.Connection[Any], plan_id: int) -> Mapping[str, Any] | None:
    """One plan; None when there is none."""
    return _one(conn, _ONE, {"plan_id": plan_id})


def _page(conn: psycopg.Connection[Any], query: str, parameters: dict[str, Any], key: str) -> Page:
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query.encode(), {**parameters, "limit": PAGE + 1}).fetchall()
    rows = found[:PAGE]
    return Page(rows, rows[-1][key] if len(found) > PAGE else None)


def _one(
    conn: psycopg.Connection[Any], query: str, parameters: dict[str, Any]
) -> Mapping[str, Any] | None:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchone()
