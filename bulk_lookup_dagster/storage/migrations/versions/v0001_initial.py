"""Create the first schema.

The SQL stands frozen beside this file; before the first release it is regenerated from the
declared tables by `python -m bulk_lookup_dagster.storage.migrations.freeze`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from bulk_lookup_dagster.storage.migrate import run_script

_UP = Path(__file__).with_name("v0001_initial.up.sql")
# Until the first release the name follows the content, so that a database made from other
# tables is refused with a clear message instead of failing somewhere later.
revision = "0001_" + hashlib.sha256(_UP.read_bytes()).hexdigest()[:8]
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Schemas, tables, indexes, comments, views, triggers."""
    run_script(_UP.name)


def downgrade() -> None:
    """Drop all of it."""
    run_script("v0001_initial.down.sql")
