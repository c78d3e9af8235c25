"""Declared tables, one module per schema; `METADATA` is what migrations must equal."""

from bulk_lookup_dagster.storage.tables import enrichment, intake, ledger, ops
from bulk_lookup_dagster.storage.tables.columns import METADATA, SCHEMAS

__all__ = ["METADATA", "SCHEMAS", "enrichment", "intake", "ledger", "ops"]
