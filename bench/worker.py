"""A process that runs the engine against the sandbox and reports what it cost; see `harness`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.harness import OPERATION, PROVIDER
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits, RunOptions
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.engine.step import Scope, Step
from resources.http import Timeouts
from resources.twilio_lookup_client import TwilioLookupClient

STEP = Step(
    name="phone_lookups",
    subject_kind="phone",
    table="enrichment.phone_lookups",
    questions_sql=f"""
        SELECT s.subject_id, s.value, s.region, '{PROVIDER}'::text AS provider,
               '{OPERATION}'::text AS operation, '{{}}'::jsonb AS params, ''::bytea AS params_hash
          FROM intake.subjects s WHERE s.kind = 'phone'
    """,
)


async def work(options: dict[str, Any]) -> dict[str, Any]:
    """One run; times in seconds, memory in MB beyond what the imports took."""
    imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    concurrency = options["concurrency"]
    limits = ProviderLimits(
        requests_per_second=options["rate"],
        concurrency=concurrency,
        retry_window=timedelta(seconds=options.get("retry_window", 60)),
        breaker=BreakerPolicy(failures=10**9),
    )
    run = RunOptions(
        home=Path(options["home"]),
        limits={PROVIDER: limits},
        patience=timedelta(seconds=options.get("patience", 120)),
        kind="batch",
    )
    client = TwilioLookupClient(
        options["url"],
        ("AC" + "0" * 32, "sandbox"),
        concurrency=concurrency,
        timeouts=Timeouts(
            read=options.get("read_timeout", 10.0), total=options.get("read_timeout", 15.0)
        ),
    )
    async with client:
        cpu = time.process_time()
        began = time.perf_counter()
        report = await run_step(
            options["dsn"],
            STEP,
            Scope("all", {}),
            {PROVIDER: client},
            plan_id=options["plan_id"],
            run=run,
        )
        wall = time.perf_counter() - began
        cpu = time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "wall": wall,
        "cpu": cpu,
        "extra_mb": (peak - imported) / 1024,
        "report": report.as_json(),
    }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        print(json.dumps(asyncio.run(work(json.loads(sys.stdin.readline())))))
