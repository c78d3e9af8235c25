"""The price list in force: vendors' list prices with the operator's overrides on top.

A list is stored under a version made from its contents, so that a plan always says by which
prices it was approved. Belongs here: putting it together. Does not: vendors' figures (`resources`).
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import psycopg

from bulk_lookup_dagster.core.money import micros_from_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.pricing import Price, PriceBook, load_price_list
from bulk_lookup_dagster.services.providers import vendor_settings
from resources.registry import VENDORS


def current_prices(settings: Settings) -> list[Price]:
    """Every price that is known, one per operation and region."""
    listed = [price for entry in VENDORS for price in entry.prices]
    as_of = max(price.as_of for price in listed)
    overrides = [
        Price(entry.name, operation, micros_from_usd(usd), "settings", as_of)
        for entry in VENDORS
        for operation, usd in vendor_settings(settings, entry.name).price_overrides_usd.items()
    ]
    prices = {
        (price.provider, price.operation, price.region): price for price in listed + overrides
    }
    return [prices[key] for key in sorted(prices)]


def unpriced(settings: Settings) -> dict[tuple[str, str], str]:
    """Per (provider, operation) without any price, so that nobody may buy it: what to set."""
    priced = {(price.provider, price.operation) for price in current_prices(settings)}
    return {
        (entry.name, name): f"no price: set providers.{entry.name}.price_overrides_usd.{name}"
        for entry in VENDORS
        for name in entry.operations
        if (entry.name, name) not in priced
    }


def store_price_list(conn: psycopg.Connection[Any], settings: Settings) -> PriceBook:
    """Store the list in force, unless it is stored already, and return it."""
    prices = current_prices(settings)
    text = "|".join(f"{p.provider} {p.operation} {p.region} {p.max_micros}" for p in prices)
    as_of: date = max(price.as_of for price in prices)
    version = f"{as_of.isoformat()}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    load_price_list(conn, version, as_of, prices)
    return PriceBook(version, {(p.provider, p.operation, p.region): p.max_micros for p in prices})
