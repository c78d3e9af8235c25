"""Blocking keys: what two records must share to be compared, and what sharing it proves.

Belongs here: the ten keys, their statistics and flags. Does not: comparing (`matching.pairs`).

A key is *shared* when records under it bear different names: a switchboard, a household's land
line, a recycled number, a role mailbox. It still brings records together, and proves little. It
is *generic* when so many records have it that comparing them all would say nothing; generic
blocks are skipped, and recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class KeyKind:
    """A way to bring records together: SQL over a record, and the largest block worth comparing."""

    number: int
    name: str
    value: str
    limit: int


_TAIL = "coalesce(left(last, 2), left(company, 2))"
KINDS = (
    KeyKind(1, "phone", "phone", 100),
    KeyKind(2, "email", "email", 100),
    KeyKind(3, "phone_end", f"right(phone, 7) || {_TAIL}", 60),
    KeyKind(4, "full_name", "least(coalesce(given, first), last) || '/' "
            "|| greatest(coalesce(given, first), last)", 40),
    KeyKind(5, "name_area", "left(last, 4) || left(first, 1) || coalesce(postal, city)", 60),
    KeyKind(6, "address", "house || '/' || left(split_part(street, ' ', "
            "CASE WHEN length(split_part(street, ' ', 1)) < 3 THEN 2 ELSE 1 END), 4)", 60),
    KeyKind(7, "company", "replace(left(company, 14), ' ', '') "
            "|| '/' || coalesce(last, city, '')", 60),
    KeyKind(8, "mailbox", "CASE WHEN NOT is_role AND length(split_part(email, '@', 1)) > 5 "
            "THEN split_part(email, '@', 1) END", 10),
    KeyKind(9, "birth", "birth_date || coalesce(left(first, 1), '')", 60),
    KeyKind(10, "person_id", "person_id", 40),
)  # fmt: skip
NAMES: Mapping[int, str] = {kind.number: kind.name for kind in KINDS}
PHONE, EMAIL = 1, 2
POINTS = tuple(kind for kind in KINDS if kind.number in (PHONE, EMAIL))
"""Keys that prove more or less by how many names have them."""
SIGNATURE = """
    CASE WHEN last IS NOT NULL OR first IS NOT NULL
         THEN least(left(coalesce(given, first, last), 1), left(coalesce(last, first), 1))
              || greatest(left(coalesce(given, first, last), 1), left(coalesce(last, first), 1))
         WHEN company IS NOT NULL AND (k.kind = 1 OR is_role) THEN '=' || left(company, 3) END
"""
"""What counts as a name under a key: initials, so that a nickname or typo is no second person.

A company without a person counts as one under a phone, not under somebody's own mailbox."""
# DuckDB's own hash may change with its version, which is pinned: NORMALISER rises with it. The
# sign bit stays free.
_HASH = "CASE WHEN ({value}) IS NOT NULL THEN (hash('{number}:' || ({value})) >> 1)::BIGINT END"


def make_keys(
    db: duckdb.DuckDBPyConnection, kinds: Sequence[KeyKind] = KINDS, table: str = "keys"
) -> None:
    """Table of the keys (contact_id, kind, key) that `records` have."""
    columns = ", ".join(
        f"{_HASH.format(number=kind.number, value=kind.value)} AS k{kind.number}" for kind in kinds
    )
    unnest = "UNPIVOT (SELECT contact_id, {columns} FROM records) ON {names} INTO NAME k VALUE key"
    names = ", ".join(f"k{kind.number}" for kind in kinds)
    db.execute(f"""
        CREATE OR REPLACE TABLE {table} AS
        SELECT contact_id, substr(k, 2)::SMALLINT AS kind, key
          FROM ({unnest.format(columns=columns, names=names)})
    """)


def make_stats(db: duckdb.DuckDBPyConnection, table: str = "key_stats") -> None:
    """Table of keys that two or more of `keys` have, with counts and flags.

    Distinct names are counted for phones and e-mails, where they decide; elsewhere they are 0.
    """
    limits = " ".join(f"WHEN {kind.number} THEN {kind.limit}" for kind in KINDS)
    db.execute(f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH blocks AS (
            SELECT key, any_value(kind) AS kind, count(*)::INTEGER AS record_count
              FROM keys GROUP BY key HAVING count(*) > 1
        ), named AS (
            SELECT k.key, count(DISTINCT {SIGNATURE})::INTEGER AS name_count
              FROM keys k JOIN blocks b ON b.key = k.key
              JOIN records r ON r.contact_id = k.contact_id
             WHERE k.kind IN ({PHONE}, {EMAIL})
             GROUP BY k.key
        )
        SELECT b.key, b.kind, b.record_count, coalesce(n.name_count, 0) AS name_count,
               coalesce(n.name_count, 0) > 1 AS is_shared,
               b.record_count > CASE b.kind {limits} END AS is_generic
          FROM blocks b LEFT JOIN named n ON n.key = b.key
    """)


def make_candidates(db: duckdb.DuckDBPyConnection) -> None:
    """Table `candidates` (a, b, found_by): every two records that share a key that is compared."""
    db.execute("""
        CREATE OR REPLACE TABLE candidates AS
        WITH live AS (
            SELECT k.contact_id, k.key, k.kind
              FROM keys k JOIN key_stats s ON s.key = k.key AND NOT s.is_generic
        )
        SELECT l.contact_id AS a, r.contact_id AS b, bit_or(1 << l.kind)::INTEGER AS found_by
          FROM live l JOIN live r ON l.key = r.key AND l.contact_id < r.contact_id
         GROUP BY 1, 2
    """)
