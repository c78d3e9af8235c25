"""Broadband coverage: who qualifies an address for home internet.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

import dagster as dg

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.broadband_coverage import (
    COLUMNS,
    NUMBERS,
    broadband_coverage_schema,
)
from bulk_lookup_dagster.services.steps.broadband_coverage import BROADBAND_COVERAGE

broadband_coverage = step_asset(
    BROADBAND_COVERAGE,
    "Whether an address is qualified for LTE or 5G home internet.\n\nSource: Verizon ThingSpace's"
    " address qualification, by contract and at your price; its answer comes by call-back. Asked"
    " only about addresses that are sure enough. What the FCC reports in the address's block stands"
    " beside it. Never an estimate from a city list. Kept 30 days.",
    dg.AssetDep("fcc_releases", partition_mapping=dg.AllPartitionMapping()),
)

ASSETS = (broadband_coverage,)
CHECKS = step_checks(BROADBAND_COVERAGE, broadband_coverage_schema, COLUMNS, numbers=NUMBERS)
