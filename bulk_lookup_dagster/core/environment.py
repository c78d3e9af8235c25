"""The process environment: every variable the platform reads, and what it means.

Belongs here: names, defaults, checks. Does not: toggles, thresholds and limits, which are
settings in the database (see `core.settings`). Nothing here touches `os.environ`: callers pass it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bulk_lookup_dagster.core.errors import ConfigError, InputError
from bulk_lookup_dagster.core.money import MICROS_PER_USD, micros_from_usd
from bulk_lookup_dagster.core.variables import VARIABLES, Variable

__all__ = ["ENVIRONMENTS", "VARIABLES", "Environment", "Variable", "read_environment"]

ENVIRONMENTS = ("demo", "local", "staging", "production")
CHECKOUT = Path(__file__).resolve().parents[2]
_AUTO_APPROVE_USD: Mapping[str, int | None] = {
    "demo": None,
    "local": 5,
    "staging": 0,
    "production": 0,
}
# The simulator takes any; a vendor's own must never reach it, nor a demo a vendor.
_SANDBOX_CREDENTIALS = {each.name: each.sandbox for each in VARIABLES if each.sandbox}
_KEY_BYTES = 32
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Environment:
    """What the process environment says, checked."""

    name: str
    home: Path
    files_url: str
    database_url: str | None = field(repr=False)
    dagster_database_url: str | None = field(repr=False)
    migration_database_url: str | None = field(repr=False)
    timezone: ZoneInfo
    secret_key: bytes | None = field(repr=False)
    auto_approve_micros: int | None
    sentry_dsn: str = field(repr=False)
    log_level: str
    pg_bin: str | None
    values: Mapping[str, str] = field(repr=False)

    @property
    def simulated(self) -> bool:
        """Whether only the sandbox may be asked."""
        return self.name == "demo"

    def credential(self, name: str) -> str:
        """A registered variable's value; empty when it is not set."""
        if name not in _NAMES:
            raise ConfigError(
                f"{name} is not a registered variable.", fix="Add it to core/variables.py."
            )
        return self.values.get(name, "")


_NAMES = frozenset(variable.name for variable in VARIABLES)
_CREDENTIALS = frozenset(variable.name for variable in VARIABLES if variable.credential)


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Check `environ` and say what it means; an empty value counts as not set."""
    values = {name: environ[name].strip() for name in _NAMES if environ.get(name, "").strip()}
    name = _one_of(values, "BULK_LOOKUP_ENV", "local", ENVIRONMENTS)
    if name == "demo":
        values = {key: value for key, value in values.items() if key not in _CREDENTIALS}
        values |= _SANDBOX_CREDENTIALS
    home = Path(values.get("BULK_LOOKUP_HOME") or CHECKOUT / ".bulk_lookup" / name)
    home = home.expanduser().absolute()
    return Environment(
        name=name,
        home=home,
        files_url=values.get("BULK_LOOKUP_FILES") or (home / "files").as_uri(),
        database_url=values.get("DATABASE_URL"),
        dagster_database_url=values.get("DAGSTER_DATABASE_URL"),
        migration_database_url=values.get("MIGRATION_DATABASE_URL"),
        timezone=_parsed(values, "BULK_LOOKUP_TIMEZONE", _zone) or ZoneInfo("UTC"),
        secret_key=_parsed(values, "BULK_LOOKUP_SECRET_KEY", _key),
        auto_approve_micros=_auto_approve(values, name),
        sentry_dsn=values.get("SENTRY_DSN", ""),
        log_level=_one_of(values, "BULK_LOOKUP_LOG_LEVEL", "info", _LEVELS),
        pg_bin=values.get("PG_BIN"),
        values=values,
    )


_LEVELS = ("debug", "info", "warning", "error")


def _one_of(values: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, default).lower()
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}.", fix=f"Set it to one of: {', '.join(allowed)}.")
    return value


def _parsed(
    values: Mapping[str, str], name: str, parse: Callable[[str, str], _Value]
) -> _Value | None:
    return parse(name, values[name]) if name in values else None


def _zone(name: str, value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{name} is {value!r}, which is no time zone.", fix="Write it like America/New_York."
        ) from None


def _key(name: str, value: str) -> bytes:
    for decode in (bytes.fromhex, _base64):
        try:
            key = decode(value)
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            return key
    raise ConfigError(
        f"{name} is not a key of {_KEY_BYTES} bytes.",
        fix="Make one with: python -c 'import secrets; print(secrets.token_hex(32))'",
    )


def _base64(value: str) -> bytes:
    return base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)


def _auto_approve(values: Mapping[str, str], environment: str) -> int | None:
    value = values.get("AUTO_APPROVE_USD")
    if value is None:
        dollars = _AUTO_APPROVE_USD[environment]
        return None if dollars is None else dollars * MICROS_PER_USD
    if value.lower() == "unlimited":
        return None
    try:
        return micros_from_usd(value)
    except InputError:
        raise ConfigError(
            f"AUTO_APPROVE_USD is {value!r}.", fix="Set it to dollars like 5 or 2.50, or unlimited."
        ) from None
