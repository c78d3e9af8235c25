"""People and firms of the sandbox's world; see `world` for how they hang together.

A firm is the same under its name, its domain and its switchboard; a person the same under an e-mail
address and under name and firm. They belong to nobody; domains end in `.example`.

Belongs here: who there is and what is true of them. Does not: phones (see `world`), places.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from bulk_lookup_dagster.sandbox.draws import draw, pick
from bulk_lookup_dagster.sandbox.places import Address, address_for, town_of_area
from bulk_lookup_dagster.sandbox.shops import (
    Shop,
    phone_of,
    shop_of_key,
    shop_of_phone,
    shops_in,
)

FIRST_NAMES = [
    "Ada",
    "Ben",
    "Chloe",
    "Dev",
    "Elif",
    "Femi",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Liam",
    "Maya",
    "Noah",
    "Olga",
    "Priya",
    "Radia",
    "Sam",
    "Tove",
    "Uma",
]
LAST_NAMES = [
    "Abara",
    "Brook",
    "Castle",
    "Dale",
    "Ember",
    "Frost",
    "Garnet",
    "Hollow",
    "Iyer",
    "Juniper",
    "Kessler",
    "Lark",
    "Moss",
    "Norden",
    "Oakes",
    "Pell",
    "Quist",
    "Rook",
    "Sands",
    "Thorne",
]
FIRMS = "Acorn Beacon Copper Delta Evergreen Falcon Granite Harbor Indigo Juno Keystone".split()
TRADES = (
    ("Dental", "Health Care", "Dentists"),
    ("Plumbing", "Construction", "Plumbing Contractors"),
    ("Logistics", "Transportation", "Freight"),
    ("Realty", "Real Estate", "Real Estate Agents"),
    ("Software", "Technology", "Software"),
    ("Roofing", "Construction", "Roofing Contractors"),
    ("Bakery", "Food", "Bakeries"),
    ("Legal", "Professional Services", "Law Firms"),
    ("Motors", "Automotive", "Car Dealers"),
    ("Fitness", "Leisure", "Gyms"),
)
_TITLES = (
    ("Owner", "executive", "executive"),
    ("Office Manager", "management", "manager"),
    ("Head of Sales", "sales", "director"),
    ("Sales Representative", "sales", "staff"),
    ("Marketing Manager", "marketing", "manager"),
    ("Software Engineer", "it", "staff"),
    ("Accountant", "finance", "staff"),
    ("Customer Support", "support", "staff"),
)
FREE_DOMAINS = frozenset({"example.test", "mail.example", "inbox.example"})
_MAILBOXES = ("mail.example", "inbox.example")


@dataclass(frozen=True, slots=True)
class Company:
    """A firm. `phone` is its switchboard, '' where it has none of our numbers."""

    key: str
    name: str
    legal_name: str
    domain: str
    sector: str
    industry: str
    employees: int
    revenue_usd: int
    founded: int
    phone: str
    address: Address

    @property
    def site(self) -> str:
        """Its web site."""
        return f"https://www.{self.domain}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody; `company` None for those we know only at home."""

    first: str
    last: str
    company: Company | None
    title: str
    department: str
    seniority: str
    age_range: str
    address: Address

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}".strip()

    @property
    def work_email(self) -> str | None:
        """Their address at the company."""
        return None if self.company is None else f"{_local(self)}@{self.company.domain}"

    @property
    def home_email(self) -> str:
        """Their address at a mailbox provider."""
        return f"{_local(self)}@{pick(_MAILBOXES, draw('mailbox', self.name))}"


def company_named(name: str) -> Company:
    """The firm of a name; spelling, case and legal form do not matter."""
    return company_of_key(slug(name) or "unnamed")


def company_at(domain: str) -> Company | None:
    """The firm of a domain; None for mailbox providers."""
    domain = domain.casefold().removeprefix("www.")
    if not domain or domain in FREE_DOMAINS:
        return None
    return company_of_key(domain.split(".")[0], domain)


def person_named(first: str, last: str, company: Company | None = None) -> Person:
    """Somebody of a name at a firm, or at home."""
    where = "" if company is None else company.key
    at = draw("person", _plain(first), _plain(last), where)
    title, department, seniority = pick(_TITLES, at)
    age = at % 50 // 5 * 5 + 20
    return Person(
        first=first,
        last=last,
        company=company,
        title=title if company else "",
        department=department if company else "",
        seniority=seniority if company else "",
        age_range=f"{age}-{age + 4}",
        address=address_for(f"{_plain(first)} {_plain(last)} {where}"),
    )


