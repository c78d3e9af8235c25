"""Result table of the step `phone_porting`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import json, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

phone_porting = result_table(
    "phone_porting",
    flag("ported"),
    text("location_routing_number", 15),
    text("operating_company_name", 200),
    text("operating_company_type", 60),
    text("risk_level", 30),
    json("details"),
    sa.CheckConstraint("location_routing_number ~ '^[0-9]{10,15}$'", name="routing"),
    comment="Whether a number was ported and who carries it now; `details` is the add-on's own"
    " answer, which comes in two shapes. For routing, not for marketing.",
)

VIEWS = best_view(phone_porting)
