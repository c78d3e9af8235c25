"""Owners of numbers: to whom every valid number belongs.

Put here: this step's asset and checks. Do not put here: how steps run (`_step`).
"""

from assets._step import step_asset, step_checks
from bulk_lookup_dagster.schemas.reverse_phones import COLUMNS, reverse_phones_schema
from bulk_lookup_dagster.services.steps.reverse_phones import REVERSE_PHONES

reverse_phones = step_asset(
    REVERSE_PHONES,
    "One vendor's answer to whom a number belongs: owners, person or business, address.\n\nSource:"
    " Trestle reverse phone, at its list price; where it knew nobody, Whitepages once its price is"
    " set, then Truecaller under a private contract. Kept 180 days.",
)

ASSETS = (reverse_phones,)
CHECKS = step_checks(REVERSE_PHONES, reverse_phones_schema, COLUMNS)
