"""Ported numbers: who carries a number now.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.phone_porting import COLUMNS, NUMBERS, phone_porting_schema
from bulk_lookup_dagster.services.steps.phone_porting import PHONE_PORTING

phone_porting = step_asset(
    PHONE_PORTING,
    "Whether a number was ported and who carries it now.\n\nSource: the add-on IceHook Scout of"
    " Twilio Lookup v1, at your price for it; its answer comes in two shapes and is kept as it"
    " came. For routing, not for marketing. Kept 30 days.",
)

ASSETS = (phone_porting,)
CHECKS = step_checks(PHONE_PORTING, phone_porting_schema, COLUMNS, numbers=NUMBERS)
