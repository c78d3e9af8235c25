"""Every model says what it is, who answers for it, and what each of its columns is."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.services.catalogue import LAYERS, Catalogue, read_catalogue
from bulk_lookup_dagster.services.marts import ensure_manifest

_BUILT = """
    SELECT c.relname, a.attname
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'v')
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(ensure_manifest())


def test_every_model_has_a_description_and_an_owner(catalogue: Catalogue) -> None:
    assert len(catalogue.models) > 30
    for model in catalogue.models.values():
        assert model.layer in LAYERS
        assert model.owner, model.name
        assert model.description.endswith("."), model.name


def test_every_column_is_a_sentence(catalogue: Catalogue) -> None:
    """A comma in a one-line YAML mapping would end the sentence early."""
    for model in catalogue.models.values():
        assert model.columns, model.name
        for column in model.columns:
            assert column.description.endswith("."), f"{model.name}.{column.name}"


def test_what_is_described_is_what_is_built(
    catalogue: Catalogue, marts: psycopg.Connection[Any]
) -> None:
    built = set(marts.execute(_BUILT, [list(LAYERS)]).fetchall())
    described = {
        (model.name, column.name) for model in catalogue.models.values() for column in model.columns
    }
    assert described == built


def test_marts_of_contacts_mark_what_is_licensed_or_masked(catalogue: Catalogue) -> None:
    model = catalogue.find("dim_contacts")
    assert model is not None
    ending = re.findall(r"unexpired\(.*(?:as |\}\} as )(\w+)", model.sql)
    assert len(ending) == 10
    marked = {column.name: column.marks for column in model.columns if column.marks}
    assert marked == {**dict.fromkeys(ending, ("licensed",)), "masked_phone": ("masked",)}


def test_whatever_holds_a_masked_number_says_so(catalogue: Catalogue) -> None:
    for model in catalogue.models.values():
        for column in model.columns:
            assert ("masked" in column.marks) == (column.name == "masked_phone"), model.name


def test_sources_and_exposures_are_described(catalogue: Catalogue) -> None:
    assert all(source.description for source in catalogue.sources.values())
    assert all(one.owner and one.description for one in catalogue.exposures.values())
