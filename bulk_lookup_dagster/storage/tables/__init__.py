"""Declared tables and views, one module per schema; `METADATA` is what migrations must equal."""

from bulk_lookup_dagster.storage.tables import (
    enrichment,
    golden,
    intake,
    ledger,
    matching,
    oauth,
    ops,
)
from bulk_lookup_dagster.storage.tables.columns import METADATA, SCHEMAS

VIEWS: dict[str, str] = {
    name: query
    for module in (intake, ledger, enrichment, golden, ops)
    for name, query in getattr(module, "VIEWS", {}).items()
}

FUNCTIONS: dict[str, str] = ops.FUNCTIONS
"""Rules that views and marts share: name, and what follows it in CREATE FUNCTION."""

__all__ = [
    "FUNCTIONS",
    "METADATA",
    "SCHEMAS",
    "VIEWS",
    "enrichment",
    "golden",
    "intake",
    "ledger",
    "matching",
    "oauth",
    "ops",
]
