"""The marts' figures against plain SQL over the tables they come from, on a known history."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.contact_kind import contact_kind
from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MartsBuild, build_marts
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.history import add_batch
from tests.fakes.story import EMAIL, NAME, PHONE, platform_of

MARTS = (
    "dim_contacts",
    "dashboard_stats",
    "fct_lookups_daily",
    "fct_provider_requests",
    "fct_provider_costs",
    "mart_top_carriers",
    "mart_companies",
    "mart_email_quality",
    *("mart_provider_scorecard", "mart_provider_quota", "mart_provider_health"),
    *("mart_coverage", "mart_expiries"),
    "mart_zipcode_discovery",
    "mart_trust_hub",
    *("dim_golden_contacts", "mart_duplicates", "mart_quality_distribution"),
    "mart_upload_summary",
    "mart_rejects_by_reason",
    "mart_failures",
    "mart_plan_accuracy",
)


def rows(conn: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(cast("Any", query)).fetchall()


def one(conn: psycopg.Connection[Any], query: str) -> Any:
    found = conn.execute(cast("Any", query)).fetchone()
    return found[0] if found else None


def test_every_mart_is_built_tested_and_ticked_off(
    build: MartsBuild, marts: psycopg.Connection[Any]
) -> None:
    assert build.models >= len(MARTS)
    assert build.tests > 20
    assert build.covered == 1
    built = {row["name"] for row in rows(marts, """
        SELECT c.relname AS name FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'marts' AND c.relkind IN ('r', 'v')""")}  # fmt: skip
    assert built == set(MARTS)
    assert one(marts, "SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL") == 0


def test_every_mart_says_as_of_when(marts: psycopg.Connection[Any]) -> None:
    """But the view of all contacts, whose values say when each was answered."""
    told = rows(marts, """
        SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'marts'::regnamespace AND a.attname = 'as_of'
    """)  # fmt: skip
    assert {row["name"] for row in told} >= set(MARTS) - {"dim_contacts"}


def test_every_marts_key_is_enforced_by_the_database(marts: psycopg.Connection[Any]) -> None:
    """A constraint refuses what a data test would report afterwards; a view has its table's."""
    unkeyed = rows(marts, """
        SELECT c.relname AS name FROM pg_class c
         WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind = 'r'
           AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique)
    """)  # fmt: skip
    assert {row["name"] for row in unkeyed} & set(MARTS) == set()
    assert "int_contacts" not in {row["name"] for row in unkeyed}


def test_dashboard_counts_equal_sql(marts: psycopg.Connection[Any]) -> None:
    (stats,) = rows(marts, "SELECT * FROM marts.dashboard_stats")
    assert stats["contacts"] == one(marts, """
        SELECT count(DISTINCT uc.contact_id) FROM intake.upload_contacts uc
          JOIN intake.batches b USING (batch_id) WHERE b.state = 'published'""")  # fmt: skip
    assert stats["cost_micros"] == one(marts, "SELECT sum(cost_micros) FROM ledger.claims")
    assert stats["requests"] == one(marts, "SELECT count(*) FROM ledger.requests")
    expected = {
        "contacts": 10, "numbers": 8, "uploads": 2, "upload_rows": 16, "rejects": 6,
        "contacts_complete": 6, "contacts_in_progress": 2, "contacts_blocked": 2,
        "contacts_waiting_approval": 0, "validity_valid": 5, "validity_invalid": 1,
        "validity_unknown": 4, "kind_consumer": 1, "kind_business": 1, "kind_unknown": 8,
        "risk_low": 1, "risk_medium": 1, "risk_high": 1, "risk_unknown": 7,
        "batches_published": 1, "batches_open": 1, "lookups_answered": 12,
        "lookups_with_data": 9, "lookups_without_data": 1, "lookups_invalid": 2,
        "lookups_failed": 1, "lookups_unknown": 1, "requests_failed": 1, "duplicate_rows": 2,
    }  # fmt: skip
    assert {name: stats[name] for name in expected} == expected


