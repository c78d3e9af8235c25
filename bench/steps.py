"""`python -m bench.steps`: every step of a batch against what its vendors' limits allow.

`ratio`: wall time from deriving subjects to the last commit ÷ floor. The floor is the longest path
through the step graph of Σ requests ÷ rate, requests counted by the sandbox, rates those of
`bench/limits.json` (requests a second: 20 times the vendors' own). A floor below 60 s is void.
`shared_floor_s` beside it counts a rate once for all steps that share it: less is impossible.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.harness import ROOT, Bench, bench, main
from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.plans import make_plan
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings, load_settings
from bulk_lookup_dagster.services.simulation import sandbox_addresses
from bulk_lookup_dagster.services.steps import BATCH_STEPS
from bulk_lookup_dagster.services.steps.graph import in_graph_order, upstream_of
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.database import connect
from resources.registry import VENDORS

LIMITS: Mapping[str, float] = json.loads((ROOT / "bench" / "limits.json").read_text())
_PRICE_USD = "0.001"
_HEAD = "phone,first name,last name,company,email,website,street,city,state,zip,country"
_FIRST = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Femi", "Grace")
_LAST = ("Abara", "Brook", "Castle", "Dale", "Ember", "Frost")
_FLOOR_SECONDS = 60
_VENDORS_LATER = ("later", "waiting")  # a vendor said: not now, ask again in an hour


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One run over one batch."""
    with bench(options.latency_ms) as setup:
        platform = _platform(setup)
        batch, plan_id = _prepare(setup, platform, options.contacts)
        setup.sandbox.control("DELETE", "log")
        began = time.perf_counter()
        reports = run_batch(platform, batch, plan_id)
        wall = time.perf_counter() - began
        requests = _requests(setup)
    undone = {why: n for why, n in reports.left_due.items() if why not in _VENDORS_LATER}
    if undone or reports.stopped:
        raise SystemExit(f"Something stayed due: {undone}; {reports.stopped}")
    floor, shared = _floors(requests)
    return {
        "bench": "steps",
        "contacts": options.contacts,
        "latency_ms": options.latency_ms,
        "requests": {f"{step} {vendor}": n for (step, vendor), n in sorted(requests.items())},
        "wall_s": round(wall, 2),
        "floor_s": round(floor, 2),
        "shared_floor_s": round(shared, 2),
        "ratio": round(wall / floor, 4),
        "left_due": dict(reports.left_due),
        "void": floor < _FLOOR_SECONDS,
    }


def _platform(setup: Bench) -> Platform:
    with setup.fresh_database():
        dsn = setup.dsn
    values = {one.name: one.sandbox for one in VARIABLES if one.sandbox}
    values |= sandbox_addresses(setup.sandbox.url)
    home = {"BULK_LOOKUP_ENV": "demo", "BULK_LOOKUP_HOME": str(setup.home)}
    environment = read_environment({**values, **home})
    return Platform(environment, dsn, dsn, dsn, b"bench" * 8, None)


def _prepare(setup: Bench, platform: Platform, contacts: int) -> tuple[int, int]:
    """An upload of distinct numbers, every step switched on, an approved plan."""
    path = Path(setup.home) / "contacts.csv"
    path.write_text("\n".join([_HEAD, *map(_row, range(contacts))]) + "\n")
    with connect(platform.dsn, autocommit=True, name="bench") as conn:
        for change, value in _changes().items():
            change_settings(conn, change, value, "bench")
        upload = load_upload(platform.dsn, platform.secret_key, path)
        plan = make_plan(conn, upload.upload_id, load_settings(conn), platform)
        approve_plan(conn, plan.plan_id, actor="bench")
    return upload.batches[0].batch_id, plan.plan_id


def _row(n: int) -> str:
    """A person known by a site, by a firm and its zip code, or by an address; a street for half."""
    name = f"{_FIRST[n % len(_FIRST)]},{_LAST[n % len(_LAST)]}x{n}"
    known = (f",,https://firm-{n}.example", f"Firm {n},,", f",ann.{n}@post-{n}.example,")[n % 3]
    street = f"{100 + n % 900} Fern Street,Phoenix,AZ" if n % 2 else ",,"
    return f"+1415{2_000_000 + n},{name},{known},{street},850{n % 90:02d},US"


def _changes() -> dict[str, str]:
    changes = {f"steps.{step}.enabled": "true" for step in BATCH_STEPS}
    for entry in VENDORS:
        block = f"providers.{entry.name}"
        if entry.name in LIMITS:  # what runs on this machine has none
            changes[f"{block}.requests_per_second"] = str(LIMITS[entry.name])
            changes[f"{block}.concurrency"] = "200"
        unpriced = entry.operations.keys() - {price.operation for price in entry.prices}
        prices = dict.fromkeys(sorted(unpriced), _PRICE_USD)
        changes[f"{block}.price_overrides_usd"] = json.dumps(prices)
    return changes


def _requests(setup: Bench) -> Counter[tuple[str, str]]:
    """Exchanges that arrived, by step and vendor."""
    steps = {offer.key: step.name for step in in_graph_order(BATCH_STEPS) for offer in step.offers}
    found: Counter[tuple[str, str]] = Counter()
    for entry in setup.sandbox.control("GET", "log")["entries"]:
        operations = [steps.get((entry["vendor"], one)) for one in entry["packages"]]
        step = next((one for one in operations if one), "other")
        found[step, entry["vendor"]] += 1
    return found


def _floors(requests: Mapping[tuple[str, str], int]) -> tuple[float, float]:
    """Seconds of the longest path, and of the busiest vendor where that is longer."""
    own: dict[str, float] = dict.fromkeys(BATCH_STEPS, 0.0)
    vendors: dict[str, float] = {}
    for (step, vendor), count in requests.items():
        seconds = count / LIMITS[vendor]
        own[step] = own.get(step, 0.0) + seconds
        vendors[vendor] = vendors.get(vendor, 0.0) + seconds
    ends: dict[str, float] = {}
    for one in in_graph_order(BATCH_STEPS):
        before = max((ends[name] for name in upstream_of(one, ends)), default=0.0)
        ends[one.name] = before + own[one.name]
    longest = max(ends.values())
    return longest, max(longest, *vendors.values())


if __name__ == "__main__":
    main(
        measure,
        {"name": "--contacts", "type": int, "default": 25_000},
        {"name": "--latency-ms", "type": float, "default": 50.0},
    )
