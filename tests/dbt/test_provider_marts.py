"""The marts about providers against plain SQL over what they come from, on a known history."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from bulk_lookup_dagster.engine import operator
from bulk_lookup_dagster.services.instance import Platform

Connection = psycopg.Connection[Any]
_RATES = """
    SELECT count(*), count(*) FILTER (WHERE c.state = 'answered'),
           count(*) FILTER (WHERE c.outcome = 'data'), sum(c.cost_micros)
      FROM ledger.claims c JOIN ledger.runs r USING (run_id)
     WHERE r.step = 'phone_lookups' AND c.provider = 'twilio_lookup'
"""
_KEPT = """
    SELECT count(*) FROM enrichment.phone_lookups WHERE outcome = 'data' AND expires_at > now()
"""
_OPEN = """
    INSERT INTO ops.breakers (key, state, window_started_at, opened_at)
    VALUES ('twilio_lookup/lookup', 'open', now(), now())
"""


def rows(conn: Connection, query: str) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(cast("Any", query)).fetchall()


def test_the_scorecard_equals_the_ledger(marts: Connection) -> None:
    (score,) = rows(marts, "SELECT * FROM marts.mart_provider_scorecard")
    asked, answered, hits, cost = marts.execute(_RATES).fetchall()[0]
    assert (score["step"], score["provider"]) == ("phone_lookups", "twilio_lookup")
    assert (score["asked_count"], score["answered_count"]) == (asked, answered)
    assert (score["hit_count"], score["cost_micros"]) == (hits, cost)
    assert float(score["hit_rate"]) == pytest.approx(hits / answered, abs=1e-6)
    assert score["price_per_hit_micros"] == round(cost / hits)
    # Packages do not wait for each other: every hit is the first of its kind.
    assert score["marginal_hit_count"] == hits
    (place,) = score["by_position"]
    assert (place["position"], place["asked"], place["marginal_hits"]) == (1, asked, hits)
    assert score["errors_by_class"] == {"transient": 1}
    assert (score["suggested_position"], score["compared_count"]) == (1, 0)
    assert score["agreement_rate"] is None


def test_durations_of_the_scorecard_are_those_of_its_exchanges(marts: Connection) -> None:
    (score,) = rows(marts, "SELECT * FROM marts.mart_provider_scorecard")
    exact = "SELECT percentile_disc({}) WITHIN GROUP (ORDER BY duration_ms) FROM ledger.requests"
    for share, name in ((0.5, "p50_ms"), (0.95, "p95_ms")):
        wanted = marts.execute(cast("Any", exact.format(share))).fetchall()[0][0]
        assert wanted * 31 / 32 < score[name] <= wanted


def test_expiries_are_the_values_that_are_kept(marts: Connection) -> None:
    found = rows(marts, "SELECT * FROM marts.mart_expiries ORDER BY step, expires_on")
    kept = sum(row["value_count"] for row in found if row["step"] == "phone_lookups")
    assert kept == marts.execute(_KEPT).fetchall()[0][0]
    lines = [row for row in found if row["step"] == "line_statuses"]
    assert [(row["provider"], row["value_count"]) for row in lines] == [("trestle", 1)]
    (day,) = marts.execute("SELECT (now() + interval '30 days')::date").fetchall()[0]
    assert abs((lines[0]["expires_on"] - day).days) <= 1


def test_coverage_counts_published_contacts_of_a_place(marts: Connection) -> None:
    found = {row["item"]: row for row in rows(marts, "SELECT * FROM marts.mart_coverage")}
    assert {(row["country_code"], row["state_code"]) for row in found.values()} == {
        ("US", "unknown")
    }
    assert {row["contact_count"] for row in found.values()} == {10}
    assert (found["given_name"]["known_count"], found["given_email"]["known_count"]) == (1, 1)
    # Numbers 1 to 5 have an answer with data; of line statuses one is left.
    assert (found["phone_lookups"]["known_count"], found["line_statuses"]["known_count"]) == (5, 1)
    assert found["phone_porting"]["coverage"] == 0


def test_an_allowance_of_which_a_fifth_is_left_warns(marts: Connection) -> None:
    (quota,) = rows(marts, "SELECT * FROM marts.mart_provider_quota")
    assert (quota["provider"], quota["used"], quota["remaining"]) == ("zerobounce", 850, 150)
    assert (float(quota["used_rate"]), quota["is_warning"]) == (0.85, True)


def test_a_pause_and_an_open_circuit_show_at_once_and_resuming_lifts_both(
    marts: Connection, marts_platform: Platform
) -> None:
    query = "SELECT state, reason, open_endpoints FROM marts.mart_provider_health"
    with marts.transaction(force_rollback=True):
        assert marts.execute(cast("Any", query)).fetchall() == [("active", None, None)]
        marts.execute(cast("Any", _OPEN))
        assert marts.execute(cast("Any", query)).fetchall() == [("circuit_open", None, "lookup")]
        operator.pause_provider(marts, "twilio_lookup", actor="ann", reason="invoice")
        assert marts.execute(cast("Any", query)).fetchall() == [("paused", "invoice", "lookup")]
        operator.resume_provider(marts, "twilio_lookup", actor="ann")
        assert marts.execute(cast("Any", query)).fetchall() == [("active", None, None)]


def test_the_last_success_is_no_failure(marts: Connection) -> None:
    (health,) = rows(marts, "SELECT * FROM marts.mart_provider_health")
    latest = "SELECT max(sent_at) FROM ledger.requests WHERE error_class IS NULL"
    assert health["last_success_at"] == marts.execute(latest).fetchall()[0][0]
    assert (health["request_count_24h"], health["error_rate_24h"]) == (0, 0)
