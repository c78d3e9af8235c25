"""`doctor`: the platform itself, or its providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import DONE, FAILED, Json, Result

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.findings import Finding


def doctor(
    providers: Annotated[
        bool, typer.Option("--providers", help="Make each provider's free call instead.")
    ] = False,
    spend: Annotated[
        str | None,
        typer.Option(help="Dollars that calls of providers without a free one may cost together."),
    ] = None,
    json: Json = False,
) -> None:
    """Check database, migrations, pooler, credentials, versions, disk and clock."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.core.money import micros_from_usd
        from bulk_lookup_dagster.services.doctor import examine
        from bulk_lookup_dagster.services.provider_checks import examine_providers

        if spend is not None and not providers:
            raise InputError("--spend is for providers.", fix="Add --providers.")
        platform = frame.open_platform()
        if not providers:
            return _found(examine(platform), {})
        micros = micros_from_usd(spend) if spend is not None else 0
        report = examine_providers(platform, spend_micros=micros, actor=frame.actor())
        more = {"disabled": report.disabled, "spent_micros": report.spent_micros}
        return _found(report.findings, more)

    frame.execute(action, json)


def _found(findings: Sequence[Finding], more: Mapping[str, Any]) -> Result:
    """Findings as a document and a table; a failure among them fails the command."""
    from dataclasses import asdict

    rows = [(f.level.upper(), f.name, f.detail, f.fix) for f in findings]
    failed = any(f.level == "fail" for f in findings)
    document = {"findings": [asdict(finding) for finding in findings], **more}
    lines = frame.table(("", "what", "found", "what to do"), rows)
    return Result(document, lines, FAILED if failed else DONE)
