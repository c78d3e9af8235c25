"""Pairs become clusters: agglomeration that never unites what is known to be apart.

Belongs here: components, the closure of their pairs, and the constrained merging inside them.
Does not: pairs and verdicts (`matching.pairs`, `matching.guard`), ids of clusters and the log
(`matching.log`).

A component is what automatic pairs connect. Inside it every two records are compared, also those
no key brought together: one record in the middle must not unite a junior with a senior, or two
people through a nameless row. Where nothing in a component speaks against it, it is a cluster.
Elsewhere the strongest pairs merge first and a merge is refused when any two records of both
sides exclude each other, or the cluster would grow too large. A person's decision comes first.
Where one id or one birth date and name proves two records to be one person's, names or dates that
contradict inside the cluster are mistakes, and exclude nobody; Jr and Sr still do.
Ties break on hashes of the rows, so that neither order nor numbering of the input matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import duckdb

from bulk_lookup_dagster.matching.model import Model
from bulk_lookup_dagster.matching.pairs import make_pairs

Pair = tuple[int, int]
_MUST = 10_000.0
CONFLICTS = ("household", "colleague", "Jr and Sr", "other birth date", "another site",
             "another organisation", "one of its people", "close names")  # fmt: skip
"""Reasons that keep two records of one component apart; the other ones only fail to unite them."""
MISTAKEN = ("household", "colleague", "other birth date", "close names")
"""Conflicts that do not stand against proof of identity."""
PROOF = ("same id", "birth date and id alike", "same birth date, names alike")
"""Reasons of automatic pairs that prove who somebody is, not only that all agrees."""


@dataclass(frozen=True)
class Edge:
    """Two records that may merge, and how strongly."""

    a: int
    b: int
    score: float
    proof: bool = False


@dataclass
class Clustering:
    """Cluster (by its record with the least hash) of each record, and pairs that were refused."""

    of: dict[int, int] = field(default_factory=dict)
    refused: list[Pair] = field(default_factory=list)


def components(edges: Iterable[Pair]) -> dict[int, int]:
    """The root of every record that an edge touches."""
    root: dict[int, int] = {}

    def find(item: int) -> int:
        while (parent := root.setdefault(item, item)) != item:
            root[item] = item = root[parent]
        return item

    for a, b in edges:
        first, second = find(a), find(b)
        if first != second:
            root[max(first, second)] = min(first, second)
    return {item: find(item) for item in list(root)}


def agglomerate(
    edges: Sequence[Edge],
    apart: Iterable[Pair],
    order: Mapping[int, bytes],
    largest: int,
    mistaken: Iterable[Pair] = (),
) -> Clustering:
    """Merge along edges, the strongest first; `apart` are pairs that exclude each other.

    `mistaken` exclude each other too, but not against proof. `order` has the hash of every
    record; it breaks ties and names the cluster.
    """
    certain, excluded = _sides(apart), _sides(apart, mistaken)
    members: dict[int, list[int]] = {item: [item] for edge in edges for item in (edge.a, edge.b)}
    home = {item: item for item in members}
    done = Clustering()

    def rank(edge: Edge) -> tuple[float, bytes, bytes]:
        first, second = sorted((order[edge.a], order[edge.b]))
        return -edge.score, first, second

    for edge in sorted(edges, key=rank):
        one, two = home[edge.a], home[edge.b]
        if one == two:
            continue
        small, large = sorted((one, two), key=lambda item: len(members[item]))
        too_large = edge.score < _MUST and len(members[one]) + len(members[two]) > largest
        against = certain if edge.proof else excluded
        if too_large or any(
            not against[item].isdisjoint(members[large]) for item in members[small]
        ):
            done.refused.append((edge.a, edge.b))
            continue
        members[large] += members.pop(small)
        for item in members[large]:
            home[item] = large
    for group in members.values():
        name = min(group, key=order.__getitem__)
        done.of.update(dict.fromkeys(group, name))
    return done


def _sides(*parts: Iterable[Pair]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for a, b in chain.from_iterable(parts):
        found[a].add(b)
        found[b].add(a)
    return found


def make_clusters(db: duckdb.DuckDBPyConnection, model: Model, band: int) -> Clustering:
    """Cluster the records of `people` by `pairs`, with overrides (a, b, must) first."""
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE edges AS
        SELECT p.a, p.b, p.score, p.reason IN ({_quoted(PROOF)}) AS proof FROM pairs p
          LEFT JOIN overrides o ON o.a = p.a AND o.b = p.b
         WHERE p.verdict = 'auto' AND o.a IS NULL
        UNION ALL SELECT a, b, {_MUST}, FALSE FROM overrides WHERE must
    """)
    pairs = _columns(db, "SELECT a, b FROM edges")
    roots = components(zip(*pairs, strict=True))
    _load_roots(db, roots)
    _make_closure(db, model, band)
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE apart AS
        SELECT q.a, q.b, roots.root,
               o.must IS NULL AND q.reason IN ({_quoted(MISTAKEN)}) AS mistaken
          FROM closed q
          JOIN roots ON roots.contact_id = q.a
          LEFT JOIN overrides o ON o.a = q.a AND o.b = q.b
         WHERE coalesce(NOT o.must, q.reason IN ({_quoted(CONFLICTS)}) AND q.verdict <> 'auto')
    """)
    return _merge(db, roots, model.largest_cluster)


def _load_roots(db: duckdb.DuckDBPyConnection, roots: Mapping[int, int]) -> None:
    import numpy as np
    import pyarrow as pa

    size = len(roots)
    items = pa.table({
        "contact_id": np.fromiter(roots.keys(), np.int64, size),
        "root": np.fromiter(roots.values(), np.int64, size),
    })  # fmt: skip
    db.register("items", items)
    db.execute("""
        CREATE OR REPLACE TEMP TABLE roots AS
        SELECT *, count(*) OVER (PARTITION BY root) AS size FROM items
    """)
    db.unregister("items")


def _make_closure(db: duckdb.DuckDBPyConnection, model: Model, band: int) -> None:
    """Table `closed`: every pair inside the components, scored; those of two need no more."""
    limit = 4 * model.largest_cluster
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE inside AS
        SELECT l.contact_id AS a, r.contact_id AS b, 0 AS found_by
          FROM roots l JOIN roots r ON r.root = l.root AND l.contact_id < r.contact_id
         WHERE l.size BETWEEN 3 AND {limit}
         UNION SELECT o.a, o.b, 0 FROM overrides o
          JOIN roots l ON l.contact_id = o.a JOIN roots r ON r.contact_id = o.b AND r.root = l.root
    """)
    make_pairs(db, model, band, candidates="inside", table="closed", keep_all=True)


