"""The step `reverse_phones`: to whom every valid number belongs.

Trestle first; Whitepages, which publishes no price, where the operator has set one; Truecaller for
holders of a private contract.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import trestle_records, truecaller_records, whitepages_records

REVERSE_PHONES = StepDefinition(
    name="reverse_phones",
    title="Owners of numbers",
    subject_kind="phone",
    offers=(
        Offer(trestle_records.PROVIDER, "reverse_phone"),
        Offer(whitepages_records.PROVIDER, "person"),
        Offer(truecaller_records.PROVIDER, "owner"),
    ),
)
