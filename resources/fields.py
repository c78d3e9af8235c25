"""Reading single fields of a vendor's answer: missing is None, wrong is a typed error.

An error names the field and the rule, never the value: values are personal.

Belongs here: types and bounds that recur. Does not: what a field means (one records file each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """Readers that speak in a vendor's name."""

    vendor: str

    def bad(self, field: str, rule: str) -> BadResponse:
        """The error of a field that breaks a rule."""
        return BadResponse(f"{self.vendor}: {field} {rule}.")

    def text(self, part: Part, name: str, length: int) -> str | None:
        """Text of at most `length` characters; empty text counts as missing."""
        value = part.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.bad(name, "is not text")
        if len(value) > length:
            raise self.bad(name, f"is longer than {length} characters")
        if "\x00" in value:
            raise self.bad(name, "holds a character that no database keeps")
        return value

    def flag(self, part: Part, name: str) -> bool | None:
        """True or false."""
        value = part.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.bad(name, "is not true or false")
        return value

    def whole(self, part: Part, name: str, low: int = 0, high: int = 100) -> int | None:
        """A whole number within bounds."""
        value = part.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise self.bad(name, f"is not a whole number from {low} to {high}")

    def number(self, part: Part, name: str, low: float, high: float) -> float | None:
        """A number within bounds."""
        value = part.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise self.bad(name, f"is not a number from {low:g} to {high:g}")

    def moment(self, part: Part, name: str) -> str | None:
        """A date and time in ISO 8601."""
        value = self.text(part, name, 40)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self.bad(name, "is not a date and time") from None
        # The extended form: a basic or week date is not a date to PostgreSQL.
        return value if value.startswith(f"{moment:%Y-%m-%d}") else moment.isoformat()

    def day(self, part: Part, name: str) -> date | None:
        """A calendar day in ISO 8601."""
        value = self.text(part, name, 10)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.bad(name, "is not a date") from None

    def part(self, part: Part, name: str) -> Part:
        """An object inside; empty where it is missing."""
        value = part.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.bad(name, "is not an object")
        return value

    def parts(self, part: Part, name: str) -> list[Part]:
        """A list of objects; empty where it is missing."""
        value = part.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.bad(name, "is not a list of objects")
        return value

    def texts(self, part: Part, name: str, length: int) -> list[str]:
        """A list of texts; empty where it is missing."""
        value = part.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.bad(name, "is not a list of texts")
        found = [self.text({name: one}, name, length) for one in value]
        return [one for one in found if one is not None]
