"""Schema `ops`: vendors' tokens, shared by all processes and sealed with the platform's key."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, text

_MAX_BYTES = 16_384

oauth_tokens = sa.Table(
    "oauth_tokens",
    METADATA,
    text("key", 100, primary_key=True),
    sa.Column(
        "sealed", BYTEA, sa.CheckConstraint(f"octet_length(sealed) <= {_MAX_BYTES}", name="sealed")
    ),
    at("expires_at"),
    at("refreshed_at"),
    sa.Column("refreshes", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint(
        "(sealed IS NULL) = (expires_at IS NULL) AND (sealed IS NULL) = (refreshed_at IS NULL)",
        name="whole",
    ),
    sa.CheckConstraint("refreshes >= 0", name="refreshes"),
    schema="ops",
    comment="A vendor's token; its row is locked while one process has it refreshed.",
)
