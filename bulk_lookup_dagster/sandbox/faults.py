"""The fault plan: which requests go wrong, and how, decided by seed and subject.

A draw depends on the subject and on how often it was asked, so that runs repeat exactly and a
retry gets a fresh draw. From the `clean_after`th request of a subject on nothing goes wrong.

Belongs here: the plan and the draw. Does not: carrying a fault out (see `server`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields
from typing import Any

from bulk_lookup_dagster.core.errors import InputError

KINDS = (
    "rate_limited",
    "rate_limited_bare",
    "unavailable",
    "server_error",
    "drop_before",
    "drop_after",
    "truncated",
    "html",
    "empty",
    "wrong_type",
    "redirect",
    "unauthorised",
    "forbidden",
    "huge",
    "drip",
    "hang",
)
_SCALE = 1 << 32


@dataclass(frozen=True)
class FaultPlan:
    """`rates` maps kinds of fault to the share of requests they befall; latency in ms."""

    latency_ms: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    retry_after_s: int = 1
    clean_after: int = 3
    seed: int = 1

    @classmethod
    def from_json(cls, document: Any) -> FaultPlan:
        """A plan read from the control API; unknown names and shares above 1 are refused."""
        names = {one.name for one in fields(cls)}
        if not isinstance(document, dict) or document.keys() - names:
            raise InputError(f"A fault plan has the fields {', '.join(sorted(names))}.")
        rates = document.get("rates", {})
        numbers = [value for name, value in document.items() if name != "rates"]
        if not isinstance(rates, dict) or not all(map(is_amount, [*numbers, *rates.values()])):
            raise InputError("Everything in a fault plan is a number of at least 0.")
        plan = cls(**document)
        if plan.rates.keys() - set(KINDS) or sum(plan.rates.values()) > 1:
            raise InputError(f"Rates are shares of {', '.join(KINDS)} that sum to at most 1.")
        return plan

    def draw(self, subject: str, nth: int) -> str | None:
        """The fault that befalls the `nth` request (from 1) about a subject, or None."""
        if not self.rates or nth >= self.clean_after:
            return None
        point = _mixed(zlib.crc32(f"{self.seed}|{subject}|{nth}".encode())) / _SCALE
        for kind, share in self.rates.items():
            if point < share:
                return kind
            point -= share
        return None


def _mixed(value: int) -> int:
    """MurmurHash3's finaliser: a CRC alone gives neighbouring numbers neighbouring draws."""
    value ^= value >> 16
    value = value * 0x85EBCA6B % _SCALE
    value ^= value >> 13
    value = value * 0xC2B2AE35 % _SCALE
    return value ^ (value >> 16)


def is_amount(value: Any) -> bool:
    """Whether a JSON value is a number of at least 0; JSON has no infinities."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def amounts(document: Any) -> dict[str, int]:
    """Whole numbers of at least 0 by name; raises `InputError`."""
    if not isinstance(document, dict):
        raise InputError("A JSON object is expected.")
    for name, value in document.items():
        if not isinstance(value, int) or not is_amount(value):
            raise InputError(f"{name} is a whole number of at least 0.")
    return document


NO_FAULTS = FaultPlan()
# Mild and recoverable: every fault is one the vendor provably does not bill.
DEMO_FAULTS = FaultPlan(
    latency_ms=20.0,
    rates={"rate_limited_bare": 0.004, "unavailable": 0.006, "rate_limited": 0.001},
)
PLANS = {"none": NO_FAULTS, "demo": DEMO_FAULTS}
