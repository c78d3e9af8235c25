"""Result table of the step `phone_validations`."""

from __future__ import annotations

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

phone_validations = result_table(
    "phone_validations",
    flag("valid"),
    text("line_type", 30),
    text("carrier", 200),
    text("country_code", 3),
    text("location", 200),
    comment="A second opinion on a number's validity, line type and carrier; never a name.",
)

VIEWS = best_view(phone_validations)
