"""Addresses in one spelling: the same place in other words is the same subject."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.places import STATES, country_code, state_code
from bulk_lookup_dagster.core.postal import normal_address
from bulk_lookup_dagster.core.subjects import AddressKey

PLACE = "100 fern st|4|phoenix|az|85034|us"


@pytest.mark.parametrize(
    "parts",
    [
        ("100 Fern Street", "Apt 4", "Phoenix", "Arizona", "85034-1234", "USA"),
        ("100 Fern St., Apt. 4", None, "PHOENIX", "AZ", "85034", None),
        ("100 FERN ST #4", "", " phoenix ", "az", "850341234", "United States"),
        ("100 Fern St", "Unit 4", "Phoenix", "AZ", "85034", "U.S."),
    ],
)
def test_spellings_of_one_place_are_one_address(parts: tuple[str | None, ...]) -> None:
    key = normal_address(*parts)
    assert key is not None
    assert key.value == PLACE


@pytest.mark.parametrize(
    "parts,value",
    [
        (("P.O. Box 12", "", "Reno", "NV", "89501", ""), "po box 12||reno|nv|89501|us"),
        (("Hauptstr. 5", "", "Köln", "", "50667", "DE"), "hauptstr 5||koln||50667|de"),
        (
            ("1 Rue Ste", "", "", "", "75001", "France"),
            "1 rue|||​|".replace("​", "") + "75001|france",
        ),
        (("1 Main St", "", "Reno", "NV", "", ""), "1 main st||reno|nv||"),
        (("1 Main St", "", "", "", "89501", ""), "1 main st||||89501|"),
    ],
)
def test_what_is_not_told_is_not_made_up(parts: tuple[str, ...], value: str) -> None:
    key = normal_address(*parts)
    assert key is not None
    assert key.value == value


@pytest.mark.parametrize(
    "parts",
    [
        (None, None, "Reno", "NV", "89501", "US"),
        ("1 Main St", None, "Reno", None, None, None),
        ("", "", "", "", "", ""),
        ("  ", "4", "Reno", "NV", "89501", ""),
    ],
)
def test_f35_too_little_is_no_address(parts: tuple[str | None, ...]) -> None:
    assert normal_address(*parts) is None


@given(st.lists(st.text(max_size=30), min_size=6, max_size=6))
def test_whatever_stands_in_a_file_an_address_has_six_parts_or_is_none(parts: list[str]) -> None:
    key = normal_address(*parts)
    if key is not None:
        assert AddressKey.parse(key.value).value == key.value
        assert key.street


def test_states_are_two_letters_and_other_regions_stay() -> None:
    assert len(STATES) == 52
    assert {state_code(code) for code in STATES} == STATES
    assert (state_code("New  York"), state_code("Bayern")) == ("ny", "bayern")
    assert (country_code("u.s.a."), country_code("Österreich")) == ("us", "osterreich")
