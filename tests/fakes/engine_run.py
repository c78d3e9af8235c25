"""Running the engine in a test, in one line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bulk_lookup_dagster.engine.options import RunOptions, RunReport
from bulk_lookup_dagster.engine.runner import run_step
from tests.fakes.ledger import ALL_PHONES, step
from tests.fakes.provider import FakeProvider


async def arun(
    dsn: str, home: Path, provider: FakeProvider, plan_id: int, *operations: str, **options: Any
) -> RunReport:
    """One engine run over all phone subjects."""
    return await run_step(
        dsn,
        step(*operations),
        ALL_PHONES,
        {provider.name: provider},
        plan_id=plan_id,
        run=RunOptions(home=home, **options),
    )


def run(
    dsn: str, home: Path, provider: FakeProvider, plan_id: int, *operations: str, **options: Any
) -> RunReport:
    """The same, from a test that is not async."""
    return asyncio.run(arun(dsn, home, provider, plan_id, *operations, **options))
