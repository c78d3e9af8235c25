"""Quality scores: how good a golden contact is, and why.

Put here: this stage's asset. Do not put here: the rule (`core.quality`).
"""

import dagster as dg

from bulk_lookup_dagster.orchestration.failures import explained
from bulk_lookup_dagster.orchestration.vocabulary import MATCHING, OWNERS, UPLOAD_BATCHES
from bulk_lookup_dagster.services.golden import score_contacts
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.storage.database import connect


@dg.asset(
    partitions_def=UPLOAD_BATCHES,
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=["golden_contacts"],
    code_version="1",
)
def quality_scores(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[None]:
    """A golden contact's score from 0 to 100 with its parts; an empty part cannot be judged.

    Made anew with its golden contact. Free.
    """
    with explained(), connect(platform.dsn, autocommit=True, name="bulk-lookup scores") as conn:
        scored = score_contacts(conn)
    return dg.MaterializeResult(metadata={"scored": scored})


ASSETS = (quality_scores,)
CHECKS = ()
