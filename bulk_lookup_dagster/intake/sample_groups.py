"""Made-up rows that belong together, or only seem to: what finding duplicates is about.

Belongs here: households, switchboards, fathers and sons, nicknames, chains, recycled phones. Does
not: single rows and spelling of numbers (`intake.sample`).
"""

from __future__ import annotations

import random
from collections.abc import Callable

Row = list[str]
Phone = Callable[[], str]
Group = Callable[[random.Random, Phone], list[Row]]

_SURNAMES = "Abernathy Bellweather Castellane Dunmorrow Ellsworthy Farrowgate Greyling".split()
_PEOPLE = "Anna Bruce Clara David Edith Felix Gloria Henry Irene Julian".split()
_NICKNAMES = (("Robert", "Bob"), ("Elizabeth", "Liz"), ("William", "Bill"), ("Margaret", "Peggy"))
_BRANDS = "Larkfield Moorgate Northwind Overbrook Pinehurst".split()
_TOWNS = "Albany Boise Camden Dover Eugene".split()


def _row(name: str, phone: str, company: str = "", mail: str = "", city: str = "") -> Row:
    return [name, phone, company, mail, city, "", "import"]


def _household(rng: random.Random, phone: Phone) -> list[Row]:
    """Two people of one name on one land line: related, not the same."""
    last, line, city = rng.choice(_SURNAMES), phone(), rng.choice(_TOWNS)
    return [_row(f"{first} {last}", line, city=city) for first in rng.sample(_PEOPLE, 2)]


def _switchboard(rng: random.Random, phone: Phone) -> list[Row]:
    """Colleagues behind one number and one domain."""
    brand, line = rng.choice(_BRANDS), phone()
    firsts, lasts = rng.sample(_PEOPLE, 3), rng.sample(_SURNAMES, 3)
    return [
        _row(f"{first} {last}", line, f"{brand} Logistics Inc",
             f"{first}.{last}@{brand}.example.com".lower())
        for first, last in zip(firsts, lasts, strict=True)
    ]  # fmt: skip


def _father_and_son(rng: random.Random, phone: Phone) -> list[Row]:
    """One name, one line, two generations."""
    name, line = f"{rng.choice(_PEOPLE)} {rng.choice(_SURNAMES)}", phone()
    return [_row(f"{name} {end}", line) for end in ("Sr.", "Jr.")]


def _nickname(rng: random.Random, phone: Phone) -> list[Row]:
    """One person under two names, once as a directory writes it."""
    (formal, short), last, line = rng.choice(_NICKNAMES), rng.choice(_SURNAMES), phone()
    mail = f"{short}.{last}{rng.randrange(100)}@example.org".lower()
    return [
        _row(f"{formal} {last}", line, mail=mail),
        _row(f"{last}, {short}", line, mail=mail.upper()),
        _row(f"{short} {last}", phone(), mail=mail),
    ]


def _chain(rng: random.Random, phone: Phone) -> list[Row]:
    """Sites of one firm: one name and domain, other towns, numbers and mailboxes."""
    brand = rng.choice(_BRANDS)
    return [
        _row("", phone(), f"{brand} Bakery LLC",
             f"{town}@{brand}-bakery.example.com".lower(), town)
        for town in rng.sample(_TOWNS, 3)
    ]  # fmt: skip


def _recycled(rng: random.Random, phone: Phone) -> list[Row]:
    """A number that was given to somebody else."""
    line = phone()
    firsts, lasts = rng.sample(_PEOPLE, 2), rng.sample(_SURNAMES, 2)
    cities = rng.sample(_TOWNS, 2)
    return [
        _row(f"{first} {last}", line, city=city)
        for first, last, city in zip(firsts, lasts, cities, strict=True)
    ]


GROUPS: tuple[Group, ...] = (
    _household,
    _switchboard,
    _father_and_son,
    _nickname,
    _chain,
    _recycled,
)
"""In this order, again and again."""
