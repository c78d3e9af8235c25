"""The asset of our Trust Hub account with its checks, as its job runs it."""

from __future__ import annotations

import psycopg

from bulk_lookup_dagster.definitions import build_defs
from bulk_lookup_dagster.orchestration.vocabulary import TRUST_HUB_JOB
from bulk_lookup_dagster.services.instance import Platform
from resources.twilio_trust_hub import TwilioTrustHubResource
from tests.fakes.sandbox import running_sandbox
from tests.fakes.trust_hub import VENDOR, account, connected_to


def test_the_account_is_read_checked_and_counted(
    platform: Platform, conn: psycopg.Connection[object]
) -> None:
    with running_sandbox() as sandbox:
        connected = connected_to(platform, sandbox)
        resource = TwilioTrustHubResource(
            account_sid="AC1", auth_token="fake", base_url=f"{sandbox.url}/{VENDOR}"
        )
        defs = build_defs("local", overrides={"platform": connected, VENDOR: resource})
        job = defs.resolve_job_def(TRUST_HUB_JOB)
        result = job.execute_in_process()
        whole = len(account(sandbox, "CustomerProfiles")) + len(account(sandbox, "TrustProducts"))
    assert result.success
    (made,) = result.asset_materializations_for_node("trust_hub_profiles")
    assert made.metadata["dagster/row_count"].value == whole
    checks = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert set(checks) == {"trust_hub_profiles_schema", "trust_hub_profiles_expectations"}
    assert all(one.passed for one in checks.values())
    for one in checks.values():
        rows = one.metadata["rows"].value
        assert isinstance(rows, int)
        assert rows > whole
    again = job.execute_in_process()
    (idle,) = again.asset_materializations_for_node("trust_hub_profiles")
    assert idle.metadata["calls"].value == 0
