"""Lots of land: every plain address of a town has one to itself, so a point leads back to it.

A plain address is a house number, a street of ours and a ZIP code of the town. Lots tile a square;
which one an address has is a fixed shuffle, so that neighbours in number are none on the ground.

Belongs here: from address to lot and back. Does not: towns and their squares (`places`).
"""

from __future__ import annotations

import re

STREETS = "Alder Birch Cedar Dogwood Elm Fern Grove Hazel Ivy Juniper Kettle Linden Maple".split()
KINDS = ("St", "Ave", "Blvd", "Ln", "Dr")
_NAMES = [f"{street} {kind}" for street in STREETS for kind in KINDS]
_PLACES = {name.casefold(): place for place, name in enumerate(_NAMES)}
_HOUSES, _ZIPS = 10_000, 100
_ADDRESSES = _HOUSES * len(_NAMES) * _ZIPS
_SIDE = 8_069
_LOTS = _SIDE**2
_STRIDE, _START = 41_000_011, 17
_BACK = pow(_STRIDE, -1, _LOTS)
_PLAIN = re.compile(r"([1-9]\d{0,3}) (\S+ \S+)", re.ASCII)


def place_of(street: str, postal_code: str) -> tuple[float, float] | None:
    """The middle of an address's lot in its town's square, each way from -1 to 1; None where the
    address is not a plain one."""
    found = _PLAIN.fullmatch(street.strip().casefold())
    name = _PLACES.get(found[2]) if found else None
    if found is None or name is None or not (len(postal_code) == 5 and postal_code.isdecimal()):
        return None
    number = (int(found[1]) * len(_NAMES) + name) * _ZIPS + int(postal_code[3:])
    row, column = divmod((number * _STRIDE + _START) % _LOTS, _SIDE)
    return (2 * row + 1) / _SIDE - 1, (2 * column + 1) / _SIDE - 1


def address_at(north: float, east: float) -> tuple[str, int] | None:
    """The street line of the lot at a place of the square, and what its ZIP code ends with."""
    if not (-1 <= north < 1 and -1 <= east < 1):
        return None
    row, column = (int((one + 1) / 2 * _SIDE) for one in (north, east))
    number = (row * _SIDE + column - _START) * _BACK % _LOTS
    rest, zip_end = divmod(number, _ZIPS)
    house, name = divmod(rest, len(_NAMES))
    if number >= _ADDRESSES or not house:
        return None
    return f"{house} {_NAMES[name]}", zip_end
