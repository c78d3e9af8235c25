"""One thing the doctor looked at.

Belongs here: the value. Does not: looking (see `doctor`, `provider_health`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `fix` says what to do where it is not ok, `cost_micros` what it cost."""

    name: str
    level: Level
    detail: str
    fix: str = ""
    cost_micros: int = 0