def person_by_email(email: str) -> Person | None:
    """Who reads an address; None for addresses of a function, such as info@."""
    local, _, domain = email.casefold().partition("@")
    parts = [part for part in re.split(r"[._-]+", re.sub(r"\d+", "", local)) if part]
    if len(parts) < 2:
        return None
    return person_named(parts[0].title(), parts[-1].title(), company_at(domain))


@lru_cache(maxsize=8192)
def company_of_key(key: str, domain: str | None = None) -> Company:
    """The firm of a canonical key, such as `acorn-dental`."""
    at = draw("company", key)
    shop, brand = shop_of_key(key) or (None, key)
    if shop is not None and _shop_key(shop) != key:
        shop = None  # a name like a shop's
    trade = next((one for one in TRADES if brand.endswith(one[0].casefold())), None)
    _, sector, industry = trade or pick(TRADES, at)
    name = " ".join(part.title() for part in key.split("-"))
    size = (3, 8, 15, 40, 90, 180, 420, 1_200)[at % 8]
    employees = size + (at >> 8) % size
    town = None
    number = phone_of(shop) if shop else _switchboard(key)
    if number:
        town = town_of_area(number[2:5])
    address = address_for(f"company {key}", town, residential=False)
    return Company(
        key=key,
        name=name,
        legal_name=f"{name} {pick(('Inc.', 'LLC', 'Corp.'), at >> 12)}",
        domain=domain or f"{key}.example",
        sector=sector,
        industry=industry,
        employees=employees,
        revenue_usd=employees * (60_000 + (at >> 16) % 140_000),
        founded=1950 + (at >> 32) % 74,
        phone=number,
        address=replace(address, postal_code=shop.zipcode) if shop else address,
    )


def companies_in(zipcode: str) -> list[Company]:
    """The firms of a ZIP code: its shops, and others that have their address there."""
    shops = [company_of_key(_shop_key(shop)) for shop in shops_in(zipcode)]
    others = (company_of_key(key) for key in _UNIVERSE)
    return [*shops, *(one for one in others if one.address.postal_code == zipcode)]


def _shop_key(shop: Shop) -> str:
    at = draw("shop", shop.zipcode, str(shop.number))
    brand = f"{pick(FIRMS, at)}-{pick(TRADES, at >> 8)[0]}".casefold()
    return f"{brand}-{shop.zipcode}-{shop.number}"


_AREAS = ("602", "503", "512", "303", "312", "404", "415", "206", "213", "305")
_UNIVERSE = [f"{firm}-{trade[0]}".casefold() for firm in FIRMS for trade in TRADES]
_PLACES = {key: place for place, key in enumerate(_UNIVERSE)}


def _switchboard(key: str) -> str:
    """A firm's main number; `switchboard_owner` is its inverse."""
    place = _PLACES.get(key)
    return "" if place is None else f"+1{pick(_AREAS, place)}555{place:04d}"


def switchboard_owner(number: str) -> Company | None:
    """The firm whose main number this is."""
    shop = shop_of_phone(number)
    if shop is not None:
        return company_of_key(_shop_key(shop))
    place = int(number[8:]) if number[5:8] == "555" and number[8:].isdigit() else -1
    if not (number[:2] == "+1" and len(number) == 12 and 0 <= place < len(_UNIVERSE)):
        return None
    key = _UNIVERSE[place]
    return company_of_key(key) if _switchboard(key) == number else None


_LEGAL_FORMS = {"inc", "llc", "corp", "ltd", "co", "gmbh"}


def slug(name: str) -> str:
    """The key of a firm's name: words without accents and legal form."""
    words = re.findall(r"[a-z0-9]+", _plain(name))
    kept = [word for word in words if word not in _LEGAL_FORMS] or words
    return "-".join(kept)


def _plain(text: str) -> str:
    """Lower case without accents."""
    split = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))


def _local(person: Person) -> str:
    names = (re.sub(r"[^a-z0-9]", "", _plain(name)) for name in (person.first, person.last))
    return ".".join(name for name in names if name)
