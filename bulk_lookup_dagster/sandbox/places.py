"""Where the sandbox's world lives: made-up addresses in real towns, their points and blocks.

An address's point follows from its text alone and a block from its point alone, so whoever asks
about the same place hears the same; the point of a plain address leads back to it (`lots`). Towns,
their rough centres and county codes are public facts.

Belongs here: addresses, points, census blocks, what is offered there. Does not: who lives there
(see `world`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bulk_lookup_dagster.sandbox.draws import draw, pick
from bulk_lookup_dagster.sandbox.lots import KINDS, STREETS, address_at, place_of


@dataclass(frozen=True, slots=True)
class Town:
    """A town: `zip3` begins its postal codes, `county` is the five-digit county code."""

    city: str
    state: str
    zip3: str
    latitude: float
    longitude: float
    county: str
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in the United States."""

    street: str
    unit: str
    city: str
    state: str
    postal_code: str
    residential: bool
    country: str = "US"

    @property
    def line(self) -> str:
        """On one line, as people write it."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.street}{unit}, {self.city}, {self.state} {self.postal_code}"


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth; `exact` false where only the town was recognised."""

    latitude: float
    longitude: float
    exact: bool
    town: Town


@dataclass(frozen=True, slots=True)
class Service:
    """One provider's offer in a block; `technology` in the FCC's codes, speeds in Mbit/s."""

    provider_id: int
    brand: str
    technology: int
    down: int
    up: int


TOWNS = (
    Town("Phoenix", "AZ", "850", 33.4484, -112.0740, "04013", ("602", "480")),
    Town("Portland", "OR", "972", 45.5152, -122.6784, "41051", ("503",)),
    Town("Austin", "TX", "787", 30.2672, -97.7431, "48453", ("512",)),
    Town("Denver", "CO", "802", 39.7392, -104.9903, "08031", ("303",)),
    Town("New York", "NY", "100", 40.7128, -74.0060, "36061", ("212",)),
    Town("Chicago", "IL", "606", 41.8781, -87.6298, "17031", ("312", "773")),
    Town("Atlanta", "GA", "303", 33.7490, -84.3880, "13121", ("404",)),
    Town("San Francisco", "CA", "941", 37.7749, -122.4194, "06075", ("415",)),
    Town("Seattle", "WA", "981", 47.6062, -122.3321, "53033", ("206",)),
    Town("Los Angeles", "CA", "900", 34.0522, -118.2437, "06037", ("213", "818")),
    Town("Miami", "FL", "331", 25.7617, -80.1918, "12086", ("305",)),
    Town("Houston", "TX", "770", 29.7604, -95.3698, "48201", ("713",)),
    Town("Boston", "MA", "021", 42.3601, -71.0589, "25025", ("617",)),
    Town("Las Vegas", "NV", "891", 36.1699, -115.1398, "32003", ("702",)),
    Town("Jacksonville", "FL", "322", 30.3322, -81.6557, "12031", ("904",)),
    Town("Sacramento", "CA", "958", 38.5816, -121.4944, "06067", ("916",)),
    Town("Newark", "NJ", "071", 40.7357, -74.1724, "34013", ("201",)),
    Town("Columbus", "OH", "432", 39.9612, -82.9988, "39049", ("614",)),
)
_BY_AREA = {area: town for town in TOWNS for area in town.areas}
_BY_ZIP3 = {town.zip3: town for town in TOWNS}
_BY_NAME = {(town.city.casefold(), town.state): town for town in TOWNS}
_SPREAD = 0.06
_FAR = 2.0
_BRANDS = (
    (130_077, "Example Cable", 40, 1_000, 35),
    (131_425, "Example Wireless Home", 71, 300, 20),
    (130_228, "Example Fiber", 50, 2_000, 2_000),
    (130_403, "Example Copper", 10, 100, 10),
    (290_111, "Example Satellite", 61, 220, 25),
)
_REACH = (0.88, 0.62, 0.46, 0.55, 1.0)


def town_of_area(area: str) -> Town | None:
    """The town an American area code belongs to, where we know it."""
    return _BY_AREA.get(area)


def address_for(key: str, town: Town | None = None, *, residential: bool = True) -> Address:
    """The address that belongs to a key, in a town or in any."""
    at = draw("address", key)
    town = town or pick(TOWNS, at >> 4)
    street = f"{at % 9000 + 100} {pick(STREETS, at >> 16)} {pick(KINDS, at >> 24)}"
    wants_unit = (at >> 32) % (5 if residential else 3) == 0
    unit = f"{'Apt' if residential else 'Ste'} {(at >> 36) % 40 + 1}" if wants_unit else ""
    postal_code = f"{town.zip3}{(at >> 44) % 40 + 1:02d}"
    return Address(street, unit, town.city, town.state, postal_code, residential)


def town_of(city: str, state: str, postal_code: str) -> Town | None:
    """The town an address names, by postal code first."""
    return _BY_ZIP3.get(postal_code[:3]) or _BY_NAME.get((city.strip().casefold(), state.upper()))


def locate(street: str, city: str, state: str, postal_code: str) -> Point | None:
    """The point of an address's text; None where no town of ours is named."""
    town = town_of(city, state, postal_code)
    if town is None:
        return None
    exact = street[:1].isdigit()
    shift = (0.0, 0.0)
    if exact:
        shift = place_of(street, postal_code[:5]) or _anywhere(street, postal_code[:5] or town.zip3)
    latitude = round(town.latitude + shift[0] * _SPREAD, 6)
    longitude = round(town.longitude + shift[1] * _SPREAD, 6)
    return Point(latitude, longitude, exact, town)


def _anywhere(street: str, postal_code: str) -> tuple[float, float]:
    at = draw("point", street.strip().casefold(), postal_code)
    return at % 20_001 / 10_000 - 1, (at >> 20) % 20_001 / 10_000 - 1


def address_near(latitude: float, longitude: float) -> Address | None:
    """The address whose lot a point is on; None outside our towns and on empty lots."""
    town = nearest_town(latitude, longitude)
    if town is None:
        return None
    north, east = (latitude - town.latitude) / _SPREAD, (longitude - town.longitude) / _SPREAD
    found = address_at(north, east)
    if found is None:
        return None
    street, zip_end = found
    return Address(street, "", town.city, town.state, f"{town.zip3}{zip_end:02d}", residential=True)


def nearest_town(latitude: float, longitude: float) -> Town | None:
    """The town around a point; None far from all of ours."""

    def distance(town: Town) -> float:
        return abs(town.latitude - latitude) + abs(town.longitude - longitude)

    town = min(TOWNS, key=distance)
    return town if distance(town) < _FAR else None


def block_at(latitude: float, longitude: float) -> str | None:
    """The census block of a point: county, tract, block; 15 digits."""
    town = nearest_town(latitude, longitude)
    if town is None:
        return None
    tract = draw("tract", f"{latitude:.2f}", f"{longitude:.2f}") % 9_000 + 100
    block = draw("block", f"{latitude:.3f}", f"{longitude:.3f}") % 4 + 1
    number = draw("number", f"{latitude:.3f}", f"{longitude:.3f}") % 60
    return f"{town.county}{tract:04d}00{block}{number:03d}"


@lru_cache(maxsize=4096)
def services_in(block: str) -> tuple[Service, ...]:
    """Who offers what in a block; everybody has a satellite."""
    found = [
        Service(*brand)
        for brand, reach in zip(_BRANDS, _REACH, strict=True)
        if draw("service", block, brand[1]) % 1000 < reach * 1000
    ]
    return tuple(found)
