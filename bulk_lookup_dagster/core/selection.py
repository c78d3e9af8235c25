"""Which rows and columns are exported: read from text, checked against the columns.

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
    "upload_id",
    "line_status",
    "owner_type",
    "owner_name",
)
_PERSONAL = ("phone", "raw_phone", "name", "company", "email", "caller_name", "owner_name")
_CONDITION = re.compile(r"([a-z_]+)(!=|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """`column` is one of `values`, or none of them; an empty value stands for no value at all."""

    column: str
    wanted: bool
    values: tuple[str, ...]

    def described(self) -> str:
        """As it is written, without values that may name somebody."""
        values = "…" if self.column in _PERSONAL and any(self.values) else ",".join(self.values)
        return f"{self.column}{'=' if self.wanted else '!='}{values}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that meet every condition, at most `limit` of them, with these columns.

    `saved` is the name the conditions, or some of them, are saved under.
    """

    where: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = COLUMNS
    limit: int | None = None
    saved: str = ""

    def described(self) -> str:
        """What was chosen, for the log: nothing in it names a person."""
        parts = [f"saved {self.saved}"] if self.saved else []
        parts += [condition.described() for condition in self.where]
        parts += [] if self.columns == COLUMNS else [f"columns {','.join(self.columns)}"]
        parts += [] if self.limit is None else [f"limit {self.limit}"]
        return "; ".join(parts) or "everything"


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
