"""Vendors' tokens in PostgreSQL: one refresh for all processes, sealed at rest (F08).

Whoever finds no usable token locks the key's row, looks again, and only then asks the vendor; the
others wait for the lock and find the new token. A holder that dies loses its session and so the
lock. Belongs here: sharing and sealing. Does not: when a token is wanted (`resources.oauth`).
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bulk_lookup_dagster.core.errors import TransientFailure
from bulk_lookup_dagster.storage.database import connect_async
from resources.oauth import Fetch, Token, refreshed

_NONCE_BYTES = 12
_PURPOSE = b"oauth-tokens"
_WAIT = "60s"

_ROW = "INSERT INTO ops.oauth_tokens (key) VALUES (%s) ON CONFLICT DO NOTHING"
_READ = "SELECT sealed, expires_at FROM ops.oauth_tokens WHERE key = %s"
_WRITE = """
    UPDATE ops.oauth_tokens
       SET sealed = %s, expires_at = %s, refreshed_at = now(), refreshes = refreshes + 1
     WHERE key = %s
"""


class PostgresTokens:
    """A `TokenSource` that every process of the platform shares."""

    def __init__(self, dsn: str, secret_key: bytes) -> None:
        self._dsn = dsn
        key = blake2b(_PURPOSE, key=secret_key, digest_size=32).digest()
        self._cipher = AESGCM(key)
        self._tokens: dict[str, Token] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, key: str, fetch: Fetch, *, stale: str | None = None) -> Token:
        """A usable token: ours, another process's, else a new one."""
        async with self._locks[key]:
            kept = self._tokens.get(key)
            if kept is None or not kept.usable(stale):
                kept = await self._shared(key, fetch, stale)
                self._tokens[key] = kept
            return kept

    async def _shared(self, key: str, fetch: Fetch, stale: str | None) -> Token:
        conn = await connect_async(self._dsn, autocommit=True, name="bulk-lookup tokens")
        try:
            found = self._opened(key, await self._row(conn, _READ, key))
            if found is not None and found.usable(stale):
                return found
            await conn.execute(_ROW, (key,))
            async with conn.transaction():
                await conn.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
                before = self._opened(key, await self._row(conn, f"{_READ} FOR UPDATE", key))
                if before is not None and before.usable(stale):
                    return before
                token = await refreshed(fetch, before)
                await conn.execute(_WRITE, (self._sealed(key, token), token.expires_at, key))
            return token
        except psycopg.errors.LockNotAvailable:
            raise TransientFailure(
                "Another process has been refreshing this vendor's token for a minute.",
                unbilled=True,
            ) from None
        finally:
            await conn.close()

    async def _row(
        self, conn: psycopg.AsyncConnection[Any], statement: str, key: str
    ) -> tuple[bytes | None, datetime | None] | None:
        return await (await conn.execute(statement, (key,))).fetchone()

    def _sealed(self, key: str, token: Token) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        plain = orjson.dumps({"access": token.access, "refresh": token.refresh})
        return nonce + self._cipher.encrypt(nonce, plain, key.encode())

    def _opened(self, key: str, row: tuple[bytes | None, datetime | None] | None) -> Token | None:
        """The token of a row; None where there is none or another secret key sealed it."""
        if row is None or row[0] is None or row[1] is None:
            return None
        sealed = bytes(row[0])
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key.encode())
        except InvalidTag:
            return None
        parts = orjson.loads(plain)
        return Token(parts["access"], row[1], parts["refresh"])
