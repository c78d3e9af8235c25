"""Phone numbers: from what somebody typed to E.164, or to the reason why not.

Belongs here: reading one cell by libphonenumber's rules, and refusing damaged ones. Does not:
numbering plans (`core.numbering_plans`), what a vendor says about a number (`resources`).

Plain spellings (digits and the usual punctuation) take a short way that gives exactly the
library's answers; everything else goes through the library itself.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata

from bulk_lookup_dagster.core.numbering_plans import Line, Plan, general_desc, plan

REASONS = {
    "empty": "The phone cell is empty.",
    "not_a_number": "The phone cell holds no phone number.",
    "too_short": "The number has too few digits.",
    "too_long": "The number has too many digits.",
    "invalid_length": "No number of this country has so many digits.",
    "missing_area_code": "The number lacks its area code.",
    "invalid_country_code": "No country has this calling code.",
    "possible_but_invalid": "The length is right, but no such number is given out.",
    "scientific_notation": "A spreadsheet wrote the number as 4.15555E+09 and lost digits.",
    "decimal_number": "A spreadsheet wrote the number as a decimal; its digits are not certain.",
    "two_numbers": "The cell holds more than one number.",
    "lost_leading_zero": "The number's leading zero is missing, so its digits are not certain.",
}


class Phone(NamedTuple):
    """A number that is given out, and what its plan says about it."""

    e164: str
    line: Line


class Refusal(NamedTuple):
    """Why a cell is not taken as a number; `reason` is a key of `REASONS`."""

    reason: str


_PUNCTUATION = str.maketrans("", "", " ().-")
_LONGEST_PLAIN = 40
_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d*)?\s*[eE]\s*[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d{5,}[.,]\d{1,2}")
_DIGIT = re.compile(r"\d")
_SEPARATOR = re.compile(r"[;,|/\\&\n\r]+|\s(?:or|and)\s", re.IGNORECASE)
_FEWEST_DIGITS = 7
_LIBRARY_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def normalise(raw: str, region: str) -> Phone | Refusal:
    """The number in a cell; `region` says how to read one without a country code."""
    return _normalised(raw, raw.translate(_PUNCTUATION), dialling(region))


def normalise_all(cells: Sequence[str], region: str) -> list[Phone | Refusal]:
    """The same for a column: what every cell needs is done for all of them at once."""
    text = "\n".join(cells)
    if text.count("\n") != len(cells) - 1:
        return [normalise(cell, region) for cell in cells]
    home = dialling(region)
    digits = text.translate(_PUNCTUATION).split("\n")
    return [_normalised(*pair, home) for pair in zip(cells, digits, strict=True)]


def _normalised(raw: str, digits: str, home: _Dialling) -> Phone | Refusal:
    if "." in raw and _DECIMAL.fullmatch(raw.strip()):
        return Refusal("decimal_number")
    if len(raw) <= _LONGEST_PLAIN and digits.isascii():
        if digits.isdecimal():
            plain = home.plain(digits)
        elif digits[:1] == "+" and digits[1:].isdecimal():
            plain = _international(digits)
        else:
            plain = None
        if plain is not None:
            return plain
    return _by_library(raw, home.region)


def is_region(code: str) -> bool:
    """Whether `code` is a region the library knows, such as `US`."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _international(digits: str) -> Phone | Refusal | None:
    """The number after a plus sign, where no rule of national dialling can interfere."""
    found = _plan_at(digits[1:4])
    if found is None:
        return None
    national = digits[1 + len(found.code) :]
    if not 2 <= len(national) <= 15 or found.has_national_prefix(national):
        return None
    line = found.line(national)
    return Refusal(_invalid(found, len(national))) if line is None else Phone(digits, line)


def _classified(found: Plan, national: str) -> Phone | Refusal:
    line = found.line(national)
    if line is None:
        return Refusal(_invalid(found, len(national)))
    return Phone(f"+{found.code}{national}", line)


def _invalid(found: Plan, length: int) -> str:
    """The library's `is_possible_number_with_reason`, for a number that is not valid."""
    if length in found.local_lengths:
        return "missing_area_code"
    if length in found.lengths:
        return "possible_but_invalid"
    if length < found.lengths[0]:
        return "too_short"
    return "too_long" if length > found.lengths[-1] else "invalid_length"


