"""Second opinions on numbers: NumVerify about every valid number.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.phone_validations import COLUMNS, phone_validations_schema
from bulk_lookup_dagster.services.steps.phone_validations import PHONE_VALIDATIONS

phone_validations = step_asset(
    PHONE_VALIDATIONS,
    "One second opinion on a number: valid, line type, carrier, place; never a name.\n\nSource:"
    " NumVerify, at the price the operator sets. Kept 90 days.",
)

ASSETS = (phone_validations,)
CHECKS = step_checks(PHONE_VALIDATIONS, phone_validations_schema, COLUMNS)
