"""Alembic's environment: every upgrade is one transaction on the caller's connection.

Belongs here: how migrations run. Does not: when (see `storage.migrate`).
"""

from __future__ import annotations

from alembic import context

from bulk_lookup_dagster.storage.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    include_schemas=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
