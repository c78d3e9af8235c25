"""`doctor --providers`: every vendor's free call, and, with money for it, the cheapest paid one.

Belongs here: who is looked at in which order, and what is remembered of it. Does not: the finding
of one vendor (`provider_health`), how a paid call is made (`services.paid_checks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.findings import Finding
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paid_checks import ask_paid
from bulk_lookup_dagster.services.provider_health import Look, look_at
from bulk_lookup_dagster.services.provider_quotas import store_quota
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage.database import connect
from resources.registry import VENDORS


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """A finding per vendor, the names of those that cannot be asked, what asking cost."""

    findings: list[Finding]
    disabled: list[str]
    spent_micros: int


def examine_providers(
    platform: Platform, *, spend_micros: int = 0, actor: str = "doctor"
) -> ProviderReport:
    """Ask every vendor that can be asked; those with only paid calls for `spend_micros` at most.

    What vendors tell of their allowances is remembered for `mart_provider_quota`.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup doctor") as conn:
        settings = load_settings(conn)
        looks = asyncio.run(_look_at_all(platform, settings))
        for name, look in looks.items():
            if look.quota is not None:
                store_quota(conn, name, look.quota)
    findings = {name: look.finding for name, look in looks.items()}
    if spend_micros:
        names = [name for name, look in looks.items() if look.status == "only_paid"]
        findings |= ask_paid(platform, settings, names, spend_micros, actor=actor)
    return ProviderReport(
        findings=list(findings.values()),
        disabled=[name for name, look in looks.items() if look.status == "disabled"],
        spent_micros=sum(finding.cost_micros for finding in findings.values()),
    )


async def _look_at_all(platform: Platform, settings: Settings) -> Mapping[str, Look]:
    looks = await asyncio.gather(
        *(look_at(platform.environment, settings, entry) for entry in VENDORS)
    )
    return dict(zip((entry.name for entry in VENDORS), looks, strict=True))
