"""The composition root: everything Dagster loads, built fresh by `build_defs`.

Put here: the explicit lists. Do not put here: definitions of anything.
https://docs.dagster.io/guides/build/projects-and-components
"""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets import (
    addresses,
    batches,
    broadband_coverage,
    business_ids,
    company_profiles,
    deactivations,
    email_candidates,
    email_verifications,
    exports,
    fcc_releases,
    geocodes,
    golden_contacts,
    intake,
    ledger,
    line_statuses,
    match_clusters,
    person_profiles,
    phone_lookups,
    phone_porting,
    phone_validations,
    quality_scores,
    reverse_geocodes,
    reverse_phones,
    trust_hub_profiles,
    zipcode_businesses,
)
from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.environments import resources_for
from bulk_lookup_dagster.jobs import JOBS
from bulk_lookup_dagster.schedules import schedules
from sensors.approvals import approvals_sensor
from sensors.discovery import discovery_sensor
from sensors.failures import run_failures_sensor
from sensors.marts import marts_sensor
from sensors.uploads import uploads_sensor

STEPS = (
    phone_lookups,
    phone_validations,
    line_statuses,
    phone_porting,
    reverse_phones,
    company_profiles,
    person_profiles,
    email_candidates,
    email_verifications,
    addresses,
    geocodes,
    broadband_coverage,
)
MATCHING = (match_clusters, golden_contacts, quality_scores)
ASSETS = (
    *intake.ASSETS,
    *(asset for stage in (*STEPS, *MATCHING) for asset in stage.ASSETS),
    *deactivations.ASSETS,
    *fcc_releases.ASSETS,
    *trust_hub_profiles.ASSETS,
    *zipcode_businesses.ASSETS,
    *reverse_geocodes.ASSETS,
    *business_ids.ASSETS,
    *ledger.ASSETS,
    *batches.ASSETS,
    *exports.ASSETS,
)
_DEFAULT_CLOCK = ScheduleSettings()
CHECKS = (
    *intake.CHECKS,
    *(check for step in STEPS for check in step.CHECKS),
    *trust_hub_profiles.CHECKS,
    *match_clusters.CHECKS,
    *zipcode_businesses.CHECKS,
    *reverse_geocodes.CHECKS,
    *business_ids.CHECKS,
)


def build_defs(
    environment: str,
    *,
    timezone: str = "UTC",
    clock: ScheduleSettings = _DEFAULT_CLOCK,
    overrides: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """All definitions of an environment; `overrides` replaces resources, for tests."""
    from assets.marts import marts

    return dg.Definitions(
        assets=[*ASSETS, marts],
        asset_checks=CHECKS,
        jobs=JOBS,
        schedules=schedules(timezone, clock),
        sensors=[
            uploads_sensor(clock.upload_sensor_s),
            approvals_sensor(clock.approvals_sensor_s),
            discovery_sensor(clock.approvals_sensor_s),
            marts_sensor(clock.marts_sensor_s),
            run_failures_sensor,
        ],
        resources={**resources_for(environment), **(overrides or {})},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What the code location serves; new schedules are in force once it is reloaded."""
    from bulk_lookup_dagster.services.clock import stored_schedules

    return build_defs(
        os.environ.get("BULK_LOOKUP_ENV", "local"),
        timezone=os.environ.get("BULK_LOOKUP_TIMEZONE", "UTC"),
        clock=stored_schedules(os.environ),
    )
