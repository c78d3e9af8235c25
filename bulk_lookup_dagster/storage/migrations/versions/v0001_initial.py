"""Create the first schema.

The SQL stands frozen beside this file; before the first release it is regenerated from the
declared tables by `python -m bulk_lookup_dagster.storage.migrations.freeze`.
"""

from __future__ import annotations

from bulk_lookup_dagster.storage.migrate import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Schemas, tables, indexes, comments, views, triggers."""
    run_script("v0001_initial.up.sql")


def downgrade() -> None:
    """Drop all of it."""
    run_script("v0001_initial.down.sql")
