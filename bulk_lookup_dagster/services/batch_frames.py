"""Frames and shares of one batch, found by its partition key; what checks look at.

Belongs here: from a partition key to rows and limits. Does not: answers of steps
(`services.step_frames`), rules (`schemas`, `expectations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from bulk_lookup_dagster.services.contact_frames import contacts_frame
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.publishing import block_batch
from bulk_lookup_dagster.services.runs import find_batch
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect

if TYPE_CHECKING:
    import pandas as pd

_SHARES = """
    SELECT b.row_count, u.reject_count, u.row_count
      FROM intake.batches b JOIN intake.uploads u USING (upload_id) WHERE b.batch_id = %s
"""


@dataclass(frozen=True, slots=True)
class Shares:
    """Accepted rows of a batch; refused rows of its whole upload and their share (0 if empty)."""

    accepted: int
    rejected: int
    reject_share: float


def reject_shares(conn: psycopg.Connection[Any], batch_id: int) -> Shares:
    """How much of the batch's upload was refused."""
    accepted, rejected, rows = conn.execute(_SHARES, (batch_id,)).fetchall()[0]
    return Shares(accepted, rejected or 0, (rejected or 0) / rows if rows else 0.0)


def contacts_of_partition(platform: Platform, partition_key: str) -> pd.DataFrame:
    """The contacts of a batch."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        return contacts_frame(conn, find_batch(conn, partition_key).batch_id)


def unknown_limit(platform: Platform) -> float:
    """The share of questions whose outcome may be unknown before a batch is blocked."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        return load_settings(conn).checks.max_unknown_share


def quarantine_limit(platform: Platform) -> float:
    """The share of rows that may break a rule before a batch is blocked."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        return load_settings(conn).checks.max_quarantine_share


def block_partition(platform: Platform, partition_key: str) -> None:
    """Keep a batch out of the marts until it is run again."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        block_batch(conn, find_batch(conn, partition_key).batch_id)
