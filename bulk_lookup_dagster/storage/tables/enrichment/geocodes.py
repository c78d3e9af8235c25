"""Result table of the step `geocodes`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import (
    best_view,
    confidence,
    flag,
    result_table,
)

geocodes = result_table(
    "geocodes",
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    text("accuracy", 20),
    flag("partial_match"),
    text("census_block", 15),
    text("place_id", 300),
    text("matched_address", 320),
    *confidence(),
    sa.CheckConstraint(
        "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="point"
    ),
    sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="both"),
    sa.CheckConstraint(
        "accuracy IN ('rooftop','interpolated','center','approximate')", name="accuracy"
    ),
    sa.Index("geocodes_place_id_idx", "place_id", postgresql_where=sa.text("place_id IS NOT NULL")),
    sa.CheckConstraint("census_block ~ '^[0-9]{15}$'", name="census_block"),
    comment="Where an address is: its point, how exact, its census block of 2020. Google's point"
    " goes after 29 days, its place id stays.",
)

KEPT = ("place_id",)
"""What outlives `expires_at`: Google's terms set no limit to place ids."""

VIEWS = best_view(geocodes)
