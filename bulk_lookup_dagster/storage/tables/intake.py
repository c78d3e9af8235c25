"""Schema `intake`: what people handed in, exactly, and the subjects questions are asked about."""

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

sources = sa.Table(
    "sources",
    METADATA,
    identity("source_id"),
    text("name", 100, nullable=False, unique=True),
    now("created_at"),
    schema="intake",
    comment="A named origin of contacts; contact identity is per source.",
)

uploads = sa.Table(
    "uploads",
    METADATA,
    identity("upload_id"),
    fk("source_id", "intake.sources.source_id", ondelete="RESTRICT", nullable=False),
    hash_bytes("content_hash", nullable=False),
    hash_bytes("mapping_hash", nullable=False),
    text("default_region", 2, nullable=False),
    state(state_machines.UPLOAD),
    text("file_name", 255, nullable=False),
    text("file_uri", 1000, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    text("encoding", 30),
    text("delimiter", 1),
    json("mapping"),
    sa.Column("batch_rows", sa.Integer, nullable=False, server_default="25000"),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("contact_count", sa.BigInteger),
    sa.Column("new_contact_count", sa.BigInteger),
    sa.Column("reject_count", sa.BigInteger),
    text("refusal_code", 60),
    text("refusal_message", 1000),
    text("uploaded_by", 200, nullable=False, server_default="system"),
    now("received_at"),
    at("loaded_at"),
    sa.UniqueConstraint("content_hash", "mapping_hash", "default_region", "source_id"),
    sa.UniqueConstraint("upload_id", "source_id"),
    sa.CheckConstraint("size_bytes >= 0", name="size"),
    sa.CheckConstraint("batch_rows BETWEEN 1 AND 25000", name="batch_rows"),
    sa.CheckConstraint("(state = 'refused') = (refusal_code IS NOT NULL)", name="refusal"),
    sa.CheckConstraint("loaded_at >= received_at", name="times"),
    schema="intake",
    comment="A file accepted once; identity is content, mapping, default region and source.",
)

batches = sa.Table(
    "batches",
    METADATA,
    identity("batch_id"),
    sa.Column("upload_id", sa.BigInteger, nullable=False),
    sa.Column("source_id", sa.BigInteger, nullable=False),
    sa.Column("batch_number", sa.Integer, nullable=False),
    text("partition_key", 60, nullable=False, unique=True),
    state(state_machines.BATCH),
    sa.Column("row_count", sa.Integer, nullable=False),
    now("created_at"),
    at("published_at"),
    sa.ForeignKeyConstraint(
        ["upload_id", "source_id"],
        ["intake.uploads.upload_id", "intake.uploads.source_id"],
        ondelete="CASCADE",
    ),
    sa.UniqueConstraint("upload_id", "batch_number"),
    sa.UniqueConstraint("batch_id", "source_id"),
    sa.CheckConstraint("row_count BETWEEN 0 AND 25000", name="row_count"),
    schema="intake",
    comment="At most 25,000 rows of one upload; one Dagster partition.",
)

subjects = sa.Table(
    "subjects",
    METADATA,
    identity("subject_id"),
    text("kind", 30, nullable=False),
    text("value", 320),
    hash_bytes("value_hmac", nullable=False, unique=True),
    text("region", 3),
    text("number_type", 30),
    # Names with commas between: reading an array takes a tenth of what storing a number costs.
    text("time_zones", 3_000),
    now("created_at"),
    at("erased_at"),
    sa.CheckConstraint("(value IS NULL) = (erased_at IS NOT NULL)", name="erased"),
    schema="intake",
    comment="What a question is about; a keyed hash stays when the value is erased.",
)

contacts = sa.Table(
    "contacts",
    METADATA,
    identity("contact_id"),
    sa.Column("source_id", sa.BigInteger, nullable=False),
    sa.Column("first_batch_id", sa.BigInteger, nullable=False),
    sa.Column("first_row_number", sa.BigInteger, nullable=False),
    hash_bytes("contact_hash", nullable=False, unique=True),
    sa.Column("phone_subject_id", sa.BigInteger, nullable=False, index=True),
    text("raw_phone", 200),
    text("name", 300),
    text("first_name", 150),
    text("last_name", 150),
    text("company", 300),
    text("email", 320),
    text("website", 500),
    text("street", 300),
    text("city", 150),
    text("state_region", 100),
    text("postal_code", 20),
    text("country", 60),
    sa.Column("last_verified_on", sa.Date),
    json("extra"),
    now("created_at"),
    at("erased_at"),
    # Batch, source and subject are checked per statement: `storage.references`.
    # A batch's rows lie together, and one b-tree less is a twentieth of what loading costs.
    sa.Index("contacts_first_batch_id_idx", "first_batch_id", postgresql_using="brin"),
    sa.CheckConstraint("first_row_number > 0", name="row_number"),
    schema="intake",
    comment="One distinct row of a source (the hash covers the source) and where it first came; "
    "never overwritten by enrichment, never deleted by a merge.",
)

contact_subjects = sa.Table(
    "contact_subjects",
    METADATA,
    fk("contact_id", "intake.contacts.contact_id", ondelete="CASCADE", nullable=False, index=False),
    text("kind", 30, nullable=False),
    fk("subject_id", "intake.subjects.subject_id", ondelete="CASCADE", nullable=False),
    text("role", 30, nullable=False),
    fk("origin_claim_id", "ledger.claims.claim_id", ondelete="RESTRICT"),
    now("created_at"),
    sa.PrimaryKeyConstraint("contact_id", "kind", "role", "subject_id"),
    schema="intake",
    comment="What else a contact leads to: its company, person, e-mail, address…; the claim whose"
    " answer said so, or none where the contact itself did. Its number stands in the contact.",
)

repeated_rows = sa.Table(
    "repeated_rows",
    METADATA,
    fk("batch_id", "intake.batches.batch_id", ondelete="CASCADE", nullable=False, index=False),
    sa.Column("row_number", sa.BigInteger, nullable=False),
    fk("contact_id", "intake.contacts.contact_id", ondelete="CASCADE", nullable=False),
    sa.PrimaryKeyConstraint("batch_id", "row_number"),
    sa.CheckConstraint("row_number > 0", name="row_number"),
    schema="intake",
    comment="Accepted rows whose contact was known already; view upload_contacts has all rows.",
)

rejects = sa.Table(
    "rejects",
    METADATA,
    fk("upload_id", "intake.uploads.upload_id", ondelete="CASCADE", nullable=False, index=False),
    sa.Column("row_number", sa.BigInteger, nullable=False),
    text("reason", 60, nullable=False),
    text("detail", 500, nullable=False),
    text("original", 10_000, nullable=False),
    sa.PrimaryKeyConstraint("upload_id", "row_number"),
    sa.CheckConstraint("row_number > 0", name="row_number"),
    schema="intake",
    comment="Refused rows, with the reason and the original text.",
)

mappings = sa.Table(
    "mappings",
    METADATA,
    hash_bytes("header_hash", primary_key=True),
    json("headers", nullable=False),
    json("mapping", nullable=False),
    text("remembered_by", 200, nullable=False),
    now("remembered_at"),
    schema="intake",
    comment="Column mapping remembered per header shape.",
)

VIEWS = {
    "intake.upload_contacts": """
        SELECT b.upload_id, c.first_row_number AS row_number, b.batch_id, c.contact_id
          FROM intake.contacts c JOIN intake.batches b ON b.batch_id = c.first_batch_id
        UNION ALL
        SELECT b.upload_id, r.row_number, b.batch_id, r.contact_id
          FROM intake.repeated_rows r JOIN intake.batches b ON b.batch_id = r.batch_id
    """,
    "intake.upload_rows": """
        SELECT upload_id, row_number, batch_id, contact_id, NULL::text AS reject_reason
          FROM intake.upload_contacts
        UNION ALL
        SELECT upload_id, row_number, NULL::bigint, NULL::bigint, reason
          FROM intake.rejects
    """,
}
