"""The one scoring query: candidates become pairs with levels, bits, rule and verdict.

Belongs here: its SQL. Does not: which records meet (`matching.keys`), its parts (`comparisons`,
`model`, `guard`).
"""

from __future__ import annotations

import duckdb

from bulk_lookup_dagster.matching.comparisons import COMPARISONS, level_sql, vector_sql
from bulk_lookup_dagster.matching.guard import FACTS, RULES, guard_sql, verdict_sql
from bulk_lookup_dagster.matching.keys import EMAIL, PHONE
from bulk_lookup_dagster.matching.model import Model

RARE_BITS = 11.5
"""Rarity (1 in 2,900) from which a name may be a misspelling of another; unheard-of ones may."""
_WEIGHT = 500
LEAST_FREQUENCY = 5
"""Names that fewer records bear are not kept as frequencies: they would tell of persons."""


def make_frequencies(db: duckdb.DuckDBPyConnection) -> None:
    """Table `frequencies` (kind, name, record_count) of the names in `records`."""
    db.execute(f"""
        CREATE OR REPLACE TABLE frequencies AS
        SELECT kind, name, count(*) AS record_count
          FROM (SELECT 'first' AS kind, first AS name FROM records WHERE first IS NOT NULL
                UNION ALL
                SELECT 'last', last FROM records WHERE last IS NOT NULL)
         GROUP BY ALL HAVING count(*) >= {LEAST_FREQUENCY}
    """)


def make_people(
    db: duckdb.DuckDBPyConnection,
    model: Model,
    frozen_records: int,
    keys: str = "keys",
    stats: str = "key_stats",
) -> None:
    """Table `people`: records with what every comparison of them would work out anew.

    Rarity of names, parts of the e-mail address, and how many names have its phone and e-mail:
    from a table of keys and one with the number of names under each.
    """
    total = max(frozen_records, 1)

    def bits(alias: str, comparison: str) -> str:
        # Few records say little about a name: the model's average weighs as much as 500 of them.
        usual = next(w.u for w in model.weights[comparison] if w.name == "same")
        seen = f"(coalesce({alias}.record_count, 2) + {_WEIGHT} * {usual})"
        return f"least({model.rarest_bits}, log2(({total} + {_WEIGHT}) / {seen}))"

    db.execute(f"""
        CREATE OR REPLACE TABLE people AS
        SELECT r.*, split_part(r.email, '@', 1) AS mailbox, split_part(r.email, '@', 2) AS host,
               regexp_extract(split_part(r.email, '@', 1), '[0-9]*$') AS email_number,
               {bits("f", "first")} AS first_bits, {bits("g", "last")} AS last_bits,
               f.name IS NULL OR {bits("f", "first")} >= {RARE_BITS} AS first_rare,
               g.name IS NULL OR {bits("g", "last")} >= {RARE_BITS} AS last_rare,
               coalesce(p.name_count, 1) AS phone_names, coalesce(e.name_count, 1) AS email_names
          FROM records r
          LEFT JOIN frequencies f ON f.kind = 'first' AND f.name = r.first
          LEFT JOIN frequencies g ON g.kind = 'last' AND g.name = r.last
          LEFT JOIN (SELECT k.contact_id, s.name_count FROM {keys} k JOIN {stats} s USING (key)
                      WHERE k.kind = {PHONE}) p ON p.contact_id = r.contact_id
          LEFT JOIN (SELECT k.contact_id, s.name_count FROM {keys} k JOIN {stats} s USING (key)
                      WHERE k.kind = {EMAIL}) e ON e.contact_id = r.contact_id
    """)


def make_pairs(
    db: duckdb.DuckDBPyConnection,
    model: Model,
    band: int,
    *,
    candidates: str = "candidates",
    table: str = "pairs",
    keep_all: bool = False,
) -> None:
    """Table of scored pairs; without `keep_all` those that nothing speaks for are left out."""
    digits = ",\n".join(f"{level_sql(item)} AS d_{item.name}" for item in COMPARISONS)
    facts = ",\n".join(f"{sql} AS {name}" for name, sql in FACTS.items())
    reasons = ", ".join(f"'{reason}'" for _, reason, _ in RULES)
    db.execute(f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH compared AS (
            SELECT c.a, c.b, c.found_by, {digits}, {facts}
              FROM {candidates} c
              JOIN people l ON l.contact_id = c.a JOIN people r ON r.contact_id = c.b
        ), scored AS (
            SELECT a, b, found_by, {vector_sql()} AS levels, {guard_sql()} AS rule,
                   round({model.prior(band):.4f} + {model.bits_sql()}, 3) AS score
              FROM compared
        )
        SELECT a, b, found_by, levels, rule::TINYINT AS rule, score,
               {verdict_sql(model, band)} AS verdict, ([{reasons}])[rule + 1] AS reason
          FROM scored {"" if keep_all else f"WHERE score >= {model.thresholds.related}"}
    """)
