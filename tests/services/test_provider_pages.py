"""The pages about providers say what the code does, are current, and are all there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulk_lookup_dagster.services.provider_pages import FOLDER, pages, write_pages
from resources.registry import REMOTE, VENDORS
from resources.vendor import Vendor

NAMES = [entry.name for entry in VENDORS]


def test_the_pages_are_what_the_registry_says() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert written == pages(), "run: make generate"


@pytest.mark.parametrize("entry", VENDORS, ids=NAMES)
def test_a_page_names_every_operation_variable_and_term(entry: Vendor) -> None:
    text = pages()[f"{entry.name}.md"]
    for name, operation in entry.operations.items():
        assert f"`{name}`" in text
        assert operation.licence_class in text
    for variable in entry.variables.values():
        assert f"`{variable}`" in text
    for price in entry.prices:
        assert price.source in text


@pytest.mark.parametrize("entry", REMOTE, ids=[entry.name for entry in REMOTE])
def test_a_page_says_how_to_get_a_key(entry: Vendor) -> None:
    assert entry.docs in pages()[f"{entry.name}.md"]


def test_a_page_of_a_vendor_that_is_no_more_goes(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old")
    write_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())
