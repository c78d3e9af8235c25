"""Call-backs of vendors: checked, stored before anything else, then settled.

A vendor hears of success only when its message is on disk, so that a crash loses none; what comes
twice is stored once. Who cannot prove to be the vendor is refused and leaves nothing behind.

Belongs here: receiving and settling what is open. Does not: signatures and meanings (the vendor's
client), matching a claim (`engine.callbacks`), the endpoint (`web.callbacks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import ConfigError, InputError
from bulk_lookup_dagster.engine.callbacks import settle_callbacks
from bulk_lookup_dagster.engine.provider import CallbackProvider, Disabled, Provider
from bulk_lookup_dagster.engine.results import ResultTable
from bulk_lookup_dagster.engine.settle import prepare
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories, parsers, vendor_settings
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import STEPS
from bulk_lookup_dagster.storage.database import connect, connect_async

Connection = psycopg.Connection[Any]

MAX_BYTES = 1_048_576

_STORE = """
    INSERT INTO ops.callbacks (provider, external_id, event, body) VALUES (%s, %s, %s, %s)
    ON CONFLICT (provider, external_id, event) DO NOTHING
"""
_STEPS = """
    SELECT DISTINCT r.step FROM ops.callbacks b
      JOIN ledger.claims c ON c.provider = b.provider AND c.external_id = b.external_id
      JOIN ledger.runs r ON r.run_id = c.run_id
     WHERE b.handled_at IS NULL AND c.state IN ('accepted', 'unknown_outcome')
"""


class UnknownSender(InputError):
    """No vendor of this name calls back here."""

    code = "not_found"


def receive_callback(
    conn: Connection,
    provider: str,
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    clients: ClientFactories,
) -> bool:
    """Store what a vendor sent, committed on return; False where it was stored before.

    `headers` have lower-case names; `url` is the address it was sent to. Raises `AuthFailed` or
    `BadResponse` where it is not the vendor's, `UnknownSender` where nobody of that name calls.
    """
    client = _client(clients, provider, conn)
    told = client.read_callback(headers, body, url)
    stored = conn.execute(_STORE, (provider, told.external_id, told.event, body))
    return stored.rowcount == 1


def _client(factories: ClientFactories, provider: str, conn: Connection) -> CallbackProvider:
    factory = factories.get(provider)
    unknown = UnknownSender(
        "Nobody of this name calls back here.", fix="See docs/adding-a-vendor.md."
    )
    if factory is None:
        raise unknown
    try:
        client = factory(vendor_settings(load_settings(conn), provider))
    except ConfigError:
        raise unknown from None
    if isinstance(client, Disabled) or not isinstance(client, CallbackProvider):
        raise unknown
    return client


async def settle_open(platform: Platform, clients: ClientFactories | None = None) -> int:
    """Settle the accepted questions that stored call-backs tell about; says how many claims.

    Runs do the same when they begin; this is for when none runs. Asks nobody. `clients` makes
    the clients that read the messages (None: those that need no credentials).
    """
    providers = await asyncio.to_thread(_readers, platform, clients)
    conn = await connect_async(platform.dsn, autocommit=True, name="bulk-lookup call-backs")
    try:
        await prepare(conn)
        cursor = await conn.execute(_STEPS)
        waiting = {row[0] for row in await cursor.fetchall()}
        moved = 0
        for step in STEPS:
            if step.name in waiting:
                table = ResultTable(step.name, step.table)
                moved += len(await settle_callbacks(conn, step.name, providers, table))
        return moved
    finally:
        await conn.close()


def _readers(platform: Platform, clients: ClientFactories | None) -> dict[str, Provider]:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup call-backs") as conn:
        settings = load_settings(conn)
    readers: dict[str, Provider] = dict(parsers(settings))
    for name, factory in (clients or {}).items():
        try:
            client = factory(vendor_settings(settings, name))
        except ConfigError:
            continue  # set up wrongly: doctor says so, and its parser still reads
        if not isinstance(client, Disabled):
            readers[name] = client
    return readers
