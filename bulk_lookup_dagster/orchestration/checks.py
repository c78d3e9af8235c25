"""Check factories: pandera's frames, Great Expectations' suites, a batch against earlier ones.

All validate one batch, or a whole table that belongs to none. A check blocks on structure or above
its threshold, never on one bad row of 25,000; its metadata has rule, column and count, never a
value.
https://docs.dagster.io/guides/test/asset-checks
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from bulk_lookup_dagster.core.drift import Figure, summary
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.orchestration.failures import explained

if TYPE_CHECKING:
    import pandas as pd

    from bulk_lookup_dagster.services.instance import Platform

Frame = Callable[["Platform", str], "pd.DataFrame"]
Block = Callable[["Platform", str], None]
_PARTITION = "dagster/partition"


def pandera_check(
    asset: str,
    *,
    frame: Frame,
    schema: Callable[[], Any],
    max_share: Callable[["Platform"], float],
    block: Block | None = None,
) -> dg.AssetChecksDefinition:
    """A blocking check of a frame against its schema; `block` is told when a batch fails."""

    @dg.asset_check(
        asset=asset,
        name=f"{asset}_schema",
        description=f"Every row keeps the rules of {asset}.",
        blocking=True,
        required_resource_keys={"platform"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        platform = context.resources.platform
        with explained():
            key = _batch_key(context) if block else context.run.tags.get(_PARTITION, "")
            rows = frame(platform, key)
            broken, structural = broken_rules(schema(), rows)
            share = sum(broken.values()) / max(len(rows), 1)
            limit = max_share(platform)
            passed = not structural and share <= limit
            if not passed and block is not None:
                block(platform, _batch_key(context))
        return dg.AssetCheckResult(
            passed=passed,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "rows": len(rows),
                "rows breaking a rule": sum(broken.values()),
                "threshold": limit,
                "rules": {rule: count for (rule, _), count in broken.items()},
                "columns": sorted({column for _, column in broken}),
            },
        )

    return check


def broken_rules(schema: Any, rows: "pd.DataFrame") -> tuple[Counter[tuple[str, str]], bool]:
    """How often which rule of which column is broken, and whether the shape itself is wrong."""
    from pandera.errors import SchemaErrors

    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        broken = Counter(zip(cases["check"].astype(str), cases["column"].astype(str), strict=True))
        return broken, bool(cases["index"].isna().any())
    return Counter(), False


def expectations_check(
    asset: str,
    *,
    frame: Frame,
    suite: Callable[["pd.DataFrame", "Platform"], dict[str, Any]],
    block: Block | None = None,
) -> dg.AssetChecksDefinition:
    """A check of a batch as a whole; `suite` returns the failed expectations with figures.

    It blocks, and tells `block`, where one is given; else it warns. A frame of no batch has key ''.
    """

    @dg.asset_check(
        asset=asset,
        name=f"{asset}_expectations",
        description=f"{asset} as a whole looks as it should.",
        blocking=block is not None,
        required_resource_keys={"platform"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        platform = context.resources.platform
        with explained():
            rows = frame(platform, context.run.tags.get(_PARTITION, ""))
            results = suite(rows, platform)
            if results["failed"] and block is not None:
                block(platform, _batch_key(context))
        return dg.AssetCheckResult(
            passed=not results["failed"],
            severity=dg.AssetCheckSeverity.ERROR if block else dg.AssetCheckSeverity.WARN,
            metadata={"rows": len(rows), **results},
        )

    return check


def history_check(
    asset: str,
    *,
    figures: Callable[["Platform", str], Sequence[Figure]],
    blocks: Callable[["Platform"], bool],
    block: Block,
) -> dg.AssetChecksDefinition:
    """A check of a batch's shares against earlier batches; it warns, or blocks where `blocks`."""

    @dg.asset_check(
        asset=asset,
        name=f"{asset}_history",
        description=f"The batch of {asset} looks like earlier ones of its source.",
        blocking=True,  # an ERROR does; a WARN lets the run go on
        required_resource_keys={"platform"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from bulk_lookup_dagster.expectations.history import check_history

        platform = context.resources.platform
        with explained():
            found = figures(platform, _batch_key(context))
            results = check_history(asset, found)
            blocking = blocks(platform)
            if results["failed"] and blocking:
                block(platform, _batch_key(context))
        return dg.AssetCheckResult(
            passed=not results["failed"],
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description=summary(found),
            metadata={"figures": _table(found), **results},
        )

    return check


def _table(figures: Sequence[Figure]) -> dg.TableMetadataValue:
    columns = {
        "figure": "string",
        "share": "float",
        "rows": "int",
        "history mean": "float",
        "allowed from": "float",
        "allowed to": "float",
        "batches looked at": "int",
        "verdict": "string",
    }
    records = [
        (each.name, each.share, each.whole, each.mean, *each.band, each.batches, each.verdict)
        for each in figures
    ]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(zip(columns, row, strict=True))) for row in records],
        schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()]),
    )


def _batch_key(context: dg.AssetCheckExecutionContext) -> str:
    key = context.run.tags.get(_PARTITION)
    if key is None:
        raise InputError("This check is about one batch.", fix="Start it with a partition.")
    return key
