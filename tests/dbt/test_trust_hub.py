"""The mart of our Trust Hub account, made of what the sandbox's account has."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.subjects import CompanyKey
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import build_marts
from tests.fakes.sandbox import running_sandbox
from tests.fakes.trust_hub import account, add_company, connected_to, read


def rows(conn: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM marts.mart_trust_hub").fetchall()


def test_a_row_is_a_profile_of_ours_or_of_a_customer_until_it_may_be_kept(
    platform: Platform, conn: psycopg.Connection[Any]
) -> None:
    add_company(conn, platform, CompanyKey(domain="acorn-dental.example"))
    with running_sandbox() as sandbox:
        read(connected_to(platform, sandbox))
        profiles = account(sandbox, "CustomerProfiles")
    build_marts(platform)
    found = rows(conn)
    assert {one["profile_sid"]: one["status"] for one in found} == {
        one["sid"]: one["status"] for one in profiles
    }
    assert Counter(one["relation"] for one in found) == {"ours": 1, "customer": len(profiles) - 1}
    assert [one["matched_by"] for one in found if one["company_count"]] == ["domain"]
    assert all(one["masked_registration"].startswith("•••") for one in found if one["score"] == 100)
    for one in found:
        approved = one["status"] == "twilio-approved"
        assert (one["reverify_at"] is not None) == approved
        assert (one["approved_trust_product_count"] == 1) == (
            approved and one["relation"] == "customer"
        )
    assert {one["failed_checks"] for one in found if one["status"] == "twilio-rejected"} == {
        "customer_profile_business_information.business_registration_number"
    }
    conn.execute(
        "UPDATE enrichment.trust_hub_profiles SET fetched_at = fetched_at - interval '31 days',"
        " expires_at = expires_at - interval '31 days'"
    )
    assert rows(conn) == [], "gone at once, before any build"
