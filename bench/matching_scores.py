"""How good clusters and pairs are beside the truth; every ratio is defined for nothing found.

Belongs here: precision, recall, B-cubed. Does not: who made the clusters.
"""

from __future__ import annotations

from typing import Any

import duckdb


def ratio(part: float, whole: float) -> float:
    """A share, 1 where there is nothing to share."""
    return round(part / whole, 4) if whole else 1.0


def f1(precision: float, recall: float) -> float:
    """The harmonic mean."""
    return round(2 * precision * recall / (precision + recall), 4) if precision + recall else 0.0


def score(truth: str, out: str) -> dict[str, Any]:
    """`truth` is a Parquet file with id and entity (household and firm where known)."""
    db = duckdb.connect()
    db.execute(f"CREATE TABLE truth AS SELECT * FROM '{truth}'")
    db.execute(f"""
        CREATE TABLE found AS SELECT t.id, t.entity, coalesce(c.cluster, t.id) AS cluster
          FROM truth t LEFT JOIN '{out}.clusters.parquet' c USING (id)
    """)
    known = _one(db, "SELECT sum(n * (n - 1) // 2) FROM"
                 " (SELECT count(*) AS n FROM truth GROUP BY entity)")  # fmt: skip
    return {
        "records": _one(db, "SELECT count(*) FROM truth"),
        "true_pairs": known,
        **_pairs(db, out, known),
        "clusters": _clusters(db, known),
        "b3_f1": _b3(db),
        "largest_cluster": _one(
            db, "SELECT max(n) FROM (SELECT count(*) AS n FROM found GROUP BY cluster)"
        ),
    }


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _pairs(db: duckdb.DuckDBPyConnection, out: str, known: int) -> dict[str, Any]:
    names = {row[0] for row in db.execute("DESCRIBE truth").fetchall()}
    near = "FALSE"
    if {"household", "firm"} <= names:
        near = "x.household = y.household AND x.household >= 0 OR x.firm = y.firm"
    row = db.execute(f"""
        SELECT count(*), coalesce(sum((x.entity = y.entity)::INT), 0),
               coalesce(sum((x.entity <> y.entity AND ({near}))::INT), 0)
          FROM '{out}.pairs.parquet' p
          JOIN truth x ON x.id = p.a JOIN truth y ON y.id = p.b
         WHERE p.verdict = 'auto'
    """).fetchone()
    assert row is not None
    precision, recall = ratio(row[1], row[0]), ratio(row[1], known)
    return {
        "auto": {"precision": precision, "recall": recall, "f1": f1(precision, recall)},
        "household_share": ratio(row[2], row[0]) if row[0] else 0.0,
    }


def _clusters(db: duckdb.DuckDBPyConnection, known: int) -> dict[str, float]:
    made = _one(db, "SELECT sum(n * (n - 1) // 2) FROM"
                " (SELECT count(*) AS n FROM found GROUP BY cluster)")  # fmt: skip
    right = _one(db, "SELECT sum(n * (n - 1) // 2) FROM"
                 " (SELECT count(*) AS n FROM found GROUP BY cluster, entity)")  # fmt: skip
    precision, recall = ratio(right, made), ratio(right, known)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}


def _b3(db: duckdb.DuckDBPyConnection) -> float:
    row = db.execute("""
        WITH shared AS (SELECT cluster, entity, count(*) AS n FROM found GROUP BY ALL),
             c AS (SELECT cluster, count(*) AS n FROM found GROUP BY ALL),
             e AS (SELECT entity, count(*) AS n FROM found GROUP BY ALL)
        SELECT sum(shared.n * shared.n / c.n), sum(shared.n * shared.n / e.n), sum(shared.n)
          FROM shared JOIN c USING (cluster) JOIN e USING (entity)
    """).fetchone()
    assert row is not None
    return f1(ratio(row[0] or 0, row[2] or 0), ratio(row[1] or 0, row[2] or 0))
