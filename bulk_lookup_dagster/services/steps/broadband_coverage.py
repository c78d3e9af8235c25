"""The step `broadband_coverage`: who qualifies an address for home internet, where contracted.

Only addresses in the United States with a house number: others cannot be qualified. And only those
that are sure enough: a validation's verdict says how sure an address is, else where it came from.
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import ADDRESS
from bulk_lookup_dagster.services.steps.definition import Eligible, Floor, Offer, StepDefinition
from resources.verizon_records import PROVIDER

BROADBAND_COVERAGE = StepDefinition(
    name="broadband_coverage",
    title="Home internet at addresses",
    subject_kind="address",
    offers=(Offer(PROVIDER, "fwa_qualification"),),
    derivation=ADDRESS,
    eligible=Eligible(
        "house number in the United States",
        "s.value ~ '^[0-9]' AND split_part(s.value, '|', 6) IN ('', 'us')",
    ),
    floor=Floor(
        "address confidence",
        "confidence_floor",
        "SELECT a.confidence FROM enrichment.address_confidences a"
        " WHERE a.subject_id = s.subject_id",
        told_by="addresses",
    ),
    expected_share=0.6,
)
