"""Result table of the step `broadband_coverage`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

broadband_coverage = result_table(
    "broadband_coverage",
    flag("lte_home"),
    flag("five_g_home"),
    text("basis", 30),
    sa.CheckConstraint("basis = 'qualified_at_address'", name="basis"),
    comment="Whether a provider qualified an address for home internet; what the FCC has reported"
    " for its block stands in `fcc_coverage`.",
)

VIEWS = best_view(broadband_coverage)
