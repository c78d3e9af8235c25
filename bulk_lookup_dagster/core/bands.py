"""Bands of employees and of yearly revenue: the sizes companies are counted by, as versioned data.

Vendors tell a number, or a range of their own. A range that lies within one band is that band; one
that spans several says too little and stays unknown (F37). Source: the size ranges LinkedIn and
People Data Labs use in common, as of November 2026. Change `VERSION` with any band: it is stored
beside each label.

Belongs here: the bands and reading ranges. Does not: vendors' fields (`resources`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Band:
    """A label and what it spans, both ends included; `high` None: no upper end."""

    label: str
    low: int
    high: int | None

    def holds(self, low: int, high: int | None) -> bool:
        """Whether all of a range lies in this band."""
        if self.high is None:
            return low >= self.low
        return self.low <= low and high is not None and high <= self.high


EMPLOYEES = (
    Band("1-10", 1, 10),
    Band("11-50", 11, 50),
    Band("51-200", 51, 200),
    Band("201-500", 201, 500),
    Band("501-1000", 501, 1_000),
    Band("1001-5000", 1_001, 5_000),
    Band("5001-10000", 5_001, 10_000),
    Band("10001+", 10_001, None),
)
_MILLION, _BILLION = 1_000_000, 1_000_000_000
REVENUE_USD = (
    Band("under 1M", 0, _MILLION - 1),
    Band("1M-10M", _MILLION, 10 * _MILLION - 1),
    Band("10M-25M", 10 * _MILLION, 25 * _MILLION - 1),
    Band("25M-50M", 25 * _MILLION, 50 * _MILLION - 1),
    Band("50M-100M", 50 * _MILLION, 100 * _MILLION - 1),
    Band("100M-250M", 100 * _MILLION, 250 * _MILLION - 1),
    Band("250M-500M", 250 * _MILLION, 500 * _MILLION - 1),
    Band("500M-1B", 500 * _MILLION, _BILLION - 1),
    Band("1B-10B", _BILLION, 10 * _BILLION - 1),
    Band("10B+", 10 * _BILLION, None),
)

_UNITS = {"": 1, "k": 1_000, "m": _MILLION, "b": _BILLION}
_AMOUNT = r"\$?\s*(\d{1,12})\s*([kmb]?)"
_RANGE = re.compile(rf"{_AMOUNT}\s*(?:(\+)|[-\u2013]\s*{_AMOUNT})?", re.ASCII)


def employees_band(count: int | None) -> str | None:
    """The band of a number of employees; None where it is not known or nobody works there."""
    return None if count is None else _label(EMPLOYEES, count, count)


def revenue_band(usd: int | None) -> str | None:
    """The band of a yearly revenue in dollars."""
    return None if usd is None else _label(REVENUE_USD, usd, usd)


def employees_range(text: str | None) -> str | None:
    """The band that holds a range such as `11-50`, `1K-5K` or `10001+`."""
    told = _read(text)
    return None if told is None else _label(EMPLOYEES, *told)


def revenue_range(text: str | None) -> str | None:
    """The band that holds a range such as `$10M-$25M` or `$10B+`; its upper end is not included."""
    told = _read(text)
    if told is None:
        return None
    low, high = told
    return _label(REVENUE_USD, low, high - 1 if high is not None and high > low else high)


def _label(bands: Sequence[Band], low: int, high: int | None) -> str | None:
    return next((band.label for band in bands if band.holds(low, high)), None)


def _read(text: str | None) -> tuple[int, int | None] | None:
    """Both ends of a range, the upper None where it is open; None where the text is none."""
    found = _RANGE.fullmatch((text or "").strip().casefold().replace(",", ""))
    if found is None:
        return None
    number, unit, is_open, to, to_unit = found.groups()
    low = int(number) * _UNITS[unit]
    if is_open:
        return low, None
    return low, low if to is None else int(to) * _UNITS[to_unit]
