"""Whose numbers we have, for vendors whose answers may only be compared, never kept.

Numbers are looked for by their keyed hash: what a vendor told reaches the database in no other form
and is written nowhere.

Belongs here: the look-up. Does not: when it is used (`resources.businesses`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.storage.database import connect

_KNOWN = """
    SELECT s.value_hmac, s.subject_id FROM intake.subjects s
     WHERE s.value_hmac = ANY (%s::bytea[]) AND s.kind = 'phone' AND s.erased_at IS NULL
       AND EXISTS (SELECT FROM intake.contacts c WHERE c.phone_subject_id = s.subject_id)
"""


class PostgresPhoneBook:
    """Numbers of contacts in the database."""

    def __init__(self, dsn: str, secret_key: bytes) -> None:
        self._dsn = dsn
        self._secret_key = secret_key

    async def known(self, phones: Collection[str]) -> Mapping[str, int] | None:
        """Subject ids by number; None while the database cannot be asked.

        The answer that holds the numbers is paid for: it is kept without a comparison rather than
        lost with the connection.
        """
        if not phones:
            return {}
        digests = {subject_hmac(self._secret_key, "phone", one): one for one in phones}
        try:
            found = await asyncio.to_thread(self._look, list(digests))
        except (StorageError, psycopg.OperationalError):
            return None
        return {digests[bytes(digest)]: subject_id for digest, subject_id in found}

    def _look(self, digests: list[bytes]) -> list[tuple[bytes, int]]:
        with connect(self._dsn, autocommit=True, name="bulk-lookup phone book") as conn:
            return conn.execute(_KNOWN, (digests,)).fetchall()
