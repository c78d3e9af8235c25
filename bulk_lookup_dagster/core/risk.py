"""Risk bands of a phone number, as versioned data.

Source: Twilio's SMS pumping risk guidance (score 0-100), read September 2026. A missing score is
unknown and never low (F37).
"""

from __future__ import annotations

from typing import Literal

RiskLevel = Literal["low", "medium", "high", "unknown"]

BANDS_VERSION = "2026-09"
BANDS: tuple[tuple[int, int, RiskLevel], ...] = (
    (0, 25, "low"),
    (26, 74, "medium"),
    (75, 100, "high"),
)


def risk_level(score: int | None, *, blocked: bool | None = None) -> RiskLevel:
    """The band of an SMS pumping score; a blocked number is high whatever its score."""
    if blocked:
        return "high"
    if score is not None:
        for low, high, level in BANDS:
            if low <= score <= high:
                return level
    return "unknown"
