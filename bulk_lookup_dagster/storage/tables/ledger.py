"""Schema `ledger`: who may ask what, what was asked, what it cost. Rows are never deleted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from bulk_lookup_dagster.core import state_machines
from bulk_lookup_dagster.storage.tables.columns import (
    METADATA,
    at,
    fk,
    hash_bytes,
    identity,
    json,
    micros,
    now,
    state,
    text,
)

price_lists = sa.Table(
    "price_lists",
    METADATA,
    text("version", 60, primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    now("loaded_at"),
    schema="ledger",
    comment="A version of all list prices.",
)

prices = sa.Table(
    "prices",
    METADATA,
    sa.Column(
        "version",
        sa.String(60),
        sa.ForeignKey("ledger.price_lists.version", ondelete="RESTRICT"),
        nullable=False,
    ),
    text("provider", 40, nullable=False),
    text("operation", 60, nullable=False),
    text("region", 3, nullable=False, server_default="*"),
    micros("max_micros", nullable=False),
    text("source", 300, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.PrimaryKeyConstraint("version", "provider", "operation", "region"),
    schema="ledger",
    comment="Maximum list price of an operation for a region (`*` = any), with its source.",
)

plans = sa.Table(
    "plans",
    METADATA,
    identity("plan_id"),
    state(state_machines.PLAN),
    text("kind", 20, nullable=False),
    fk("upload_id", "intake.uploads.upload_id", ondelete="SET NULL"),
    json("scope", nullable=False),
    json("estimate", max_bytes=1_048_576, nullable=False),
    text("price_list_version", 60, nullable=False),
    micros("cap_micros"),
    text("approved_by", 200),
    at("approved_at"),
    at("expires_at"),
    text("superseded_reason", 200),
    now("created_at"),
    sa.CheckConstraint(
        "kind IN ('upload','refresh','nightly','discovery','points','bench')", name="kind"
    ),
    sa.CheckConstraint(
        "state <> 'approved' OR (approved_by IS NOT NULL AND approved_at IS NOT NULL)",
        name="approval",
    ),
    sa.CheckConstraint("expires_at >= approved_at", name="times"),
    schema="ledger",
    comment="What a run would ask and cost; an approval fixes scope, order, prices and cap.",
)

runs = sa.Table(
    "runs",
    METADATA,
    identity("run_id"),
    text("kind", 20, nullable=False),
    fk("plan_id", "ledger.plans.plan_id", ondelete="RESTRICT"),
    fk("batch_id", "intake.batches.batch_id", ondelete="SET NULL"),
    text("step", 60, nullable=False),
    text("dagster_run_id", 60),
    text("budget_key", 80, nullable=False, server_default=""),
    fk("worker_id", "ops.workers.worker_id", ondelete="SET NULL"),
    now("started_at"),
    at("finished_at"),
    json("summary"),
    sa.CheckConstraint("finished_at >= started_at", name="times"),
    schema="ledger",
    comment="One engine run of one step. Runs of one budget key share a cap; '' = one's own.",
)

budgets = sa.Table(
    "budgets",
    METADATA,
    text("scope", 20, nullable=False),
    text("key", 80, nullable=False),
    micros("cap_micros"),
    micros("reserved_micros", nullable=False, server_default="0"),
    micros("spent_micros", nullable=False, server_default="0"),
    micros("overrun_micros", nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("scope", "key"),
    sa.CheckConstraint("scope IN ('plan','run','day','provider')", name="scope"),
    sa.CheckConstraint(
        "cap_micros IS NULL OR reserved_micros + spent_micros - overrun_micros <= cap_micros",
        name="cap",
    ),
    schema="ledger",
    comment="A hard cap and what is reserved and spent under it; no cap = unlimited.",
)

claims = sa.Table(
    "claims",
    METADATA,
    identity("claim_id"),
    text("provider", 40, nullable=False),
    text("operation", 60, nullable=False),
    fk("subject_id", "intake.subjects.subject_id", ondelete="RESTRICT", nullable=False),
    hash_bytes("params_hash", nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    state(state_machines.CLAIM),
    text("outcome", 20),
    fk("plan_id", "ledger.plans.plan_id", ondelete="RESTRICT", nullable=False),
    fk("run_id", "ledger.runs.run_id", ondelete="RESTRICT", nullable=False),
    sa.Column("budget_day", sa.Date, nullable=False),
    sa.Column(
        "worker_id", sa.BigInteger, sa.ForeignKey("ops.workers.worker_id", ondelete="RESTRICT")
    ),
    micros("reserved_micros", nullable=False),
    micros("cost_micros"),
    at("claimed_at", nullable=False),
    at("deadline_at", nullable=False),
    at("settled_at"),
    at("retry_at"),
    text("error_class", 40),
    text("error_code", 60),
    text("external_id", 200),
    at("next_poll_at"),
    hash_bytes("body_hash"),
    sa.UniqueConstraint(
        "provider", "operation", "subject_id", "params_hash", "epoch", name="claims_question_key"
    ),
    sa.Index(
        "claims_worker_id_idx", "worker_id", postgresql_where=sa.text("worker_id IS NOT NULL")
    ),
    sa.Index(
        "claims_open_idx",
        "state",
        "provider",
        postgresql_where=sa.text("state IN ('unknown_outcome','accepted','failed')"),
    ),
    sa.Index(
        "claims_external_id_idx",
        "external_id",
        "provider",
        postgresql_where=sa.text("external_id IS NOT NULL"),
    ),
    sa.Index(
        "claims_objected_idx",
        "outcome",
        "subject_id",
        postgresql_where=sa.text("outcome = 'objected'"),
    ),
    sa.CheckConstraint("(state = 'accepted') <= (external_id IS NOT NULL)", name="accepted"),
    sa.CheckConstraint("epoch >= 0 AND attempt >= 1", name="numbers"),
    sa.CheckConstraint(
        "outcome IN ('data','no_data','invalid_subject','objected')", name="outcome"
    ),
    sa.CheckConstraint("(state = 'answered') = (outcome IS NOT NULL)", name="answered"),
    sa.CheckConstraint("(state = 'claimed') = (worker_id IS NOT NULL)", name="owner"),
    sa.CheckConstraint("state <> 'answered' OR cost_micros IS NOT NULL", name="cost"),
    sa.CheckConstraint("settled_at >= claimed_at", name="times"),
    schema="ledger",
    comment="The right to one answer; a unique constraint decides who may ask.",
)

requests = sa.Table(
    "requests",
    METADATA,
    sa.Column("request_id", sa.Uuid, primary_key=True),
    text("provider", 40, nullable=False),
    text("endpoint", 60, nullable=False),
    fk("run_id", "ledger.runs.run_id", ondelete="RESTRICT", nullable=False),
    sa.Column("status", sa.SmallInteger),
    text("error_class", 40),
    text("error_code", 60),
    sa.Column("attempt", sa.SmallInteger, nullable=False),
    micros("cost_micros", nullable=False),
    sa.Column("claim_count", sa.Integer, nullable=False),
    at("sent_at", nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("response_bytes", sa.Integer, nullable=False),
    text("vendor_request_id", 100),
    sa.CheckConstraint("duration_ms >= 0 AND response_bytes >= 0", name="sizes"),
    schema="ledger",
    comment="One HTTP exchange; `request_id` is the correlation id of call, log line and row.",
)

request_claims = sa.Table(
    "request_claims",
    METADATA,
    sa.Column(
        "request_id",
        sa.Uuid,
        sa.ForeignKey("ledger.requests.request_id", ondelete="RESTRICT"),
        nullable=False,
    ),
    fk("claim_id", "ledger.claims.claim_id", ondelete="RESTRICT", nullable=False),
    sa.PrimaryKeyConstraint("request_id", "claim_id"),
    schema="ledger",
    comment="Which exchange served which claim.",
)

bodies = sa.Table(
    "bodies",
    METADATA,
    sa.Column(
        "claim_id",
        sa.BigInteger,
        sa.ForeignKey("ledger.claims.claim_id", ondelete="RESTRICT"),
        primary_key=True,
    ),
    sa.Column(
        "body",
        BYTEA,
        sa.CheckConstraint("octet_length(body) <= 4194304", name="body"),
        nullable=False,
    ),
    at("fetched_at", nullable=False),
    at("expires_at"),
    sa.CheckConstraint("expires_at >= fetched_at", name="times"),
    schema="ledger",
    comment="The part of an answer that belongs to one operation, deflated JSON.",
)
