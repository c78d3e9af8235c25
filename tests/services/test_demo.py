"""The demo: the sensors' jobs over a sample, and no second round buys anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from rich.console import Console

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.services import demo_report
from bulk_lookup_dagster.services.demo import DEMO_STEPS, demo_settings, run_demo
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.prices import current_prices
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.steps import BATCH_STEPS, step_named
from bulk_lookup_dagster.services.steps.selection import wanted_offers
from bulk_lookup_dagster.storage.database import connect

_MOMENTS = """
    SELECT table_schema, table_name, array_agg(column_name::text) FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema IN ('intake', 'ledger', 'enrichment', 'ops') AND table_type = 'BASE TABLE'
       AND data_type = 'timestamp with time zone' GROUP BY 1, 2
"""


def _build(resources: Mapping[str, Any]) -> dg.Definitions:
    return build_defs("demo", overrides=resources)


def _a_week_passes(superuser_dsn: str) -> None:
    """Everything stored becomes a week older, which is what a moved clock looks like."""
    with connect(superuser_dsn, autocommit=True) as conn:
        for schema, table, columns in conn.execute(_MOMENTS).fetchall():
            older = sql.SQL(", ").join(
                sql.SQL("{0} = {0} - interval '7 days'").format(sql.Identifier(name))
                for name in columns
            )
            conn.execute(sql.SQL("UPDATE {} SET {}").format(sql.Identifier(schema, table), older))


def test_f02_a_second_demo_buys_nothing_even_a_week_later(
    platform: Platform, superuser_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    first = run_demo(platform, _build, rows=150)
    assert first.upload["row_count"] == 150
    assert first.upload["reject_count"] == sum(first.rejects.values()) > 0
    assert first.paid_calls > 100
    assert first.cost_micros == first.plan["spent_micros"] <= first.plan["cap_micros"]
    assert first.plan["state"] == "done"
    assert first.plan["duplicates"] > 0
    assert first.saved["duplicate_count"] == first.plan["duplicates"]
    stats = conn.execute("SELECT saved_micros FROM marts.dashboard_stats").fetchone()
    assert stats == (first.saved["saved_by_duplicates_micros"],), "as on the dashboard"
    asked = {(one["provider"], one["operation"]): one["asked"] for one in first.packages}
    assert sum(asked.values()) >= first.plan["due"]
    assert asked.keys() >= {("trestle", "reverse_phone"), ("numverify", "validate")}
    # Under a private contract only, which the demo has none of.
    assert "truecaller" not in {provider for provider, _ in asked}
    assert 0 < asked["whitepages", "person"] < asked["trestle", "reverse_phone"]
    # Whom the first provider answered the second is not asked about.
    second_opinions = asked["twilio_lookup", "line_status"]
    assert 0 < second_opinions < asked["twilio_addons", "real_phone_validation"]
    assert asked["trestle", "phone_intel"] <= second_opinions
    assert conn.execute("SELECT DISTINCT finished_at IS NULL FROM ledger.runs").fetchall() == [
        (False,)
    ]
    assert first.marts["dim_contacts"] > 100

    _a_week_passes(superuser_dsn)
    second = run_demo(platform, _build, rows=150)
    assert second.paid_calls == 0
    assert second.cost_micros == 0
    assert second.plan == first.plan
    assert second.marts["dim_contacts"] == first.marts["dim_contacts"]
    assert conn.execute("SELECT count(*) FROM intake.uploads").fetchone() == (1,)

    console = Console(width=80)
    with console.capture() as shown:
        demo_report.show(second, console)
    assert "0 paid calls" in shown.get()
    assert "…" not in shown.get(), "a figure was cut"
    assert demo_report.as_json(first)["paid_calls"] == first.paid_calls


def test_every_question_of_the_demo_has_a_price(conn: psycopg.Connection[Any]) -> None:
    for path, value in demo_settings().items():
        change_settings(conn, path, value, "demo")
    settings = load_settings(conn)
    priced = {(price.provider, price.operation) for price in current_prices(settings)}
    asked = {
        offer.key for name in BATCH_STEPS for offer in wanted_offers(step_named(name), settings)
    }
    assert asked - priced == set()
    assert all(settings.steps.step(name).enabled for name in DEMO_STEPS)


def test_the_demo_stays_out_of_other_environments(platform: Platform) -> None:
    local = replace(platform, environment=replace(platform.environment, name="local"))
    with pytest.raises(ConfigError, match="BULK_LOOKUP_ENV=demo"):
        run_demo(local, _build)
