"""Money as whole micro-dollars (millionths of a US dollar), so that sums are exact.

Belongs here: conversion and formatting. Does not: prices (see `engine.pricing`).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from bulk_lookup_dagster.core.errors import InputError

MICROS_PER_USD = 1_000_000
_MOST_USD = 1_000_000_000  # far beyond any plan, and sums of it still fit a bigint
_MICRO = Decimal(1).scaleb(-6)


def micros_from_usd(usd: Decimal | str | int | float) -> int:
    """Micro-dollars of an amount in dollars, rounded half up to a millionth."""
    try:
        amount = Decimal(str(usd))
    except InvalidOperation as error:
        raise InputError(
            f"{usd!r} is not an amount of money.", fix="Write dollars, for example 1.50."
        ) from error
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        raise InputError(
            f"{usd!r} is not an amount of money.", fix=f"Write a sum from 0 to {_MOST_USD:,}."
        )
    return int(amount.quantize(_MICRO, ROUND_HALF_UP) * MICROS_PER_USD)


def usd_from_micros(micros: int) -> Decimal:
    """Dollars, exact to six decimals."""
    return Decimal(micros) / MICROS_PER_USD


def format_usd(micros: int) -> str:
    """Text such as `$1,234.50`; up to six decimals where cents would hide a price."""
    usd = usd_from_micros(micros)
    cents = usd.quantize(Decimal("0.01"))
    return f"${cents:,}" if cents == usd else f"${usd.normalize():,f}"
