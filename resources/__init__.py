"""Vendors: `http.py` for what all share, then one client and one Dagster resource per vendor.

Belongs here: URLs, shapes, parsing and classification of one vendor's errors. Does not: retries,
limits, ledger (see `bulk_lookup_dagster.engine`).
"""
