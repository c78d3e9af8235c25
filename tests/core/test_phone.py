from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult, timezone

from bulk_lookup_dagster.core import phone as module
from bulk_lookup_dagster.core.numbering_plans import TYPE_NAMES, Line
from bulk_lookup_dagster.core.phone import REASONS, Phone, Refusal, is_region, normalise

# Ours alone: the library would take these cells as numbers, or refuse them in other words.
DAMAGE = {"empty", "scientific_notation", "decimal_number", "two_numbers", "lost_leading_zero"}
_POSSIBLE = {
    ValidationResult.IS_POSSIBLE: "possible_but_invalid",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "missing_area_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "invalid_length",
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
}


def by_the_library(raw: str, region: str) -> Phone | Refusal:
    """The same answer from `phonenumbers` alone."""
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException as error:
        return Refusal(module._LIBRARY_REASONS[error.error_type])
    if not phonenumbers.is_valid_number(number):
        return Refusal(_POSSIBLE[phonenumbers.is_possible_number_with_reason(number)])
    return Phone(
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        Line(
            str(phonenumbers.region_code_for_number(number)),
            TYPE_NAMES[phonenumbers.number_type(number)],
            tuple(timezone.time_zones_for_number(number)),
        ),
    )


def assert_same(raw: str, region: str) -> None:
    ours = normalise(raw, region)
    if isinstance(ours, Phone) or ours.reason not in DAMAGE:
        assert ours == by_the_library(raw, region), (raw, region)


@pytest.mark.parametrize(
    "raw,region,e164,home,kind",
    [
        ("(415) 555-2671", "US", "+14155552671", "US", "fixed_line_or_mobile"),
        ("1-415-555-2671", "US", "+14155552671", "US", "fixed_line_or_mobile"),
        ("415.555.2671", "CA", "+14155552671", "US", "fixed_line_or_mobile"),
        ("+1 416 555 2671", "GB", "+14165552671", "CA", "fixed_line_or_mobile"),
        ("1-800-FLOWERS", "US", "+18003569377", "US", "toll_free"),
        ("020 7946 0958", "GB", "+442079460958", "GB", "fixed_line"),
        ("+44 (0)20 7946 0958", "US", "+442079460958", "GB", "fixed_line"),
        ("02 1234 5678", "IT", "+390212345678", "IT", "fixed_line"),
        ("0049 30 901820", "DE", "+4930901820", "DE", "fixed_line"),
        ("(11) 96123-4567", "BR", "+5511961234567", "BR", "mobile"),
        ("415-555-2671 ext. 12", "US", "+14155552671", "US", "fixed_line_or_mobile"),
        ("\uff0b\uff11 415 555 2671", "US", "+14155552671", "US", "fixed_line_or_mobile"),
        ("+800 1234 5678", "US", "+80012345678", "001", "toll_free"),
    ],
)
def test_numbers_as_people_write_them(
    raw: str, region: str, e164: str, home: str, kind: str
) -> None:
    found = normalise(raw, region)
    assert isinstance(found, Phone), found
    assert (found.e164, found.line.region, found.line.number_type) == (e164, home, kind)


@pytest.mark.parametrize(
    "raw,region,reason",
    [
        ("", "US", "empty"),
        (" \t", "US", "empty"),
        ("n/a", "US", "not_a_number"),
        ("12", "US", "too_short"),
        ("555-0199", "US", "missing_area_code"),
        ("+1 415 555 26711", "US", "too_long"),
        ("+999 123 456 789", "US", "invalid_country_code"),
        ("415-055-2671", "US", "possible_but_invalid"),
        ("4.15555E+09", "US", "scientific_notation"),
        ("1,41555E+10", "DE", "scientific_notation"),
        ("4155552671.0", "US", "decimal_number"),
        ("415555267.1", "US", "decimal_number"),
        ("415-555-2671 / 415-555-2672", "US", "two_numbers"),
        ("4155552671;4155552672", "US", "two_numbers"),
        ("4155552671 4155552672", "US", "two_numbers"),
        ("+14155552671 +14155552672", "US", "two_numbers"),
        ("415-555-2671 or 415-555-2672", "US", "two_numbers"),
        ("2079460958", "GB", "lost_leading_zero"),
        ("30 901820", "DE", "lost_leading_zero"),
        ("212345678", "IT", "lost_leading_zero"),
    ],
)
def test_f36_damaged_and_impossible_numbers_are_refused_with_their_reason(
    raw: str, region: str, reason: str
) -> None:
    assert normalise(raw, region) == Refusal(reason)
    assert REASONS[reason]


def test_f36_two_digits_are_no_phone_number() -> None:
    for region in ("US", "GB", "DE", "IN", "AC"):
        assert all(isinstance(normalise(f"{n:02d}", region), Refusal) for n in range(100))


def test_a_number_with_its_national_zero_or_without_need_of_one_is_taken() -> None:
    for raw, region in (
        ("0301234567", "DE"),
        ("+4930901820", "DE"),
        ("11961234567", "BR"),
        ("612345678", "ES"),
    ):
        assert isinstance(normalise(raw, region), Phone), raw


def test_every_example_of_every_region_is_read_as_the_library_reads_it() -> None:
    styles = (
        PhoneNumberFormat.E164,
        PhoneNumberFormat.INTERNATIONAL,
        PhoneNumberFormat.NATIONAL,
        PhoneNumberFormat.RFC3966,
    )
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in range(11):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            for style in styles:
                assert_same(phonenumbers.format_number(example, style), region)


def test_random_numbers_are_read_as_the_library_reads_them() -> None:
    rng = random.Random(20261123)
    regions = [*sorted(phonenumbers.SUPPORTED_REGIONS), *["US"] * 100]
    for _ in range(6_000):
        region = rng.choice(regions)
        example = phonenumbers.example_number_for_type(region, rng.randrange(11))
        stem = f"+{phonenumbers.country_code_for_region(region)}"
        if example is not None and rng.random() < 0.7:
            text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            stem = text[: -rng.randint(2, 7)]
        length = rng.randint(8, 13) if rng.random() < 0.3 else len(stem) + 4
        digits = "".join(rng.choice("0123456789") for _ in range(max(1, length - len(stem))))
        assert_same(stem + digits, rng.choice(["US", "GB", "DE", "IT", "AR", region]))
        assert_same((stem + digits).lstrip("+"), region)
        assert_same(f"{rng.randrange(10**10):010d}", rng.choice(["US", "CA", "AG", region]))


@settings(max_examples=400, deadline=None)
@given(
    st.text("0123456789+-. ()/xeE#*;,n", max_size=24),
    st.sampled_from(["US", "GB", "DE", "IT", "BR", "AR", "MX", "AG", "JP"]),
)
def test_any_text_is_read_as_the_library_reads_it(raw: str, region: str) -> None:
    assert_same(raw, region)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_it_and_a_number_is_read_from_its_own_e164(raw: str) -> None:
    found = normalise(raw, "US")
    if isinstance(found, Phone):
        assert normalise(found.e164, "GB") == found


def test_regions() -> None:
    assert is_region("US")
    assert not is_region("XX")
    with pytest.raises(ValueError, match="no region"):
        normalise("4155552671", "XX")
