"""Made-up uploads: numbers that could be given out, names and firms that belong to nobody.

Belongs here: the demo's sample file, and rows for benchmarks. Does not: vendor answers (the
sandbox makes those up). The same seed gives the same file.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from bulk_lookup_dagster.core.phone import Phone, normalise
from bulk_lookup_dagster.intake.sample_groups import GROUPS

HEADER = ("Name", "Phone", "Company", "E-mail", "City", "Last verified", "Lead source")
COUNTRIES = ("GB", "DE", "FR", "IN", "BR", "MX", "AU", "ES", "IT", "NL", "JP", "ZA")
_HOME_SHARE, _BAD_SHARE, _REPEAT_SHARE = 0.70, 0.06, 0.08
_REMEMBERED = 2_000
_BETWEEN = 100
"""Single rows between two groups of rows that belong together."""
_AREAS = "201 206 212 213 303 305 312 404 415 480 503 512 602 617 702 713 773 818 904 916".split()
_FIRST = "Ada Ben Chloe Dev Elif Femi Grace Hugo Ines Jonas Kira Liam Maya Noah Olga Priya".split()
_LAST = "Abara Brook Castle Dale Ember Frost Garnet Hollow Iyer Juniper Kessler Lark Moss".split()
_FIRMS = "Acorn Beacon Copper Delta Evergreen Falcon Granite Harbor Indigo Juno Keystone".split()
_TRADES = [
    "Dental",
    "Plumbing",
    "Logistics",
    "Realty",
    "Software",
    "Roofing",
    "Bakery",
    "Legal",
    "Motors",
    "Fitness",
]
_CITIES = [
    "Phoenix",
    "Portland",
    "Austin",
    "Denver",
    "London",
    "Berlin",
    "Lyon",
    "Pune",
    "Sydney",
    "Utrecht",
]
_SOURCES = ("web form", "trade fair", "referral", "import")
# Cells as they occur in real files, for every reason; None stands for a row broken elsewhere.
_BAD_PHONES = (
    "",
    "n/a",
    "ask reception",
    "12345",
    "555-0199",
    "+1 415 555 26711 99",
    "+999 123 456 789",
    "(199) 555-0142",
    None,
    "+1 555 555 5555",
    "4.15555E+09",
    "1.41555526E+10",
    "4155552671.0",
    "(415) 555-2671 / (415) 555-2672",
    "415-555-2671; 415-555-2672",
    None,
    "+49 30 1",
    "+44 0000 000000",
)
_EPOCH = date(2025, 1, 1)


def write_sample(path: Path, rows: int = 2_000, seed: int = 7) -> None:
    """Write a CSV of made-up contacts: about 6 % bad on purpose, 8 % repeated numbers."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(sample_rows(rows, seed))


def sample_rows(rows: int, seed: int = 7) -> Iterator[list[str]]:
    """The rows of a sample, without its header; after every so many, some that belong together."""
    single = _single_rows(seed)
    rng = random.Random(seed + 1)  # noqa: S311 - a repeatable sample, no secret
    groups = cycle(GROUPS)
    left = rows
    while left > 0:
        yield from islice(single, min(left, _BETWEEN))
        left -= _BETWEEN
        group = next(groups)(rng, lambda: _phone(rng))[: max(left, 0)]
        yield from group
        left -= len(group)


def _single_rows(seed: int) -> Iterator[list[str]]:
    """Rows without end."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable sample, no secret
    bad = cycle(_BAD_PHONES)
    recent: list[list[str]] = []
    while True:
        chance = rng.random()
        if chance < _BAD_SHARE:
            phone = next(bad)
            yield _broken_row(rng) if phone is None else _row(rng, phone)
        elif recent and chance < _BAD_SHARE + _REPEAT_SHARE:
            known = rng.choice(recent)
            yield list(known) if rng.random() < 0.5 else _row(rng, known[1])
        else:
            row = _row(rng, _phone(rng))
            if len(recent) < _REMEMBERED:
                recent.append(row)
            else:
                recent[rng.randrange(_REMEMBERED)] = row
            yield row


def _row(rng: random.Random, phone: str) -> list[str]:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    name = f"{first} {last}" if rng.random() < 0.9 else ""
    company = f"{rng.choice(_FIRMS)} {rng.choice(_TRADES)}" if rng.random() < 0.6 else ""
    mail = f"{first}.{last}{rng.randrange(1000)}@example.test".lower() if rng.random() < 0.5 else ""
    seen = ""
    if rng.random() < 0.3:
        seen = (_EPOCH + timedelta(days=rng.randrange(600))).isoformat()
    city = rng.choice(_CITIES) if rng.random() < 0.7 else ""
    return [name, phone, company, mail, city, seen, rng.choice(_SOURCES)]


def _phone(rng: random.Random) -> str:
    """A valid number in one of the ways people write them."""
    if rng.random() < _HOME_SHARE:
        area, exchange = rng.choice(_AREAS), f"{rng.randint(200, 999)}"
        line = f"{rng.randrange(10_000):04d}"
        style = rng.randrange(6)
        if style == 0:
            return f"({area}) {exchange}-{line}"
        if style == 1:
            return f"{area}-{exchange}-{line}"
        if style == 2:
            return f"+1 {area} {exchange} {line}"
        if style == 3:
            return f"{area}.{exchange}.{line}"
        return f"+1{area}{exchange}{line}" if style == 4 else f"1{area}{exchange}{line}"
    country = rng.choice(COUNTRIES)
    stem, digits = _stem(country)
    e164 = f"{stem}{rng.randrange(10**digits):0{digits}d}"
    if rng.random() < 0.4:
        number = phonenumbers.parse(e164)
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return e164


@cache
def _stem(country: str) -> tuple[str, int]:
    """The beginning of a country's example mobile after which any digits are valid."""
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    assert example is not None
    text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
    for digits in (6, 5, 4, 3, 2):
        stem = text[:-digits]
        ends = ("0" * digits, "1" * digits, "5" * digits, "8" * digits, "9" * digits)
        if all(isinstance(normalise(stem + end, "US"), Phone) for end in ends):
            return stem, digits
    return text[:-1], 1


def _broken_row(rng: random.Random) -> list[str]:
    """A row whose phone is good and something else is not."""
    row = _row(rng, _phone(rng))
    kind = rng.randrange(3)
    if kind == 0:
        row[5] = "sometime last year"
    elif kind == 1:
        row[2] = "Very Long Company Name " * 20
    else:
        row.append("a cell without a header")
    return row
