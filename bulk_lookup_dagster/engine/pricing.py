"""Price lists: the maximum an operation may cost, versioned, with source and date.

Belongs here: loading a list and reading a price. Does not: vendors' figures (see `resources`),
overrides (see `services.prices`), caps (see `engine.budget`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import psycopg

from bulk_lookup_dagster.core.errors import ConfigError, NoPrice

ANY_REGION = "*"


@dataclass(frozen=True, slots=True)
class Price:
    """The maximum list price of one operation in one region (`*`: everywhere), micro-dollars."""

    provider: str
    operation: str
    max_micros: int
    source: str
    as_of: date
    region: str = ANY_REGION


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of all prices."""

    version: str
    prices: Mapping[tuple[str, str, str], int]

    def price(self, provider: str, operation: str, region: str | None = None) -> int:
        """Micro-dollars of an operation for a region, else anywhere; raises `NoPrice`."""
        for key in (region or ANY_REGION, ANY_REGION):
            found = self.prices.get((provider, operation, key))
            if found is not None:
                return found
        raise NoPrice(
            f"{provider} {operation} has no list price in price list {self.version}.",
            fix="Set one: settings set "
            f"providers.{provider}.price_overrides_usd.{operation} USD, then plan again.",
        )


def load_price_list(
    conn: psycopg.Connection, version: str, as_of: date, rows: Iterable[Price]
) -> None:
    """Store a list under a new version; the same version again must hold the same prices."""
    with conn.transaction():
        conn.execute(
            "INSERT INTO ledger.price_lists (version, as_of) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            (version, as_of),
        )
        wanted = {(p.provider, p.operation, p.region): p for p in rows}
        stored = read_price_list(conn, version).prices
        if stored and stored != {key: p.max_micros for key, p in wanted.items()}:
            raise ConfigError(
                f"Price list {version} is already stored with other prices.",
                fix="Give the changed list a new version; a version never changes.",
            )
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ledger.prices"
                " (version, provider, operation, region, max_micros, source, as_of)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [
                    (version, p.provider, p.operation, p.region, p.max_micros, p.source, p.as_of)
                    for p in wanted.values()
                ],
            )


def read_price_list(conn: psycopg.Connection, version: str) -> PriceBook:
    """The stored prices of a version; empty when it is unknown."""
    rows = conn.execute(
        "SELECT provider, operation, region, max_micros FROM ledger.prices WHERE version = %s",
        (version,),
    ).fetchall()
    return PriceBook(version, {(row[0], row[1], row[2]): row[3] for row in rows})
