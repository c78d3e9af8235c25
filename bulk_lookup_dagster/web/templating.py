"""Jinja templates and the filters that write money, counts and moments.

Belongs here: how a value reads. Does not: what is shown (`web.pages`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bulk_lookup_dagster.core.money import format_usd

_TEMPLATES = Path(__file__).parent / "templates"
_CENT = 10_000
_NOTHING = "\N{EN DASH}"


def make_templates(environment: str, zone: ZoneInfo) -> Jinja2Templates:
    """Templates that escape everything and refuse unknown names."""
    jinja = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals["environment"] = environment
    jinja.filters["usd"] = usd
    jinja.filters["count"] = count
    jinja.filters["percent"] = percent
    jinja.filters["words"] = lambda text: str(text).replace("_", " ")
    jinja.filters["moment"] = lambda value: moment(value, zone)
    jinja.filters["short"] = lambda value: moment(value, zone, "%b %d, %H:%M %Z")
    jinja.filters["age"] = age
    return Jinja2Templates(env=jinja)


def usd(micros: int | None) -> str:
    """Dollars and cents; what is below a cent in full; a dash for nothing known."""
    if micros is None:
        return _NOTHING
    rounded = (micros + _CENT // 2) // _CENT * _CENT
    return format_usd(rounded if micros >= _CENT else micros)


def count(number: int | None) -> str:
    """A whole number with separators; a dash for nothing known."""
    return _NOTHING if number is None else f"{number:,}"


def percent(ratio: Any) -> str:
    """A ratio as per cent."""
    return f"{float(ratio) * 100:.1f}\N{NO-BREAK SPACE}%"


def moment(value: datetime | None, zone: ZoneInfo, form: str = "%Y-%m-%d %H:%M %Z") -> Markup:
    """A moment in the business time zone, exact for machines."""
    if value is None:
        return Markup.escape(_NOTHING)
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    words = value.astimezone(zone).strftime(form)
    return Markup('<time datetime="{}">{}</time>').format(exact, words)


def age(value: datetime) -> str:
    """How long ago, roughly."""
    minutes = max(0, int((datetime.now(UTC) - value).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // size
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"
