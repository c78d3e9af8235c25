"""One made-up world that all simulators tell about, so that they agree with each other.

Everything follows from the key that is asked: a phone has the same carrier, owner, company and
address at every vendor; a company the same facts under its name, its domain and its phone; a person
the same under an e-mail address and under name and company. Names and firms belong to nobody;
domains end in `.example`. How much a vendor knows of it is up to the vendor: `draws.knows`.

    phone ──> owner: Person or Company ──> address ──> point ──> census block (`places`)
                 Person ──> company, e-mail addresses; Company ──> domain, switchboard

Belongs here: phones, and who owns them. Does not: vendors' shapes (one file each), `people`,
`places`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bulk_lookup_dagster.sandbox.draws import draw, pick
from bulk_lookup_dagster.sandbox.people import (
    FIRMS,
    FIRST_NAMES,
    FREE_DOMAINS,
    LAST_NAMES,
    TRADES,
    Company,
    Person,
    company_at,
    company_named,
    company_of_key,
    person_by_email,
    person_named,
    slug,
    switchboard_owner,
)

__all__ = [
    "FREE_DOMAINS",
    "Company",
    "Person",
    "Phone",
    "company_at",
    "company_named",
    "is_valid",
    "person_by_email",
    "person_named",
    "phone",
    "region_of",
]

_LINE_TYPES = (
    *("mobile",) * 52,
    *("landline",) * 20,
    *("fixedVoip",) * 9,
    *("nonFixedVoip",) * 8,
    *("tollFree",) * 4,
    *("personal", "premium", "voicemail", "sharedCost", "uan", "pager", "unknown"),
)
_CARRIERS = {
    "US": (
        ("Verizon Wireless", "311", "480"),
        ("T-Mobile USA, Inc.", "310", "160"),
        ("AT&T Wireless", "310", "410"),
        ("Bandwidth.com", None, None),
        ("Level 3 Communications", None, None),
    ),
    "": (
        ("Vodafone", "234", "015"),
        ("Deutsche Telekom", "262", "001"),
        ("Orange", "208", "001"),
    ),
}
_REGIONS = {
    "1": "US", "44": "GB", "49": "DE", "33": "FR", "91": "IN", "55": "BR", "52": "MX",
    "61": "AU", "34": "ES", "39": "IT", "31": "NL", "81": "JP", "27": "ZA",
}  # fmt: skip
_BUSINESS_LINES = {"tollFree", "premium", "uan", "sharedCost", "fixedVoip"}


@dataclass(frozen=True, slots=True)
class Phone:
    """A number. `region` '' outside the countries of ours; `activity` is 0-100, dead to alive."""

    number: str
    valid: bool
    region: str
    line_type: str
    carrier: str
    mobile_country_code: str | None
    mobile_network_code: str | None
    prepaid: bool
    ported: bool
    activity: int

    @property
    def owner(self) -> Person | Company | None:
        """Who is reached under it; made when it is asked for."""
        return owner_of(self.number, self.line_type)

    @property
    def commercial(self) -> bool:
        """Whether a firm owns it."""
        return isinstance(self.owner, Company)


def is_valid(number: str) -> bool:
    """Whether a number exists: E.164 digits, less one in a hundred that only looks like it."""
    digits = number.removeprefix("+")
    return digits.isdigit() and 7 <= len(digits) <= 15 and draw("valid", number) % 100 != 7


def region_of(number: str) -> str:
    """The country of an E.164 number, '' for countries we have nothing on."""
    digits = number.removeprefix("+")
    return _REGIONS.get(digits[:1]) or _REGIONS.get(digits[:2], "")


@lru_cache(maxsize=8192)
def phone(number: str) -> Phone:
    """Everything about an E.164 number."""
    at = draw("phone", number)
    region = region_of(number)
    kind = pick(_LINE_TYPES, at)
    if switchboard_owner(number) is not None:
        kind = "landline"
    carrier, country, network = pick(_CARRIERS.get(region, _CARRIERS[""]), at >> 8)
    mobile = kind == "mobile"
    return Phone(
        number=number,
        valid=is_valid(number),
        region=region,
        line_type=kind,
        carrier=carrier,
        mobile_country_code=country if mobile else None,
        mobile_network_code=network if mobile else None,
        prepaid=mobile and (at >> 16) % 5 == 0,
        ported=(at >> 20) % 4 == 0,
        activity=_activity((at >> 24) % 1000),
    )


@lru_cache(maxsize=8192)
def owner_of(number: str, kind: str) -> Person | Company | None:
    """Who is reached under a number of a line type; nobody knows of one in eleven."""
    home = switchboard_owner(number)
    at = draw("owner", number)
    chance = (at >> 40) % 1000
    if home is not None or chance < 90:
        return home
    firm = company_of_key(slug(f"{pick(FIRMS, at)} {pick(TRADES, at >> 8)[0]}"))
    if kind in _BUSINESS_LINES or (kind == "landline" and chance < 560) or chance < 190:
        return firm
    first, last = pick(FIRST_NAMES, at >> 16), pick(LAST_NAMES, at >> 24)
    return person_named(first, last, firm if chance < 700 else None)


def _activity(chance: int) -> int:
    """Seven in ten are alive, one in eight is dead, of the rest nobody can tell."""
    if chance < 700:
        return 70 + chance % 31
    return chance % 31 if chance < 825 else 31 + chance % 39