def test_voip_is_fixed_plus_non_fixed_and_every_contact_has_one_line(
    marts: psycopg.Connection[Any],
) -> None:
    (stats,) = rows(marts, "SELECT * FROM marts.dashboard_stats")
    assert (stats["line_fixed_voip"], stats["line_non_fixed_voip"], stats["line_voip"]) == (1, 1, 2)
    assert (stats["line_toll_free"], stats["line_mobile"], stats["line_landline"]) == (1, 1, 1)
    lines = {name: n for name, n in stats.items() if name.startswith("line_")}
    assert sum(lines.values()) - lines["line_voip"] == stats["contacts"]


def test_expired_values_and_unpublished_batches_are_absent(
    marts: psycopg.Connection[Any],
) -> None:
    (expired,) = rows(marts, "SELECT * FROM marts.dim_contacts WHERE contact_id = 4")
    assert (expired["contact_kind"], expired["risk_level"]) == ("unknown", "unknown")
    assert (expired["line_type"], expired["validity"]) == ("tollFree", "valid")
    assert one(marts, "SELECT count(*) FROM marts.dim_contacts WHERE contact_id > 10") == 0
    lines = rows(marts, "SELECT masked_phone, line_status FROM marts.dim_contacts"
                 " WHERE contact_id IN (1, 2) ORDER BY contact_id")  # fmt: skip
    assert [line["line_status"] for line in lines] == ["connected", None]
    assert one(marts, "SELECT count(*) FROM marts.mart_upload_summary WHERE upload_id = 2") == 0
    assert one(marts, "SELECT count(*) FROM marts.mart_rejects_by_reason WHERE upload_id = 2") == 0


def test_a_value_disappears_when_it_expires_not_at_the_next_build(
    marts: psycopg.Connection[Any],
) -> None:
    with marts.transaction(force_rollback=True):
        marts.execute(
            "UPDATE intermediate.int_contacts SET carrier_name_until = now() WHERE contact_id = 1"
        )
        assert (
            one(marts, "SELECT carrier_name FROM marts.dim_contacts WHERE contact_id = 1") is None
        )


@pytest.mark.parametrize(
    "word", ["BUSINESS", "business ", "CONSUMER", "Consumer", "", "OTHER", None]
)
def test_f38_the_mart_and_the_rule_agree_on_the_kind_of_contact(
    marts: psycopg.Connection[Any], word: str | None
) -> None:
    with marts.transaction(force_rollback=True):
        marts.execute(
            "UPDATE intermediate.int_contacts SET caller_type = %s, caller_type_until = 'infinity'"
            " WHERE contact_id = 1",
            (word,),
        )
        kind = one(marts, "SELECT contact_kind FROM marts.dim_contacts WHERE contact_id = 1")
    assert kind == contact_kind(word)


def test_no_mart_holds_a_name_number_or_address(marts: psycopg.Connection[Any]) -> None:
    secrets = (PHONE, PHONE[1:], PHONE[2:], NAME, NAME.upper(), EMAIL)
    for mart in MARTS:
        text = "\n".join(str(row) for row in rows(marts, f"SELECT * FROM marts.{mart}"))
        assert not [secret for secret in secrets if secret in text], mart
    assert one(marts, "SELECT masked_phone FROM marts.dim_contacts WHERE contact_id = 1") == (
        "+14•••••••00"
    )


def test_upload_summary_adds_up_to_the_ledger(marts: psycopg.Connection[Any]) -> None:
    first, refused = rows(marts, "SELECT * FROM marts.mart_upload_summary ORDER BY upload_id")
    assert first["cost_micros"] == one(
        marts, "SELECT sum(cost_micros) FROM ledger.claims WHERE plan_id = 1"
    )
    expected = {
        "row_count": 12, "reject_count": 2, "number_count": 8, "duplicate_count": 2,
        "looked_up_count": 6, "estimated_micros": 130_000, "cap_micros": 500_000,
        "saved_by_reuse_micros": 0,
    }  # fmt: skip
    assert {name: first[name] for name in expected} == expected
    assert (refused["upload_id"], refused["row_count"], refused["reject_rate"]) == (3, 4, 1)


def test_failures_say_what_failed_and_when_it_is_tried_again(
    marts: psycopg.Connection[Any],
) -> None:
    failed, unknown = rows(marts, "SELECT * FROM marts.mart_failures ORDER BY failure")
    assert (failed["failure"], failed["error_code"], failed["due_again_count"]) == (
        "failed", "503", 1,
    )  # fmt: skip
    assert failed["next_attempt_at"].isoformat() == "2026-11-02T09:00:00+00:00"
    assert (unknown["failure"], unknown["next_attempt_at"]) == ("unknown_outcome", None)


