"""Schema `matching`: what is compared, which pairs were found, who belongs together and why.

Belongs here: what the engine (`bulk_lookup_dagster.matching`) reads and writes. Does not: what is
derived from the result (`golden`).

Names and numbers stand in `records` alone, which goes with its contact. Everything that outlives
a contact (events, golden ids, statistics) holds ids, levels and hashes only.
"""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.core import state_machines
from bulk_lookup_dagster.storage.tables.columns import (
    METADATA,
    at,
    fk,
    hash_bytes,
    identity,
    json,
    now,
    state,
    text,
)

MODEL = "matching.model_versions.model_version"
RECORD = "matching.records.contact_id"


def model(**options: object) -> sa.Column[str]:
    """The model a decision was made with."""
    foreign = sa.ForeignKey(MODEL, ondelete="RESTRICT")
    return sa.Column("model_version", sa.String(60), foreign, **options)  # type: ignore[arg-type]


model_versions = sa.Table(
    "model_versions",
    METADATA,
    text("model_version", 60, primary_key=True),
    json("document", nullable=False),
    state(state_machines.MATCH_MODEL),
    now("created_at"),
    at("activated_at"),
    sa.Index(
        "model_versions_one_active",
        "state",
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    ),
    schema="matching",
    comment="Weights and thresholds, whole; at most one version is active, others run in shadow.",
)

bands = sa.Table(
    "bands",
    METADATA,
    model(primary_key=True),
    sa.Column("band", sa.SmallInteger, primary_key=True),
    sa.Column("record_count", sa.BigInteger, nullable=False),
    now("frozen_at"),
    sa.CheckConstraint("band BETWEEN 0 AND 40", name="band"),
    sa.CheckConstraint("record_count BETWEEN 0 AND 2::numeric ^ band", name="record_count"),
    schema="matching",
    comment="2^band is the greatest number of records a frozen prior and frozen name frequencies"
    " serve; crossing it calls for a full run.",
)

name_frequencies = sa.Table(
    "name_frequencies",
    METADATA,
    text("model_version", 60, primary_key=True),
    sa.Column("band", sa.SmallInteger, primary_key=True),
    text("kind", 10, primary_key=True),
    text("name", 150, primary_key=True),
    sa.Column("record_count", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["model_version", "band"],
        ["matching.bands.model_version", "matching.bands.band"],
        ondelete="CASCADE",
    ),
    sa.CheckConstraint("kind IN ('first', 'last')", name="kind"),
    sa.CheckConstraint("record_count >= 5", name="record_count"),
    schema="matching",
    comment="How often a name occurs, frozen per band; rarer than five is not kept, so that no"
    " row tells of a person.",
)

runs = sa.Table(
    "runs",
    METADATA,
    identity("run_id"),
    text("kind", 20, nullable=False),
    state(state_machines.MATCH_RUN),
    model(nullable=False, index=True),
    sa.Column("band", sa.SmallInteger, nullable=False),
    sa.Column("new_records", sa.BigInteger, nullable=False, server_default="0"),
    json("counts"),
    now("started_at"),
    at("finished_at"),
    sa.CheckConstraint("kind IN ('full', 'incremental', 'shadow')", name="kind"),
    sa.CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
    sa.CheckConstraint("finished_at >= started_at", name="times"),
    schema="matching",
    comment="A pass over all records, or over new ones against all.",
)

