"""Names, companies and street lines: taken apart the same way however they are written (F34)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.addresses import StreetLine, parse_street
from bulk_lookup_dagster.core.companies import company_words, is_company
from bulk_lookup_dagster.core.names import halves, parse_name, split_name
from bulk_lookup_dagster.core.text_folding import fold, words


@pytest.mark.parametrize(
    "name,first,middle,last,generation",
    [
        ("Dr. Ann B. Smith Jr", "ann", "b", "smith", "jr"),
        ("Smith, Ann", "ann", "", "smith", ""),
        ("Smith Jr, Bob A.", "bob", "a", "smith", "jr"),
        ("Ann Smith, PhD", "ann", "", "smith", ""),
        ("Juan de la Cruz", "juan", "", "delacruz", ""),
        ("Madonna", "", "", "madonna", ""),
        ("Robert (Bob) Smith III", "robert", "", "smith", "iii"),
        ("", "", "", "", ""),
    ],
)
def test_f34_names_are_taken_apart(
    name: str, first: str, middle: str, last: str, generation: str
) -> None:
    parsed = parse_name(name)
    assert (parsed.first, parsed.middle, parsed.last, parsed.generation) == (
        first,
        middle,
        last,
        generation,
    )


@pytest.mark.parametrize(
    "name,given_name,family_name",
    [
        ("Dr. Ann B. Smith Jr", "Ann B.", "Smith"),
        ("Smith, Ann", "Ann", "Smith"),
        ("Ann Smith, PhD", "Ann", "Smith"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Zoë Müller", "Zoë", "Müller"),
        ("Robert (Bob) Smith III", "Robert", "Smith"),
        ("李 明", "李", "明"),
        ("Madonna", "", "Madonna"),
        ("Dr.", "", "Dr."),
        ("", "", ""),
        (" , ", "", ""),
    ],
)
def test_f34_a_name_in_one_piece_has_halves_in_its_own_spelling(
    name: str, given_name: str, family_name: str
) -> None:
    assert halves(name) == (given_name, family_name)


@given(st.text(max_size=60))
def test_no_name_makes_halving_fail_and_one_word_is_never_two(name: str) -> None:
    first, last = halves(name)
    assert len(name.split()) > 1 or "," in name or not first
    assert first.strip() == first
    assert last.strip() == last


def test_two_fields_say_the_same_as_one() -> None:
    assert split_name("Ann B.", "Smith Jr") == parse_name("Ann B. Smith Jr")
    assert split_name("", "Ann Smith") == parse_name("Ann Smith")


def test_a_nickname_stands_for_every_full_name_it_may() -> None:
    assert {"chris", "christopher", "christine"} <= set(parse_name("Chris Smith").given)


@pytest.mark.parametrize(
    "text,folded",
    [("Núñez", "nunez"), ("Straße", "strasse"), ("Łukasz", "lukasz"), ("Иванов", "ivanov")],
)
def test_f34_letters_of_other_alphabets(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_f34_letters_without_a_table_do_not_vanish() -> None:
    assert words("王伟") == ["王伟"]
    assert parse_name("王伟").last != parse_name("李娜").last


@given(st.text(max_size=60))
def test_f34_any_text_is_a_name_a_company_and_a_street(text: str) -> None:
    parsed = parse_name(text)
    assert parsed == parse_name(text)
    assert " " not in parsed.first
    assert all(company_words(text)) or company_words(text) == ()
    assert isinstance(is_company(text), bool)
    assert isinstance(parse_street(text), StreetLine)


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@pytest.mark.parametrize(
    "one,two",
    [
        ("The Alpine Foods, L.L.C.", "Alpine Foods"),
        ("Smith & Sons Co.", "smith sons"),
        ("Acme Intl Ltd", "ACME International"),
    ],
)
def test_companies_without_their_form(one: str, two: str) -> None:
    assert company_words(one) == company_words(two)


@pytest.mark.parametrize(
    "name,company",
    [("Alpine Foods Inc", True), ("Art's Deli", True), ("Ann Smith", False), ("Bill Shop", False)],
)
def test_what_is_a_company(name: str, company: bool) -> None:
    assert is_company(name) is company


@pytest.mark.parametrize(
    "line,parsed",
    [
        ("1200 N. Main Street, Apt 4", ("1200", "n main st", "4")),
        ("12 Oak Ave #5", ("12", "oak ave", "5")),
        ("Hauptstraße 12", ("12", "hauptstrasse", "")),
        ("8436 W. Third St.", ("8436", "w 3rd st", "")),
        ("", ("", "", "")),
    ],
)
def test_street_lines(line: str, parsed: tuple[str, str, str]) -> None:
    found = parse_street(line)
    assert (found.house, found.street, found.unit) == parsed
