"""Rows the engine needs before it can buy: subjects, prices, an approved plan.

Belongs here: set-up by SQL for engine and fault tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import psycopg

from bulk_lookup_dagster.engine.pricing import Price, load_price_list
from bulk_lookup_dagster.engine.step import Scope, Step
from tests.fakes.provider import CALLER_NAME, LINE_TYPE

PRICE_LIST = "test-1"
PRICES = {LINE_TYPE: 8_000, CALLER_NAME: 10_000}

ALL_PHONES = Scope("all", {})


def step(*operations: str, provider: str = "twilio_lookup") -> Step:
    """A step that asks `operations` of every phone subject."""
    names = ", ".join(f"('{name}')" for name in operations or (LINE_TYPE,))
    return Step(
        name="phone_lookups",
        subject_kind="phone",
        table="enrichment.phone_lookups",
        questions_sql=f"""
            SELECT s.subject_id, s.value, s.region, '{provider}'::text AS provider,
                   o.name AS operation, '{{}}'::jsonb AS params, ''::bytea AS params_hash
              FROM intake.subjects s CROSS JOIN (VALUES {names}) AS o (name)
             WHERE s.kind = 'phone'
        """,
    )


def add_subjects(
    conn: psycopg.Connection[Any], count: int, regions: Sequence[str] = ("US",)
) -> list[int]:
    """Phone subjects with made-up values; returns their ids."""
    rows = conn.execute(
        """
        INSERT INTO intake.subjects (kind, value, value_hmac, region)
        SELECT 'phone', '+1415' || lpad(n::text, 7, '0'), sha256(n::text::bytea),
               (%s::text[])[1 + n %% %s]
          FROM generate_series((SELECT count(*) FROM intake.subjects) + 1,
                               (SELECT count(*) FROM intake.subjects) + %s) n
        RETURNING subject_id
        """,
        (list(regions), len(regions), count),
    ).fetchall()
    return [row[0] for row in rows]


def add_plan(
    conn: psycopg.Connection[Any],
    *,
    cap_micros: int | None = None,
    state: str = "approved",
    prices: Mapping[str, int] = PRICES,
    regional: Mapping[str, Mapping[str, int]] | None = None,
    version: str = PRICE_LIST,
    providers: Sequence[str] = ("twilio_lookup",),
) -> int:
    """A plan over everything under a price list; returns its id."""
    day = date(2026, 11, 1)
    rows = [
        Price(provider, name, micros, "test", day)
        for provider in providers
        for name, micros in prices.items()
    ]
    for region, of_region in (regional or {}).items():
        rows += [
            Price("twilio_lookup", name, micros, "test", day, region)
            for name, micros in of_region.items()
        ]
    load_price_list(conn, version, day, rows)
    approved = state == "approved"
    row = conn.execute(
        """
        INSERT INTO ledger.plans
               (state, kind, scope, estimate, price_list_version, cap_micros, approved_by,
                approved_at, expires_at)
        VALUES (%s, 'bench', '{}', '{}', %s, %s, %s, CASE WHEN %s THEN now() END,
                now() + interval '7 days')
        RETURNING plan_id
        """,
        (state, version, cap_micros, "test" if approved else None, approved),
    ).fetchone()
    assert row is not None
    return int(row[0])


def add_run(conn: psycopg.Connection[Any], plan_id: int) -> int:
    """A run of a plan; returns its id."""
    row = conn.execute(
        "INSERT INTO ledger.runs (kind, plan_id, step) VALUES ('batch', %s, 'x') RETURNING run_id",
        (plan_id,),
    ).fetchone()
    assert row is not None
    return int(row[0])
