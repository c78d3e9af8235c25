"""The picture of a score: bars that start where the one before ended, in bits.

Belongs here: geometry. Does not: what the bits are (`matching.explanation`), markup (templates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bulk_lookup_dagster.matching.explanation import Reason

_LABELS, _WIDTH, _ROW = 170, 470, 18
_END = 50  # room for the figures


@dataclass(frozen=True)
class Bar:
    """One row: its label, where its bar lies, and what it says."""

    label: str
    bits: float
    x: float
    y: int
    width: float
    kind: str


@dataclass(frozen=True)
class Waterfall:
    """A picture of `height`; `zero` is where no evidence would be."""

    bars: tuple[Bar, ...]
    zero: float
    width: int
    height: int


def draw(reasons: Sequence[Reason], score: float) -> Waterfall:
    """Reasons one below the other, the sum last."""
    ends = [0.0]
    for reason in reasons:
        ends.append(ends[-1] + reason.bits)
    low, high = min(ends), max(ends)
    scale = (_WIDTH - _LABELS - _END) / max(high - low, 1.0)

    def place(bits: float) -> float:
        return round(_LABELS + (bits - low) * scale, 1)

    rows = [
        (f"{reason.comparison}: {reason.level}", reason.bits, start, end)
        for reason, start, end in zip(reasons, ends, ends[1:], strict=False)
    ]
    rows.append(("score", score, 0.0, score))
    bars = tuple(
        Bar(
            label=label,
            bits=round(bits, 1),
            x=place(min(start, end)),
            y=number * _ROW,
            width=max(round(abs(end - start) * scale, 1), 1.0),
            kind="total" if label == "score" else "for" if bits >= 0 else "against",
        )
        for number, (label, bits, start, end) in enumerate(rows)
    )
    return Waterfall(bars, place(0.0), _WIDTH, len(bars) * _ROW + 2)
