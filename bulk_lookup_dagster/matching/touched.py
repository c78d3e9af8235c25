"""What new contacts touch: blocks of their keys counted anew, and the pairs to compare again.

Belongs here: which known contacts have to be looked at, and statistics of touched keys. Does not:
scoring (`matching.pairs`), how far components reach (`matching.reach`), storing (`incremental`).

*Fresh* contacts are new ones and those noted as stale. Their keys are *touched*, as are keys noted
as stale; whoever else has one of them is fetched. A pair is compared again when one of both is
fresh, or when both have a key that *flipped*: it became generic, or so many names have it now that
it proves less, as a private number that became shared. Every other pair is what it was, because
nothing it depends on has changed.
"""

from __future__ import annotations

from typing import Any, LiteralString

import duckdb
import psycopg

from bulk_lookup_dagster.matching import keys
from bulk_lookup_dagster.matching.comparisons import FEW_NAMES
from bulk_lookup_dagster.matching.transfer import RECORD_TYPES, RECORDS_OUT, fetch, hand

Connection = psycopg.Connection[Any]

_LIMITS: LiteralString = " ".join(f"WHEN {kind.number} THEN {kind.limit}" for kind in keys.KINDS)
_SIGNATURE: LiteralString = keys.SIGNATURE
_NAMED: LiteralString = f"kind IN ({keys.PHONE:d}, {keys.EMAIL:d})"
_TOUCHED: tuple[LiteralString, ...] = (
    """
    INSERT INTO touched (
        SELECT k.key, k.kind FROM noted JOIN matching.keys k USING (contact_id)
        UNION SELECT s.key, s.kind FROM noted_keys JOIN matching.key_stats s USING (key)
    ) EXCEPT SELECT key, kind FROM touched
    """,
    "ANALYZE touched",
    # Blocks that stay generic are counted where they are: they may hold half of all contacts.
    f"""
    CREATE TEMP TABLE large ON COMMIT DROP AS
    SELECT s.key, s.kind, count(*) AS record_count
      FROM touched t JOIN matching.key_stats s ON s.key = t.key AND s.is_generic
      JOIN matching.keys k ON k.key = s.key
     GROUP BY s.key, s.kind HAVING count(*) > CASE s.kind {_LIMITS} END
    """,
    "ANALYZE large",
)
_STATS: LiteralString = """
    SELECT s.* FROM touched t CROSS JOIN LATERAL (
        SELECT key, kind, record_count, name_count, is_generic FROM matching.key_stats
         WHERE key = t.key OFFSET 0) s
"""
_STAT_TYPES = (
    "key BIGINT, kind SMALLINT, record_count INTEGER, name_count INTEGER, is_generic BOOLEAN"
)
_LARGE: LiteralString = "SELECT key, kind, record_count FROM large"
_LARGE_NAMES: LiteralString = f"""
    SELECT DISTINCT k.key, {_SIGNATURE} FROM large l
      JOIN matching.keys k ON k.key = l.key
      JOIN matching.records r ON r.contact_id = k.contact_id
     WHERE l.{_NAMED}
"""
# The kind comes from `touched`, so that the index on keys is all that is read.
_BLOCKS: LiteralString = """
    SELECT k.contact_id, t.kind, k.key FROM touched t JOIN matching.keys k ON k.key = t.key
     WHERE NOT EXISTS (SELECT FROM large l WHERE l.key = t.key)
"""
_KEY_TYPES = "contact_id BIGINT, kind SMALLINT, key BIGINT"
_RECORDS: LiteralString = f"SELECT {RECORDS_OUT} FROM who JOIN matching.records USING (contact_id)"
_WHOLE_BLOCKS: LiteralString = """
    SELECT k.contact_id, k.kind, k.key FROM flipped_large f JOIN matching.keys k ON k.key = f.key
"""
_BESIDE_KEYS: LiteralString = """
    SELECT k.contact_id, k.kind, k.key, s.name_count, s.is_generic
      FROM beside b JOIN matching.keys k ON k.contact_id = b.contact_id
      JOIN matching.key_stats s ON s.key = k.key
"""
_PAIR_COLUMNS: LiteralString = (
    "contact_a, contact_b, levels, score, verdict, reason, found_by, model_version"
)
_KNOWN_PAIRS: LiteralString = f"""
    SELECT {_PAIR_COLUMNS} FROM matching.pairs JOIN beside ON contact_a = contact_id
    UNION SELECT {_PAIR_COLUMNS} FROM matching.pairs JOIN noted ON contact_a = contact_id
    UNION SELECT {_PAIR_COLUMNS} FROM matching.pairs JOIN noted ON contact_b = contact_id
"""
_PAIR_TYPES = (
    "a BIGINT, b BIGINT, levels VARCHAR, score DOUBLE, verdict VARCHAR, reason VARCHAR,"
    " found_by INTEGER, model_version VARCHAR"
)


