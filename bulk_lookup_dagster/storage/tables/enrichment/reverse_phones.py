"""Result table of the step `reverse_phones`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import json, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

reverse_phones = result_table(
    "reverse_phones",
    text("owner_name", 200),
    text("owner_type", 20),
    json("owners"),
    text("street", 300),
    text("city", 100),
    text("state_region", 100),
    text("postal_code", 20),
    text("country", 2),
    text("carrier", 200),
    text("line_type", 30),
    flag("is_prepaid"),
    flag("is_commercial"),
    sa.CheckConstraint("jsonb_typeof(owners) = 'array'", name="owners_list"),
    comment="One vendor's answer to whom a number belongs; the first owner and address stand in"
    " columns, `owners` has all of them.",
)

VIEWS = best_view(reverse_phones)
