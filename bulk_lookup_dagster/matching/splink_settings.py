"""The model written as Splink settings: yardstick, and the way beyond one machine.

Belongs here: translation of levels, weights, keys and prior. Does not: running Splink (an extra).
The guard has no counterpart there: what Splink finds has to pass it afterwards.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb

from bulk_lookup_dagster.matching.comparisons import COMPARISONS
from bulk_lookup_dagster.matching.keys import KINDS
from bulk_lookup_dagster.matching.model import Model

_SIDE = re.compile(r"\b([lr])\.(\w+)")
NAMES = ("first", "last")
"""Columns whose rarity counts; Splink is told of it as term frequencies."""


def make_input(db: duckdb.DuckDBPyConnection, table: str = "input") -> None:
    """Table for Splink of `people`, `keys` and `key_stats`: people and their keys k1 … k10.

    A key whose block is too large to compare is empty, so that both engines compare the same.
    """
    columns = ", ".join(
        f"any_value(k.key) FILTER (k.kind = {kind.number}) AS k{kind.number}" for kind in KINDS
    )
    db.execute(f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH wide AS (
            SELECT k.contact_id, {columns}
              FROM keys k JOIN key_stats s ON s.key = k.key AND NOT s.is_generic
             GROUP BY k.contact_id
        )
        SELECT p.*, w.* EXCLUDE (contact_id)
          FROM people p LEFT JOIN wide w ON w.contact_id = p.contact_id
    """)


def make_term_frequencies(db: duckdb.DuckDBPyConnection, name: str) -> None:
    """Table `tf_<name>` of the share of records that bear a name, as the engine weighs it."""
    db.execute(f"""
        CREATE OR REPLACE TABLE tf_{name} AS
        SELECT {name}, any_value(2.0 ** -{name}_bits) AS tf_{name}
          FROM people WHERE {name} IS NOT NULL GROUP BY {name}
    """)


def splink_settings(model: Model, band: int) -> dict[str, Any]:
    """Settings for a table like `people` with a column k1 … k10 per key."""
    odds = 2.0 ** model.prior(band)
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "contact_id",
        "probability_two_random_records_match": odds / (1 + odds),
        "comparisons": [_comparison(model, item.name) for item in COMPARISONS],
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": f"l.k{kind.number} = r.k{kind.number}", "sql_dialect": "duckdb"}
            for kind in KINDS
        ],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def _comparison(model: Model, name: str) -> dict[str, Any]:
    comparison = next(item for item in COMPARISONS if item.name == name)
    weights = {weight.name: weight for weight in model.weights[name]}
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": _sides(comparison.missing),
            "label_for_charts": "missing",
            "is_null_level": True,
        }
    ]
    for level in comparison.levels:
        written = {
            "sql_condition": _sides(level.condition),
            "label_for_charts": level.name,
            "m_probability": weights[level.name].m,
            "u_probability": weights[level.name].u,
        }
        if level.frequency:
            written["tf_adjustment_column"] = name
            written["tf_minimum_u_value"] = 2.0**-model.rarest_bits
            written["disable_tf_exact_match_detection"] = True
        levels.append(written)
    levels.append(
        {
            "sql_condition": "ELSE",
            "label_for_charts": "differs",
            "m_probability": weights["differs"].m,
            "u_probability": weights["differs"].u,
        }
    )
    return {"output_column_name": name, "comparison_levels": levels}


def _sides(condition: str) -> str:
    return _SIDE.sub(lambda found: f'"{found[2]}_{found[1]}"', condition)
