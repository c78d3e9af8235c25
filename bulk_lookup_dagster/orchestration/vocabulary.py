"""Names the graph is written in: the partitions, the groups, the owners.

Put here: what several files of assets, sensors or jobs have to agree on.
https://docs.dagster.io/guides/build/partitions-and-backfills
"""

import dagster as dg

UPLOAD_BATCHES = dg.DynamicPartitionsDefinition(name="upload_batch")
# Days whose deactivated numbers may be asked for; Twilio keeps older files, we do not need them.
DAYS = dg.DailyPartitionsDefinition(start_date="2026-10-01")
# Requests for the businesses of ZIP codes, such as `85001-dentist`.
ZIPCODE_REQUESTS = dg.DynamicPartitionsDefinition(name="zipcode_request")
# Releases of one state of the FCC's availability, such as `2025-12-31-04`.
FCC_RELEASES = dg.DynamicPartitionsDefinition(name="fcc_release")
OWNERS = ["team:data-engineering"]

INTAKE = "intake"
ENRICHMENT = "enrichment"
MATCHING = "matching"
MATCHING_ASSETS = (
    *("match_keys", "match_pairs", "match_clusters", "golden_contacts", "quality_scores"),
)
PUBLISHING = "publishing"
EXPORTS = "exports"

INTAKE_JOB = "intake_upload"
ENRICH_JOB = "enrich_batch"
MARTS_JOB = "build_marts"
NIGHTLY_JOB = "nightly_enrichment"
MAINTENANCE_JOB = "maintenance"
EXPORTS_JOB = "write_exports"
DEACTIVATIONS_JOB = "fetch_deactivations"
TRUST_HUB_JOB = "read_trust_hub"
DISCOVERY_JOB = "discover_businesses"
FCC_JOB = "import_fcc_releases"
