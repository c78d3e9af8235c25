"""Phone number look-ups: packages of Twilio Lookup about every valid number.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.phone_lookups import COLUMNS, NUMBERS, phone_lookups_schema
from bulk_lookup_dagster.services.history import lookup_figures
from bulk_lookup_dagster.services.steps.phone_lookups import PHONE_LOOKUPS

phone_lookups = step_asset(
    PHONE_LOOKUPS,
    "One answer of a look-up package about a number.\n\nSource: Twilio Lookup v2. Costs a list"
    " price per package; what was answered is never bought again. Line type is kept 90 days,"
    " caller name 30.",
)

ASSETS = (phone_lookups,)
CHECKS = step_checks(
    PHONE_LOOKUPS, phone_lookups_schema, COLUMNS, numbers=NUMBERS, figures=lookup_figures
)
