"""Line statuses: whether every valid number is in service.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.line_statuses import COLUMNS, NUMBERS, line_statuses_schema
from bulk_lookup_dagster.services.steps.line_statuses import LINE_STATUSES

line_statuses = step_asset(
    LINE_STATUSES,
    "One vendor's answer whether a number is in service.\n\nSource: Real Phone Validation, an"
    " add-on of Twilio; then Twilio Lookup line status, then Trestle phone intel, where the one"
    " before had no answer, each at its list price. Kept 30 days.",
)

ASSETS = (line_statuses,)
CHECKS = step_checks(LINE_STATUSES, line_statuses_schema, COLUMNS, numbers=NUMBERS)
