"""Parsed rows of a step's table: written set-wise, refused rows to quarantine.

Belongs here: upserting what `Provider.parse` returned, for settling and for replay alike.
Does not: the ledger (see `engine.settle`), vendors' shapes (see `resources`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, NamedTuple, cast

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from bulk_lookup_dagster.core.errors import BadResponse, StorageError
from bulk_lookup_dagster.engine.provider import Provider
from bulk_lookup_dagster.storage.tables import METADATA

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_QUARANTINE = """
    INSERT INTO ops.quarantine (step, table_name, claim_id, rule, column_name)
    SELECT %s, %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[])
"""


class Answered(NamedTuple):
    """Key and provenance of an answered claim; times in epoch seconds, `keep_s` None: for ever."""

    claim_id: int
    subject_id: int
    provider: str
    operation: str
    params_hash: bytes
    outcome: str
    fetched: float
    keep_s: float | None


class _Refusal:
    """Why a row is quarantined: a rule and a column, never a value."""

    def __init__(self, claim_id: int, rule: str, column: str | None) -> None:
        self.claim_id = claim_id
        self.rule = rule[:200]
        self.column = column


class ResultTable:
    """The table of one step, named `schema.table` among the declared ones."""

    def __init__(self, step: str, name: str) -> None:
        try:
            declared = METADATA.tables[name]
        except KeyError as error:
            raise StorageError(
                f"Step {step} names the table {name}, which is not declared.",
                fix="Declare it in storage/tables.",
            ) from error
        self.step = step
        self.name = name
        self.columns = frozenset(column.name for column in declared.columns)
        types = {column.name: _type(column) for column in declared.columns}
        key = ("subject_id", "provider", "operation", "params_hash")
        select = ", ".join(
            "to_timestamp(r.fetched)"
            if column == "fetched_at"
            else "to_timestamp(r.fetched + r.keep_s)"
            if column == "expires_at"
            else f"r.{column}"
            for column in types
        )
        typed = ", ".join(
            f"{column} {kind}"
            for column, kind in types.items()
            if column not in ("fetched_at", "expires_at")
        )
        updates = ", ".join(
            f"{column} = EXCLUDED.{column}" for column in types if column not in key
        )
        # Names come from the declared tables, never from users.
        upsert: Any = (
            f"INSERT INTO {name} AS t ({', '.join(types)}) SELECT {select}"
            f" FROM jsonb_to_recordset(%s::jsonb)"
            f" AS r ({typed}, fetched float8, keep_s float8)"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}"
            f" WHERE EXCLUDED.fetched_at >= t.fetched_at"
        )
        self._upsert = cast("LiteralString", upsert)

    async def store(
        self,
        conn: psycopg.AsyncConnection,
        answers: Sequence[tuple[Answered, bytes]],
        providers: Mapping[str, Provider],
    ) -> int:
        """Upsert the rows of `answers`; returns how many were quarantined instead.

        Runs under a savepoint of the caller's transaction: nothing of it can undo the ledger.
        """
        refused: list[_Refusal] = []
        rows: list[tuple[int, bytes]] = []
        for claim, body in answers:
            row = self._row(claim, body, providers[claim.provider], refused)
            if row is not None:
                rows.append((claim.claim_id, row))
        await self._upsert_all(conn, rows, refused)
        if refused:
            await conn.execute(
                _QUARANTINE,
                (
                    self.step,
                    self.name,
                    [one.claim_id for one in refused],
                    [one.rule for one in refused],
                    [one.column for one in refused],
                ),
            )
        return len(refused)

    def _row(
        self, claim: Answered, body: bytes, provider: Provider, refused: list[_Refusal]
    ) -> bytes | None:
        try:
            values = provider.parse(claim.operation, body)
        except BadResponse as error:
            refused.append(_Refusal(claim.claim_id, error.message, None))
            return None
        unknown = values.keys() - self.columns
        if unknown:
            refused.append(_Refusal(claim.claim_id, "column_not_declared", min(unknown)))
            return None
        row: dict[str, Any] = {
            **values,
            "subject_id": claim.subject_id,
            "provider": claim.provider,
            "operation": claim.operation,
            "params_hash": f"\\x{claim.params_hash.hex()}",
            "claim_id": claim.claim_id,
            "outcome": claim.outcome,
            "licence_class": provider.operations[claim.operation].licence_class,
            "fetched": claim.fetched,
            "keep_s": claim.keep_s,
        }
        return orjson.dumps(row)

    async def _upsert_all(
        self,
        conn: psycopg.AsyncConnection,
        rows: Sequence[tuple[int, bytes]],
        refused: list[_Refusal],
    ) -> None:
        """Upsert, halving a refused group until the rows that break a rule stand alone."""
        if not rows:
            return
        try:
            async with conn.transaction():
                document = b"[" + b",".join([row for _, row in rows]) + b"]"
                await conn.execute(self._upsert, (document.decode(),))
        except (
            psycopg.errors.IntegrityError,
            psycopg.errors.DataError,
            psycopg.errors.CardinalityViolation,
        ) as error:
            if len(rows) == 1:
                rule = error.diag.constraint_name or error.sqlstate or "refused"
                refused.append(_Refusal(rows[0][0], rule, error.diag.column_name))
                return
            middle = len(rows) // 2
            await self._upsert_all(conn, rows[:middle], refused)
            await self._upsert_all(conn, rows[middle:], refused)


def _type(column: sa.Column[Any]) -> str:
    return str(column.type.compile(dialect=_DIALECT))