def _merge(db: duckdb.DuckDBPyConnection, roots: Mapping[int, int], largest: int) -> Clustering:
    """Take peaceful components whole; agglomerate in the others."""
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE disputed AS
        SELECT root FROM apart UNION SELECT root FROM roots WHERE size > {largest}
    """)
    whole = _columns(
        db,
        """
        SELECT r.contact_id, arg_min(p.contact_id, p.row_hash) OVER (PARTITION BY r.root)
          FROM roots r JOIN people p ON p.contact_id = r.contact_id
         WHERE r.root NOT IN (FROM disputed)
    """,
    )
    done = Clustering(dict(zip(*whole, strict=True)))
    edges: dict[int, list[Edge]] = defaultdict(list)
    for a, b, score, proof in db.execute("""
        SELECT e.a, e.b, e.score, e.proof FROM edges e JOIN roots r ON r.contact_id = e.a
         WHERE r.root IN (FROM disputed)
    """).fetchall():
        edges[roots[a]].append(Edge(a, b, score, proof))
    apart: dict[tuple[int, bool], list[Pair]] = defaultdict(list)
    for a, b, root, mistaken in db.execute("SELECT a, b, root, mistaken FROM apart").fetchall():
        apart[root, mistaken].append((a, b))
    order = dict(db.execute("""
        SELECT p.contact_id, p.row_hash FROM people p JOIN roots r ON r.contact_id = p.contact_id
         WHERE r.root IN (FROM disputed)
    """).fetchall())  # fmt: skip
    for root, inside in edges.items():
        part = agglomerate(inside, apart[root, False], order, largest, apart[root, True])
        done.of.update(part.of)
        done.refused += part.refused
    return done


def _quoted(reasons: Iterable[str]) -> str:
    return ", ".join(f"'{reason}'" for reason in reasons)


def _columns(db: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    found = db.execute(query).fetchnumpy()
    return [values.tolist() for values in found.values()]