@cache
def _plan_at(start: str) -> Plan | None:
    """The plan whose calling code `start` begins with: no code is the beginning of another."""
    if start[:1] == "0":
        return None
    plans = (plan(int(start[:size])) for size in range(1, len(start) + 1))
    return next((found for found in plans if found is not None), None)


class _Dialling:
    """How people of one region write a number without its country code."""

    def __init__(self, region: str) -> None:
        self.region = region
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            raise ValueError(f"{region} is no region libphonenumber knows")
        found = plan(metadata.country_code)
        assert found is not None
        self._plan: Plan = found
        self._code = found.code
        self._exit = re.compile(metadata.international_prefix or "(?!)").match
        trunk = metadata.national_prefix_for_parsing or "(?!)"
        self._trunk = re.compile(trunk).match
        self._only_one = trunk == "1"
        general = general_desc(metadata)
        self._general = re.compile(general.national_number_pattern or "(?!)").fullmatch
        self._lengths = tuple(general.possible_length)
        simple = trunk == "0" and not metadata.national_prefix_transform_rule
        self._zero = simple and metadata.national_prefix == "0"
        self._bare = metadata.national_prefix != "0"
        self._nanpa = self._code == "1" and self._lengths[-1] == 10

    def plain(self, digits: str) -> Phone | Refusal | None:
        """The number of plain digits; None where only the library can tell."""
        if self._nanpa:
            if len(digits) == 11 and digits[0] == "1":
                digits = digits[1:]
            # Every way out of the country begins with a zero here.
            if not 3 <= len(digits) <= 15 or digits[0] in "01":
                return None
            if not self._only_one and self._trunk(digits):
                return None
            return _classified(self._plan, digits)
        if len(digits) > 15 or self._exit(digits):
            return None
        if self._zero and digits[0] == "0":
            national = digits[1:]
            if len(national) not in self._lengths or self._general(national) is None:
                return None
        elif self._bare and not digits.startswith(self._code) and not self._trunk(digits):
            national = digits
        else:
            return None
        line = self._plan.line(national)
        return None if line is None else Phone(f"+{self._code}{national}", line)


@cache
def dialling(region: str) -> _Dialling:
    """The dialling rules of a region."""
    return _Dialling(region)


def _by_library(raw: str, region: str) -> Phone | Refusal:
    text = raw.strip()
    if not _DIGIT.search(text):
        return Refusal("not_a_number" if text else "empty")
    damage = _damage(text)
    if damage is not None:
        return Refusal(damage)
    result = _parsed(text, region)
    digits = re.sub(r"\D", "", text)
    if text[:1] == "+" or not digits or digits[0] == "0":
        return result
    if isinstance(result, Phone):
        national = phonenumbers.parse(result.e164)
        spelled = phonenumbers.format_number(national, phonenumbers.PhoneNumberFormat.NATIONAL)
        lost = re.sub(r"\D", "", spelled) == f"0{digits}"
    else:
        lost = isinstance(_parsed(f"0{digits}", region), Phone)
    return Refusal("lost_leading_zero") if lost else result


def _damage(text: str) -> str | None:
    """What a spreadsheet or a hasty hand did to the number, if it shows."""
    if _SCIENTIFIC.fullmatch(text):
        return "scientific_notation"
    if _DECIMAL.fullmatch(text):
        return "decimal_number"
    parts = [part for part in _SEPARATOR.split(text) if _digit_count(part) >= _FEWEST_DIGITS]
    if len(parts) > 1 or text.count("+") > 1:
        return "two_numbers"
    words = text.split()
    if _digit_count(text) > 15 and sum(_digit_count(word) >= 10 for word in words) > 1:
        return "two_numbers"
    return None


def _digit_count(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _parsed(text: str, region: str) -> Phone | Refusal:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        _let_go(error)
        return Refusal(_LIBRARY_REASONS[error.error_type])
    found = plan(number.country_code)
    if found is None:
        return Refusal("invalid_country_code")
    return _classified(found, phonenumbers.national_significant_number(number))


def _let_go(error: BaseException | None) -> None:
    """Empty the library's frames behind an error.

    One keeps its own error and traceback in variables. That circle holds on to every caller's
    variables, a whole chunk of rows, until the garbage collector comes by.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
