"""The FCC's broadband availability by census block, and which release of a state is in."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, now, text

fcc_releases = sa.Table(
    "fcc_releases",
    METADATA,
    text("state_fips", 2, primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    now("imported_at"),
    sa.CheckConstraint("state_fips ~ '^[0-9]{2}$'", name="state_fips"),
    sa.CheckConstraint("files >= 0 AND rows >= 0", name="counts"),
    schema="enrichment",
    comment="Which release of the FCC's availability a state's rows are of.",
)

fcc_coverage = sa.Table(
    "fcc_coverage",
    METADATA,
    text("census_block", 15),
    sa.Column("provider_id", sa.Integer),
    sa.Column("technology", sa.SmallInteger),
    text("brand", 200, nullable=False),
    sa.Column("max_down_mbps", sa.Integer, nullable=False),
    sa.Column("max_up_mbps", sa.Integer, nullable=False),
    sa.Column("low_latency", sa.Boolean, nullable=False),
    sa.Column("residential", sa.Boolean, nullable=False),
    sa.Column("business", sa.Boolean, nullable=False),
    sa.Column("locations", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("census_block", "provider_id", "technology"),
    sa.CheckConstraint("census_block ~ '^[0-9]{15}$'", name="census_block"),
    sa.CheckConstraint("max_down_mbps >= 0 AND max_up_mbps >= 0", name="speeds"),
    sa.CheckConstraint("locations > 0", name="locations"),
    schema="enrichment",
    comment="What a provider reports for at least one location of a block; best speeds of it.",
)

# Blocks are joined where the point is that of a house; a town's middle says nothing about a block.
VIEWS = {
    "enrichment.address_coverage": """
        SELECT g.subject_id, 'reported_in_block' AS basis, f.census_block, f.provider_id, f.brand,
               f.technology, f.max_down_mbps, f.max_up_mbps, r.as_of
          FROM enrichment.geocodes_best g
          JOIN enrichment.fcc_coverage f ON f.census_block = g.census_block
          JOIN enrichment.fcc_releases r ON r.state_fips = left(f.census_block, 2)
         WHERE g.confidence >= 50
        UNION ALL
        SELECT b.subject_id, b.basis, NULL, 131425, 'Verizon', o.technology, NULL, NULL,
               b.fetched_at::date
          FROM enrichment.broadband_coverage_best b
         CROSS JOIN LATERAL (VALUES (400::smallint, b.lte_home), (500::smallint, b.five_g_home))
               AS o (technology, offered)
         WHERE o.offered
    """,
}