records = sa.Table(
    "records",
    METADATA,
    sa.Column(
        "contact_id",
        sa.BigInteger,
        sa.ForeignKey("intake.contacts.contact_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    hash_bytes("row_hash", nullable=False),
    text("kind", 12, nullable=False),
    text("first", 150),
    text("given", 50),
    text("given_other", 50),
    text("middle", 150),
    text("last", 150),
    text("generation", 10),
    text("company", 300),
    text("phone", 20),
    text("email", 320),
    sa.Column("is_role", sa.Boolean, nullable=False),
    text("site", 255),
    text("house", 20),
    text("street", 300),
    text("unit", 30),
    text("postal", 20),
    text("city", 150),
    text("birth_date", 8),
    text("person_id", 60),
    sa.Column("normaliser", sa.SmallInteger, nullable=False),
    sa.CheckConstraint("kind IN ('person','organisation','unknown','nameless')", name="kind"),
    schema="matching",
    comment="A contact as it is compared: normalised values; the raw ones stay in the contact.",
)

keys = sa.Table(
    "keys",
    METADATA,
    # No foreign key: ten of them a contact cost more than all the rest of loading them. They go
    # with their record by a trigger (`storage.matching_triggers`).
    sa.Column("contact_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.BigInteger, nullable=False),
    sa.Index("keys_key_idx", "key", "contact_id"),
    sa.CheckConstraint("kind BETWEEN 1 AND 20", name="kind"),
    schema="matching",
    comment="A blocking key of a record (hash of kind and value): records that share one are"
    " compared.",
)

key_stats = sa.Table(
    "key_stats",
    METADATA,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("record_count", sa.Integer, nullable=False),
    sa.Column("name_count", sa.Integer, nullable=False),
    sa.Column("is_shared", sa.Boolean, nullable=False),
    sa.Column("is_generic", sa.Boolean, nullable=False),
    sa.CheckConstraint("name_count <= record_count AND record_count > 0", name="counts"),
    schema="matching",
    comment="Key that two or more records have: how many, and under how many names. Shared proves"
    " nobody's identity; generic is not compared at all.",
)

skipped_blocks = sa.Table(
    "skipped_blocks",
    METADATA,
    fk("run_id", "matching.runs.run_id", ondelete="CASCADE", nullable=False, index=False),
    sa.Column("key", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("record_count", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("run_id", "key"),
    sa.CheckConstraint("record_count > 0", name="record_count"),
    schema="matching",
    comment="A block too large to compare in a run: recorded, never silently dropped.",
)

stale = sa.Table(
    "stale",
    METADATA,
    sa.Column("contact_id", sa.BigInteger, primary_key=True, autoincrement=False),
    schema="matching",
    comment="A contact to be compared again by the next run, because one it shared a key with went"
    " or a person decided about it.",
)

stale_keys = sa.Table(
    "stale_keys",
    METADATA,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    schema="matching",
    comment="A key to be counted again by the next run: its block was too large to compare, or"
    " nobody is left in it, and records of it went.",
)

pairs = sa.Table(
    "pairs",
    METADATA,
    fk("contact_a", RECORD, ondelete="CASCADE", nullable=False, index=False),
    fk("contact_b", RECORD, ondelete="CASCADE", nullable=False),
    text("levels", 20, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    text("verdict", 10, nullable=False),
    text("reason", 40, nullable=False),
    sa.Column("found_by", sa.Integer, nullable=False),
    model(nullable=False),
    sa.PrimaryKeyConstraint("contact_a", "contact_b"),
    sa.Index(
        "pairs_review_idx", sa.text("score DESC"), postgresql_where=sa.text("verdict = 'review'")
    ),
    sa.Index("pairs_model_version_idx", "model_version"),
    sa.CheckConstraint("contact_a < contact_b", name="order"),
    sa.CheckConstraint("verdict IN ('auto','review','related','reject')", name="verdict"),
    sa.CheckConstraint("score BETWEEN -1000 AND 1000", name="score"),
    schema="matching",
    comment="Two records worth remembering: one level per comparison (the explanation), bits of"
    " evidence, verdict, reason, and the keys (bits) that brought them together.",
)

overrides = sa.Table(
    "overrides",
    METADATA,
    identity("override_id"),
    text("kind", 12, nullable=False),
    fk("contact_a", "intake.contacts.contact_id", ondelete="CASCADE", nullable=False),
    fk("contact_b", "intake.contacts.contact_id", ondelete="CASCADE", nullable=False),
    text("decided_by", 200, nullable=False),
    now("decided_at"),
    text("revoked_by", 200),
    at("revoked_at"),
    sa.Index(
        "overrides_in_force",
        "contact_a",
        "contact_b",
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    ),
    sa.CheckConstraint("kind IN ('must_link', 'cannot_link')", name="kind"),
    sa.CheckConstraint("contact_a < contact_b", name="order"),
    sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
    sa.CheckConstraint("revoked_at >= decided_at", name="times"),
    schema="matching",
    comment="A person's decision about two contacts: wins over every score until it is revoked.",
)
