"""Shops of the sandbox's world: every ZIP code of our towns has some, each with a number.

A shop is known by its ZIP code and its place in it; key and number say both, so that whoever is
asked about either finds the same shop.

Belongs here: how many there are, their keys and numbers. Does not: what is true of one (`people`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bulk_lookup_dagster.sandbox.draws import draw
from bulk_lookup_dagster.sandbox.places import town_of, town_of_area

_EXCHANGE = "579"
_ZIPCODES, _MOST = 40, 100
_KEY = re.compile(r"(.+)-(\d{5})-(\d{1,2})")


class Shop(NamedTuple):
    """Its ZIP code, and the how manieth it is there."""

    zipcode: str
    number: int


def shops_in(zipcode: str) -> list[Shop]:
    """The shops of a ZIP code: 5 to 94 in our towns, none elsewhere."""
    town = town_of("", "", zipcode)
    if town is None or not 1 <= int(zipcode[3:]) <= _ZIPCODES:
        return []
    return [Shop(zipcode, number) for number in range(draw("shops", zipcode) % 90 + 5)]


def shop_of_key(key: str) -> tuple[Shop, str] | None:
    """The shop of a firm's key, and the key without its place."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    shop = Shop(found[2], int(found[3]))
    return (shop, found[1]) if shop in shops_in(shop.zipcode) else None


def phone_of(shop: Shop) -> str:
    """A shop's number; `shop_of_phone` is its inverse."""
    town = town_of("", "", shop.zipcode)
    if town is None:
        return ""
    place = (int(shop.zipcode[3:]) - 1) * _MOST + shop.number
    return f"+1{town.areas[0]}{_EXCHANGE}{place:04d}"


def shop_of_phone(number: str) -> Shop | None:
    """The shop that is reached under a number."""
    town = town_of_area(number[2:5])
    if len(number) != 12 or number[5:8] != _EXCHANGE or not number[8:].isdigit() or not town:
        return None
    place = int(number[8:])
    shop = Shop(f"{town.zip3}{place // _MOST + 1:02d}", place % _MOST)
    return shop if shop in shops_in(shop.zipcode) and phone_of(shop) == number else None
