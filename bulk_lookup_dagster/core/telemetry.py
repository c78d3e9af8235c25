"""Switches off what our dependencies would report to their makers.

Belongs here: the variables. Does not: our own error reports (`bulk_lookup_dagster.observability`).
"""

from __future__ import annotations

from collections.abc import MutableMapping

TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}


def silence(environ: MutableMapping[str, str]) -> None:
    """Set the switches for this process and its children; every entry point calls this first."""
    environ.update(TELEMETRY_OFF)
