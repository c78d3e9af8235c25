"""What goes when a value's time is over can go, and what stays exists."""

from __future__ import annotations

import pytest

from bulk_lookup_dagster.services.retention import purged_columns, result_tables
from bulk_lookup_dagster.storage.tables import METADATA
from bulk_lookup_dagster.storage.tables.enrichment import KEPT, STEPS


def test_every_step_has_its_table_among_those_that_are_purged() -> None:
    tables = {f"enrichment.{step.__name__.rpartition('.')[2]}" for step in STEPS}
    assert tables <= set(result_tables())
    assert "enrichment.pins" not in result_tables()


@pytest.mark.parametrize("table", result_tables())
def test_whatever_is_purged_may_be_null_and_provenance_stays(table: str) -> None:
    columns = METADATA.tables[table].columns
    gone = purged_columns(table)
    assert gone
    assert all(columns[name].nullable for name in gone)
    assert not {"claim_id", "outcome", "expires_at", "fetched_at", "subject_id"} & set(gone)
    assert set(KEPT.get(table, ())) <= set(columns.keys()) - set(gone)
