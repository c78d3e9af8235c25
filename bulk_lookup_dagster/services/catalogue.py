"""The models as dbt's manifest describes them: columns, tests, lineage, who reads them.

Belongs here: the manifest as records, and finding among them. Does not: what a build made of them
(`services.build_results`), how they are shown (`web.catalogue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from bulk_lookup_dagster.core.errors import StorageError

LAYERS = ("marts", "intermediate", "staging")
PARSE = ".venv/bin/dbt parse --project-dir dbt_project --profiles-dir dbt_project"
_MARKS = ("masked", "licensed")
# Words a test adds to its name: what it was given, in the order people read it.
_SHOWN = ("values", "columns", "to", "field", "words")


@dataclass(frozen=True)
class Check:
    """One data test of a model, or of one of its columns."""

    unique_id: str
    words: str
    column: str


@dataclass(frozen=True)
class Column:
    """One column; `marks` tell that it is masked, or shown only while a licence lasts."""

    name: str
    type: str
    description: str
    marks: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Example:
    """One unit test: a rule of the model with its example."""

    name: str
    description: str


@dataclass(frozen=True)
class Exposure:
    """Somebody who reads models."""

    unique_id: str
    label: str
    description: str
    owner: str


@dataclass(frozen=True)
class Source:
    """A table of the platform that models read."""

    unique_id: str
    name: str
    description: str


@dataclass(frozen=True)
class Model:
    """One model; `upstream` and `downstream` are ids of models, sources and exposures."""

    unique_id: str
    name: str
    layer: str
    description: str
    owner: str
    kind: str
    path: str
    sql: str
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    examples: tuple[Example, ...]
    upstream: tuple[str, ...]
    downstream: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """Everything the manifest holds that a reader wants to know, by id."""

    models: Mapping[str, Model]
    sources: Mapping[str, Source]
    exposures: Mapping[str, Exposure]

    def find(self, name: str) -> Model | None:
        """The model of this name."""
        return next((one for one in self.models.values() if one.name == name), None)

    def search(self, text: str) -> list[Model]:
        """Models in which every word occurs, marts first; those named so before the others."""
        words = text.lower().split()
        found = [one for one in self.models.values() if all(w in _text(one) for w in words)]
        named = {one.unique_id for one in found if all(w in one.name for w in words)}
        return sorted(
            found,
            key=lambda one: (LAYERS.index(one.layer), one.unique_id not in named, one.name),
        )


def read_catalogue(manifest: Path) -> Catalogue:
    """The catalogue of a manifest; the same file is read once."""
    try:
        return _read(manifest, manifest.stat().st_mtime_ns)
    except (OSError, KeyError, orjson.JSONDecodeError) as error:
        raise StorageError(
            "dbt's manifest, which the catalogue is made from, is missing or cannot be read.",
            fix=f"Run: {PARSE}",
            code="no_manifest",
        ) from error


@lru_cache(maxsize=1)
def _read(manifest: Path, _written: int) -> Catalogue:
    document = orjson.loads(manifest.read_bytes())
    nodes = document["nodes"].values()
    checks = [_check(node) for node in nodes if node["resource_type"] == "test"]
    owners = {name: _owner(group["owner"]) for name, group in _groups(document)}
    models = [
        _model(node, document, owners, [check for of, check in checks if of == node["unique_id"]])
        for node in nodes
        if node["resource_type"] == "model"
    ]
    return Catalogue(
        models={one.unique_id: one for one in models},
        sources={one["unique_id"]: _source(one) for one in document["sources"].values()},
        exposures={one["unique_id"]: _exposure(one) for one in document["exposures"].values()},
    )


def _groups(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return ((group["name"], group) for group in document["groups"].values())


def _owner(owner: Mapping[str, Any]) -> str:
    return str(owner.get("name") or owner.get("email") or "")


def _model(
    node: Mapping[str, Any],
    document: Mapping[str, Any],
    owners: Mapping[str, str],
    checks: Sequence[Check],
) -> Model:
    own = node["unique_id"]
    return Model(
        unique_id=own,
        name=node["name"],
        layer=node["fqn"][1],
        description=node["description"],
        owner=owners.get(node["config"]["group"] or "", ""),
        kind=node["config"]["materialized"],
        path=node["original_file_path"],
        sql=node["raw_code"].strip(),
        columns=tuple(_column(column, checks) for column in node["columns"].values()),
        checks=tuple(check for check in checks if not check.column),
        examples=tuple(
            Example(one["name"].replace("_", " "), one["description"])
            for one in document["unit_tests"].values()
            if one["model"] == node["name"]
        ),
        upstream=tuple(sorted(node["depends_on"]["nodes"])),
        downstream=_shown(document["child_map"][own]),
    )


def _shown(children: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(one for one in children if one.startswith(("model.", "exposure."))))


def _column(column: Mapping[str, Any], checks: Sequence[Check]) -> Column:
    meta = column["config"]["meta"]
    return Column(
        name=column["name"],
        type=column["data_type"] or "",
        description=column["description"],
        marks=tuple(mark for mark in _MARKS if meta.get(mark)),
        checks=tuple(check for check in checks if check.column == column["name"]),
    )


def _check(node: Mapping[str, Any]) -> tuple[str, Check]:
    """The model a test belongs to, and the test in words."""
    about = node["test_metadata"] or {"name": node["name"], "kwargs": {}}
    given = [_given(about["kwargs"][name]) for name in _SHOWN if name in about["kwargs"]]
    words = " ".join([about["name"].replace("_", " "), *given]).strip()
    return node["attached_node"], Check(node["unique_id"], words, node["column_name"] or "")


def _given(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_given(words)}" for name, words in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).removeprefix("ref('").removesuffix("')")


def _source(node: Mapping[str, Any]) -> Source:
    name = f"{node['source_name']}.{node['name']}"
    return Source(node["unique_id"], name, node["description"])


def _exposure(node: Mapping[str, Any]) -> Exposure:
    return Exposure(
        node["unique_id"], node["label"] or node["name"], node["description"], _owner(node["owner"])
    )


def _text(model: Model) -> str:
    columns = (f"{column.name} {column.description}" for column in model.columns)
    return " ".join([model.name, model.description, model.owner, *columns]).lower()
