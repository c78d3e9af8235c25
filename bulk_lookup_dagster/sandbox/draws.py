"""Draws of the sandbox's world: the same key always gives the same number.

Belongs here: making numbers of text. Does not: what they decide (see `world`, `places`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(*parts: str) -> int:
    """64 bits that follow from the parts."""
    return int.from_bytes(blake2b("|".join(parts).encode(), digest_size=8).digest(), "big")


def pick(choices: Sequence[T], number: int) -> T:
    """One of the choices."""
    return choices[number % len(choices)]


def knows(vendor: str, operation: str, subject: str, share: float) -> bool:
    """Whether a vendor has something on a subject, given its usual share of hits."""
    return draw("knows", vendor, operation, subject) % 10_000 < share * 10_000
