"""Phone porting: who carries a number since it was ported.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.phone_porting import COLUMNS, NUMBERS, phone_porting_schema
from bulk_lookup_dagster.services.steps.phone_porting import PHONE_PORTING

phone_porting = step_asset(
    PHONE_PORTING,
    "One vendor's answer who carries a number now.\n\nSource: IceHook Scout, an add-on of Twilio"
    " Lookup v1, at its list price. Kept 30 days.",
)

ASSETS = (phone_porting,)
CHECKS = step_checks(PHONE_PORTING, phone_porting_schema, COLUMNS, numbers=NUMBERS)
