"""What the answers of every step promise to later stages, and how a step's schema is put together.

Belongs here: the columns all result tables have. Does not: a step's own (one module per step).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandera.pandas as pa

OUTCOMES = ("data", "no_data", "invalid_subject", "objected")
KEY = ("subject_id", "provider", "operation")
SHARED = (*KEY, "outcome", "fetched_at", "expires_at")


def answers_schema(
    step: str, columns: Mapping[str, pa.Column], key: Sequence[str] = KEY
) -> pa.DataFrameSchema:
    """The schema of a step's answers; validate with `lazy=True` to hear of every broken rule."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "subject_id": pa.Column("int64"),
            "provider": pa.Column("object"),
            "operation": pa.Column("object"),
            "outcome": one_of("outcome", OUTCOMES, nullable=False),
            "fetched_at": pa.Column("object"),
            "expires_at": pa.Column("object", nullable=True),
            **columns,
        },
        unique=list(key),
        strict=True,
        name=step,
    )


def one_of(name: str, values: Sequence[str], *, nullable: bool = True) -> pa.Column:
    """A column of words from a list."""
    import pandera.pandas as pa

    check = pa.Check.isin(values, error=f"{name} is not one the vendor has")
    return pa.Column("object", check, nullable=nullable)


def between(name: str, low: float, high: float) -> pa.Column:
    """A column of numbers within bounds."""
    import pandera.pandas as pa

    check = pa.Check.in_range(low, high, error=f"{name} is not {low:g} to {high:g}")
    return pa.Column("float64", check, nullable=True)


def flag() -> pa.Column:
    """Yes, no, or not known."""
    return one_of("flag", (True, False))  # type: ignore[arg-type]


def anything() -> pa.Column:
    """A column whose values the vendor is free in."""
    import pandera.pandas as pa

    options: Any = {"nullable": True}
    return pa.Column("object", **options)
