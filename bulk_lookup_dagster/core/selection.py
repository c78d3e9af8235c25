"""Which rows and columns of an upload are exported: read from text, checked against the columns.

Belongs here: the columns an export may have and conditions on them. Does not: SQL and files
(`services.exports`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bulk_lookup_dagster.core.errors import InputError

COLUMNS = (
    "row_number",
    "phone",
    "raw_phone",
    "region",
    "name",
    "company",
    "email",
    "valid",
    "line_type",
    "carrier_name",
    "caller_name",
    "caller_type",
    "risk_level",
    "looked_up_at",
)
_CONDITION = re.compile(r"([a-z_]+)(!=|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """`column` is one of `values`, or none of them; an empty value stands for no value at all."""

    column: str
    wanted: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that meet every condition, at most `limit` of them, with these columns."""

    where: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = COLUMNS
    limit: int | None = None


def parse_condition(text: str) -> Condition:
    """`line_type=mobile,landline` or `risk_level!=high`; nothing after the sign means empty."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise InputError(
            f"{text!r} is no condition.", fix="Write line_type=mobile,landline or risk_level!=high."
        )
    column, sign, values = found.groups()
    _refuse_unknown([column])
    return Condition(column, sign == "=", tuple(values.split(",")))


def parse_columns(text: str) -> tuple[str, ...]:
    """Names with commas between them; all columns where there is nothing."""
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else COLUMNS
    _refuse_unknown(names)
    if len(set(names)) < len(names):
        raise InputError("A column is named twice.", fix="Name each column once.")
    return names


def _refuse_unknown(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise InputError(
            f"There is no column {unknown[0]!r} to export.", fix=f"One of {', '.join(COLUMNS)}."
        )
