"""Schema `ops`: the platform's own state: settings, workers, limits, circuits, quarantine."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from bulk_lookup_dagster.storage.tables.columns import (
    METADATA,
    at,
    fk,
    hash_bytes,
    identity,
    json,
    now,
    text,
)

instance = sa.Table(
    "instance",
    METADATA,
    sa.Column(
        "singleton", sa.Boolean, sa.CheckConstraint("singleton", name="singleton"), primary_key=True
    ),
    text("environment", 20, nullable=False),
    hash_bytes("key_fingerprint", nullable=False),
    now("created_at"),
    sa.CheckConstraint(
        "environment IN ('demo','local','staging','production')", name="environment"
    ),
    schema="ops",
    comment="Binds this database to one environment and one secret key.",
)

settings = sa.Table(
    "settings",
    METADATA,
    identity("settings_id"),
    json("document", nullable=False),
    text("changed_by", 200, nullable=False),
    text("note", 500, nullable=False, server_default=""),
    now("changed_at"),
    schema="ops",
    comment="Every version of the settings document; the newest is in force.",
)

workers = sa.Table(
    "workers",
    METADATA,
    identity("worker_id"),
    text("host", 255, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    now("started_at"),
    at("ended_at"),
    sa.CheckConstraint("ended_at >= started_at", name="times"),
    schema="ops",
    comment="A process that claims; alive while its session holds advisory lock (7302, worker_id).",
)

limiters = sa.Table(
    "limiters",
    METADATA,
    text("key", 100, primary_key=True),
    at("next_slot_at", nullable=False),
    schema="ops",
    comment="The next free moment of a shared rate limit.",
)

breakers = sa.Table(
    "breakers",
    METADATA,
    text("key", 100, primary_key=True),
    text("state", 20, nullable=False, server_default="closed"),
    sa.Column("calls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    at("window_started_at", nullable=False),
    at("opened_at"),
    at("probe_at"),
    sa.Column("probe_worker_id", sa.BigInteger),
    sa.CheckConstraint("state IN ('closed','open','half_open')", name="state"),
    schema="ops",
    comment="One shared circuit per provider and endpoint.",
)

provider_states = sa.Table(
    "provider_states",
    METADATA,
    text("provider", 40, primary_key=True),
    text("state", 20, nullable=False),
    text("reason", 500, nullable=False),
    at("until"),
    text("changed_by", 200, nullable=False),
    now("changed_at"),
    sa.CheckConstraint("state IN ('active','paused','stopped')", name="state"),
    schema="ops",
    comment="Paused by a person, or stopped by an auth, quota or overrun failure.",
)

provider_quotas = sa.Table(
    "provider_quotas",
    METADATA,
    text("provider", 40, primary_key=True),
    text("unit", 30, nullable=False),
    sa.Column("allowance", sa.BigInteger, nullable=False),
    sa.Column("remaining", sa.BigInteger, nullable=False),
    at("resets_at"),
    now("told_at"),
    sa.CheckConstraint("remaining >= 0 AND allowance >= remaining", name="figures"),
    schema="ops",
    comment="What a vendor told last of its allowance; that of prepaid credits is the most seen"
    " since the last purchase.",
)

refreshes = sa.Table(
    "refreshes",
    METADATA,
    identity("refresh_id"),
    fk("plan_id", "ledger.plans.plan_id", ondelete="RESTRICT", nullable=False),
    text("provider", 40, nullable=False),
    text("operation", 60, nullable=False),
    sa.Column("answered_before", sa.DateTime(timezone=True), nullable=False),
    now("requested_at"),
    schema="ops",
    comment="An approved wish to buy again what was answered before a moment.",
)

quarantine = sa.Table(
    "quarantine",
    METADATA,
    identity("quarantine_id"),
    text("step", 60, nullable=False),
    text("table_name", 100, nullable=False),
    sa.Column(
        "claim_id",
        sa.BigInteger,
        sa.ForeignKey("ledger.claims.claim_id", ondelete="RESTRICT"),
        index=True,
    ),
    text("rule", 200, nullable=False),
    text("column_name", 100),
    now("quarantined_at"),
    at("resolved_at"),
    sa.CheckConstraint("resolved_at >= quarantined_at", name="times"),
    schema="ops",
    comment="A parsed row that broke a rule; its paid body stays in the ledger for replay.",
)

callbacks = sa.Table(
    "callbacks",
    METADATA,
    identity("callback_id"),
    text("provider", 40, nullable=False),
    text("external_id", 200, nullable=False),
    text("event", 60, nullable=False),
    sa.Column(
        "body",
        BYTEA,
        sa.CheckConstraint("octet_length(body) <= 1048576", name="body"),
        nullable=False,
    ),
    now("received_at"),
    at("handled_at"),
    text("result", 20),
    sa.UniqueConstraint("provider", "external_id", "event"),
    sa.Index(
        "callbacks_open_idx",
        "received_at",
        postgresql_where=sa.text("handled_at IS NULL"),
    ),
    sa.CheckConstraint("handled_at >= received_at", name="times"),
    sa.CheckConstraint("result IN ('settled','ignored','refused')", name="result"),
    sa.CheckConstraint("(handled_at IS NULL) = (result IS NULL)", name="handled"),
    schema="ops",
    comment="What a vendor sent by itself about a question it had accepted; open until its claim"
    " is found and settled.",
)

mart_dirty = sa.Table(
    "mart_dirty",
    METADATA,
    identity("dirty_id"),
    text("reason", 100, nullable=False),
    fk("batch_id", "intake.batches.batch_id", ondelete="SET NULL"),
    now("marked_at"),
    at("built_at"),
    sa.CheckConstraint("built_at >= marked_at", name="times"),
    schema="ops",
    comment="A reason to build the marts; built_at is set by the build that covers it.",
)

mart_builds = sa.Table(
    "mart_builds",
    METADATA,
    identity("build_id"),
    now("started_at"),
    at("finished_at"),
    hash_bytes("models_hash"),
    sa.CheckConstraint("finished_at >= started_at", name="times"),
    schema="ops",
    comment="A build of all marts; without an end it failed, and the next one takes its changes."
    " models_hash says which models it was made with.",
)

mart_changes = sa.Table(
    "mart_changes",
    METADATA,
    identity("change_id"),
    text("entity", 30, nullable=False),
    sa.Column("entity_id", sa.BigInteger, nullable=False),
    text("cause", 30, nullable=False),
    now("changed_at"),
    # No foreign key: the build ends with deleting what it took.
    sa.Column("build_id", sa.BigInteger),
    sa.CheckConstraint("entity IN ('contact','subject','batch','upload','run')", name="entity"),
    schema="ops",
    comment="What incremental marts must delete and insert again; build_id is set by the build"
    " that looks at it, which deletes it at its end.",
)

audit = sa.Table(
    "audit",
    METADATA,
    identity("audit_id"),
    text("actor", 200, nullable=False),
    text("action", 60, nullable=False),
    text("object", 200, nullable=False),
    json("detail"),
    now("happened_at"),
    schema="ops",
    comment="Who did what: approvals, pauses, settings, refreshes, exports.",
)

trust_hub_writes = sa.Table(
    "trust_hub_writes",
    METADATA,
    hash_bytes("submission", nullable=False),
    text("part", 120, nullable=False),
    text("sid", 34),
    at("attempted_at"),
    at("done_at"),
    sa.PrimaryKeyConstraint("submission", "part"),
    sa.CheckConstraint("(sid IS NULL) = (done_at IS NULL)", name="done"),
    schema="ops",
    comment="What a submission to Trust Hub has made: noted before it is sent, done once found.",
)

exports = sa.Table(
    "exports",
    METADATA,
    identity("export_id"),
    fk("upload_id", "intake.uploads.upload_id", ondelete="SET NULL"),
    text("selection", 2000, nullable=False),
    text("format", 10, nullable=False),
    text("file_uri", 1000, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    text("exported_by", 200, nullable=False),
    sa.Column("scheduled", sa.Boolean, nullable=False, server_default="false"),
    now("exported_at"),
    at("removed_at"),
    sa.CheckConstraint("row_count >= 0 AND size_bytes >= 0", name="sizes"),
    sa.CheckConstraint("removed_at >= exported_at", name="times"),
    schema="ops",
    comment="Files that left the platform; without an upload they hold contacts of all.",
)

FUNCTIONS = {
    # `moving` will go on by itself; what neither moves nor is answered waits for a person.
    "ops.contact_state": """
        (asked BIGINT, answered BIGINT, moving BIGINT, blocked BOOLEAN, approved BOOLEAN,
         waiting BOOLEAN)
        RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE
                   WHEN answered = asked THEN 'complete'
                   WHEN blocked THEN 'blocked'
                   WHEN answered > 0 THEN 'partial'
                   WHEN moving > 0 THEN 'in_progress'
                   WHEN asked > 0 THEN 'blocked'
                   WHEN approved THEN 'in_progress'
                   WHEN waiting THEN 'waiting_approval'
                   ELSE 'new'
               END $$
    """,
}

VIEWS = {
    # A contact has no status column: how far it has come follows from what was asked about it.
    "ops.contact_status": """
        WITH questions AS (
            SELECT DISTINCT ON (c.provider, c.operation, c.subject_id, c.params_hash)
                   c.subject_id, c.state, c.retry_at, q.claim_id IS NOT NULL AS quarantined
              FROM ledger.claims c
              LEFT JOIN (SELECT DISTINCT claim_id FROM ops.quarantine WHERE resolved_at IS NULL) q
                ON q.claim_id = c.claim_id
             ORDER BY c.provider, c.operation, c.subject_id, c.params_hash, c.epoch DESC
        ), progress AS (
            SELECT subject_id, count(*) AS asked,
                   count(*) FILTER (WHERE state = 'answered' AND NOT quarantined) AS answered,
                   count(*) FILTER (WHERE state IN ('claimed', 'accepted')
                                       OR state = 'failed' AND retry_at IS NOT NULL) AS moving
              FROM questions
             GROUP BY subject_id
        ), approvals AS (
            SELECT upload_id, bool_or(state IN ('approved', 'done')) AS approved,
                   bool_or(state = 'waiting_approval') AS waiting
              FROM ledger.plans
             WHERE upload_id IS NOT NULL
             GROUP BY upload_id
        ), uploaded AS (
            SELECT uc.contact_id, bool_or(b.state = 'blocked') AS blocked,
                   bool_or(a.approved) AS approved, bool_or(a.waiting) AS waiting
              FROM intake.upload_contacts uc
              JOIN intake.batches b ON b.batch_id = uc.batch_id
              LEFT JOIN approvals a ON a.upload_id = uc.upload_id
             GROUP BY uc.contact_id
        )
        SELECT c.contact_id,
               ops.contact_state(p.asked, p.answered, p.moving, u.blocked, u.approved, u.waiting)
                   AS status
          FROM intake.contacts c
          LEFT JOIN progress p ON p.subject_id = c.phone_subject_id
          LEFT JOIN uploaded u ON u.contact_id = c.contact_id
    """,
}