def _degree(stats: str) -> str:
    """What a pair makes of the number of names under its phone or e-mail (`comparisons`)."""
    names = f"coalesce({stats}.name_count, 1)"
    return (
        f"CASE WHEN {names} <= 1 THEN 1"
        f" WHEN n.kind = {keys.EMAIL} OR {names} <= {FEW_NAMES} THEN 2 ELSE 3 END"
    )


def fetch_touched(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """From `records` and `keys` of new contacts and `stale`: these tables for whom that concerns.

    Makes `fresh`, `key_stats` (of touched keys, as it is with the new contacts) and `known_stats`
    (as it was).
    """
    hand(conn, db, "FROM stale ORDER BY contact_id", "noted", "contact_id")
    hand(conn, db, "FROM stale_keys ORDER BY key", "noted_keys", "key")
    query = "SELECT DISTINCT key, kind FROM keys ORDER BY key"
    hand(conn, db, query, "touched", "key, kind")
    for statement in _TOUCHED:
        conn.execute(statement)
    fetch(conn, db, _STATS, "known_stats", _STAT_TYPES)
    fetch(conn, db, _LARGE, "large", "key BIGINT, kind SMALLINT, record_count BIGINT")
    fetch(conn, db, _BLOCKS, "fetched", _KEY_TYPES)
    db.execute("INSERT INTO keys FROM fetched")
    fetch_records(conn, db, "SELECT contact_id FROM fetched UNION FROM stale")
    # Somebody noted as stale may be gone since.
    db.execute("DELETE FROM stale WHERE contact_id NOT IN (SELECT contact_id FROM records)")
    db.execute("CREATE TABLE fresh AS FROM added UNION FROM stale")
    _count(conn, db)


def fetch_records(conn: Connection, db: duckdb.DuckDBPyConnection, contacts: str) -> None:
    """Add to `records` those of a query's contacts that are not there."""
    query = f"SELECT contact_id FROM ({contacts}) ANTI JOIN records USING (contact_id) ORDER BY 1"
    hand(conn, db, query, "who", "contact_id")
    fetch(conn, db, _RECORDS, "fetched", RECORD_TYPES)
    db.execute("INSERT INTO records FROM fetched")


def _count(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """Table `key_stats`; for large blocks PostgreSQL's numbers and the new contacts' together."""
    keys.make_stats(db)
    fetch(conn, db, _LARGE_NAMES, "large_names", "key BIGINT, signature VARCHAR")
    db.execute(f"""
        INSERT INTO large_names
        SELECT k.key, {keys.SIGNATURE} FROM keys k JOIN large l ON l.key = k.key AND l.{_NAMED}
          JOIN records r ON r.contact_id = k.contact_id
    """)
    db.execute("DELETE FROM key_stats WHERE key IN (SELECT key FROM large)")
    db.execute("""
        INSERT INTO key_stats
        WITH named AS (
            SELECT key, count(DISTINCT signature) AS names FROM large_names GROUP BY key
        ), added AS (SELECT key, count(*) AS records FROM keys GROUP BY key)
        SELECT l.key, l.kind, l.record_count + coalesce(a.records, 0), coalesce(n.names, 0),
               coalesce(n.names, 0) > 1, TRUE
          FROM large l LEFT JOIN named n ON n.key = l.key LEFT JOIN added a ON a.key = l.key
    """)


def make_candidates(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """Table `candidates`: pairs to compare again; `known_pairs`: what is stored of such pairs.

    Makes `flips` too, the known contacts under flipped keys, and `shares`: how many names have
    which phone and e-mail.
    """
    _find_flips(conn, db)
    hand(conn, db, "SELECT DISTINCT contact_id FROM flips ORDER BY 1", "beside", "contact_id")
    fetch(conn, db, _BESIDE_KEYS, "beside_keys", f"{_KEY_TYPES}, names INTEGER, generic BOOLEAN")
    db.execute("""
        CREATE TABLE candidates AS
        WITH live AS (
            SELECT k.* FROM keys k JOIN key_stats s ON s.key = k.key AND NOT s.is_generic
        )
        SELECT least(f.contact_id, o.contact_id) AS a, greatest(f.contact_id, o.contact_id) AS b,
               bit_or(1 << f.kind)::INTEGER AS found_by
          FROM live f SEMI JOIN fresh USING (contact_id)
          JOIN live o ON o.key = f.key AND o.contact_id <> f.contact_id
         GROUP BY 1, 2
    """)
    db.execute(f"""
        INSERT INTO candidates
        WITH live AS (
            SELECT b.* FROM beside_keys b LEFT JOIN key_stats s ON s.key = b.key
             WHERE NOT coalesce(s.is_generic, b.generic)
        ), met AS (
            SELECT l.contact_id AS a, r.contact_id AS b, bit_or(1 << l.kind)::INTEGER AS found_by
              FROM live l JOIN live r ON r.key = l.key AND l.contact_id < r.contact_id
             GROUP BY 1, 2
        )
        FROM met WHERE (a, b) IN ({_flipped_pairs("met")})
    """)
    fetch(conn, db, _KNOWN_PAIRS, "known_pairs", _PAIR_TYPES)
    db.execute(f"""
        DELETE FROM known_pairs
         WHERE a NOT IN (FROM stale) AND b NOT IN (FROM stale)
           AND (a, b) NOT IN ({_flipped_pairs("known_pairs")})
    """)
    db.execute(f"""
        CREATE TABLE shares AS
        SELECT key, name_count FROM key_stats WHERE {_NAMED}
         UNION SELECT key, names FROM beside_keys ANTI JOIN key_stats USING (key) WHERE {_NAMED}
    """)


def _find_flips(conn: Connection, db: duckdb.DuckDBPyConnection) -> None:
    """Table `flips` (contact_id, key): known contacts that share a flipped key with another."""
    db.execute(f"""
        CREATE TABLE flipped AS
        SELECT n.key FROM key_stats n LEFT JOIN known_stats s ON s.key = n.key
         WHERE n.is_generic <> coalesce(s.is_generic, FALSE)
            OR n.{_NAMED} AND {_degree("n")} <> {_degree("s")}
    """)
    hand(conn, db, "SELECT key FROM flipped SEMI JOIN large USING (key)", "flipped_large", "key")
    fetch(conn, db, _WHOLE_BLOCKS, "whole_blocks", _KEY_TYPES)
    fetch_records(conn, db, "SELECT contact_id FROM whole_blocks")
    db.execute("""
        CREATE TABLE flips AS
        SELECT contact_id, key
          FROM (SELECT k.contact_id, k.key, count(*) OVER (PARTITION BY k.key) AS known
                  FROM (FROM keys UNION FROM whole_blocks) k
                  SEMI JOIN flipped USING (key) ANTI JOIN fresh USING (contact_id))
         WHERE known > 1
    """)


def _flipped_pairs(table: str) -> str:
    """Those pairs of a table that have a flipped key in common."""
    return (
        f"SELECT p.a, p.b FROM {table} p JOIN flips x ON x.contact_id = p.a"
        " JOIN flips y ON y.contact_id = p.b AND y.key = x.key"
    )
