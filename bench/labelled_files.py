"""Labelled CSV files as the benchmark reads them: columns mapped as an upload's.

Belongs here: files and their truth. Does not: scoring (`bench.matching_scores`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bulk_lookup_dagster.intake.columns import known_columns
from bulk_lookup_dagster.matching.clusters import components
from bulk_lookup_dagster.matching.normalise import EXTRA, RAW


def write_labelled(inputs: Sequence[Path], truth: Path | None, out: Path) -> None:
    """A Parquet file with id, entity and the raw columns.

    Ids are those of the first column. Without a file of pairs, ids such as `rec-7-org` and
    `rec-7-dup-0` say themselves who belongs together. Of two files, pairs are across.
    """
    columns: dict[str, list[str | None]] = {name: [] for name in RAW}
    labels: list[tuple[int, str]] = []
    for number, path in enumerate(inputs):
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            headers = [header.strip() for header in next(reader)]
            places = _places(headers)
            for row in reader:
                labels.append((number, row[0].strip()))
                for name in RAW:
                    place = places.get(name)
                    text = row[place].strip() if place is not None and place < len(row) else ""
                    columns[name].append(text or None)
    entities = _entities(labels, truth)
    table = pa.table({
        "id": list(range(len(labels))), "entity": entities,
        "file": [number for number, _ in labels],
        **{name: pa.array(values, pa.string()) for name, values in columns.items()},
    })  # fmt: skip
    pq.write_table(table, out)


def _places(headers: Sequence[str]) -> dict[str, int]:
    found = {name: place for name, place in known_columns(headers).items() if name in RAW}
    words = [header.lower().replace(" ", "_") for header in headers]
    for name, synonyms in EXTRA.items():
        for synonym in synonyms:
            if synonym in words and name not in found:
                found[name] = words.index(synonym)
    return found


def _entities(labels: Sequence[tuple[int, str]], truth: Path | None) -> list[int]:
    places = {label: place for place, label in enumerate(labels)}
    if truth is None:
        groups: dict[str, int] = {}
        return [groups.setdefault(name.split("-dup")[0].removesuffix("-org"), len(groups))
                for _, name in labels]  # fmt: skip
    files = max(number for number, _ in labels)
    edges = []
    with truth.open(newline="", encoding="utf-8-sig") as file:
        for row in list(csv.reader(file))[1:]:
            one, two = (0, row[0].strip()), (min(files, 1), row[1].strip())
            if one in places and two in places:
                edges.append((places[one], places[two]))
    roots = components(edges)
    return [roots.get(place, place) for place in range(len(labels))]