def test_facts_of_requests_and_costs_equal_sql(marts: psycopg.Connection[Any]) -> None:
    by_status = {
        row["http_status"]: row for row in rows(marts, "SELECT * FROM marts.fct_provider_requests")
    }
    assert by_status[200]["request_count"] == 6
    median = one(marts, """
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms)
          FROM ledger.requests WHERE status = 200""")  # fmt: skip
    assert median * 31 / 32 < by_status[200]["p50_ms"] <= median
    assert by_status[503]["error_class"] == "transient"
    assert one(marts, "SELECT sum(cost_micros) FROM marts.fct_provider_costs") == one(
        marts, "SELECT sum(cost_micros) FROM ledger.claims"
    )
    daily = rows(marts, "SELECT * FROM marts.fct_lookups_daily ORDER BY operation")
    assert [(row["operation"], row["answered_count"], row["data_count"]) for row in daily] == [
        ("caller_name", 6, 4),
        ("line_type_intelligence", 6, 5),
    ]
    carriers = rows(marts, "SELECT * FROM marts.mart_top_carriers ORDER BY position")
    assert [row["number_count"] for row in carriers] == [2, 1, 1]
    assert carriers[0]["voip_count"] == 2


def test_f39_an_empty_platform_builds_and_divides_by_nothing(dsn: str, tmp_path: Any) -> None:
    platform = platform_of(dsn, tmp_path)
    build_marts(platform)
    with connect(dsn, autocommit=True) as conn:
        (stats,) = rows(conn, "SELECT * FROM marts.dashboard_stats")
        assert {stats[name] for name in stats if name != "as_of"} == {0}
        found = {mart: len(rows(conn, f"SELECT * FROM marts.{mart}")) for mart in MARTS}
        assert found == dict.fromkeys(MARTS, 0) | {"dashboard_stats": 1}


def test_f39_an_upload_without_a_usable_row_has_defined_figures(dsn: str, tmp_path: Any) -> None:
    """A published batch of no rows, an upload of no rows, a plan that estimates nothing."""
    platform = platform_of(dsn, tmp_path)
    with connect(dsn, autocommit=True) as conn:
        add_batch(conn, rows=0, refused=0, published=True)
        conn.execute("UPDATE ledger.plans SET upload_id = 1")
        build_marts(platform)
        (summary,) = rows(conn, "SELECT * FROM marts.mart_upload_summary")
        assert (summary["row_count"], summary["reject_rate"]) == (0, 0)
        assert summary["cost_per_contact_micros"] == 0
        (stats,) = rows(conn, "SELECT * FROM marts.dashboard_stats")
        assert {stats[name] for name in stats if name.endswith("_rate")} == {0}
        for mart in MARTS:
            rows(conn, f"SELECT * FROM marts.{mart}")


def test_a_failed_build_covers_nothing_and_names_the_model(dsn: str, tmp_path: Any) -> None:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO ops.mart_dirty (reason) VALUES ('test')")
        conn.execute("CREATE TYPE marts.mart_failures AS ENUM ('in the way')")
        with pytest.raises(StorageError, match="mart_failures"):
            build_marts(platform)
        assert one(conn, "SELECT count(*) FROM ops.mart_dirty WHERE built_at IS NULL") == 1


def test_analysts_read_marts_and_nothing_below(
    postgres: EmbeddedServer, marts_database: str, build: MartsBuild
) -> None:
    with connect(postgres.dsn(marts_database, roles.ANALYST), autocommit=True) as conn:
        assert one(conn, "SELECT count(*) FROM marts.dim_contacts") == 10
        for table in ("intermediate.int_contacts", "staging.stg_subjects", "intake.contacts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(cast("Any", f"SELECT * FROM {table}"))


def test_f53_a_build_leaves_no_connection(
    marts_platform: Platform, build: MartsBuild, marts: psycopg.Connection[Any]
) -> None:
    left = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'bulk-lookup%'"""
    assert one(marts, left) == 0
