"""One provider dead in the middle: the other steps answer what they always do, nothing is lost.

Over real sockets: the dead vendor refuses connections, hangs, or answers 500 or 429 for ever.
"""

from __future__ import annotations

import math
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.runs import run_batch
from bulk_lookup_dagster.services.settings import change_settings
from tests.fakes.many_steps import PHONE_STEPS, approved, load_numbers, sandboxed, switch_on
from tests.fakes.sandbox import SandboxProcess, running_sandbox

Connection = psycopg.Connection[Any]
NUMBERS = 60
DEAD = "trestle"
FAULTS = {"hanging": "hang", "500s": "server_error", "429s": "rate_limited_bare"}
COOL_OFF_S = 2


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox("--faults", "none") as process:
        yield process


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answers(conn: Connection, *, of_dead: bool = False) -> set[tuple[Any, ...]]:
    """Provider, operation, number and outcome of what was answered."""
    return set(
        conn.execute(
            "SELECT c.provider, c.operation, s.value, c.outcome FROM ledger.claims c"
            " JOIN intake.subjects s USING (subject_id)"
            " WHERE c.state = 'answered' AND (c.provider = %s) = %s",
            (DEAD, of_dead),
        ).fetchall()
    )


def prepare(conn: Connection) -> None:
    switch_on(conn, *PHONE_STEPS)
    settings = {
        "breaker.cool_off_s": str(COOL_OFF_S),
        "read_timeout_s": "1",
        "total_timeout_s": "1.5",
    }
    for name, value in settings.items():
        change_settings(conn, f"providers.{DEAD}.{name}", value, "me")


@pytest.fixture
def healthy(dsn: str, conn: Connection, tmp_path: Path, sandbox: SandboxProcess) -> set[Any]:
    """What the other providers answer while nobody is dead."""
    platform = sandboxed(dsn, tmp_path / "healthy", sandbox)
    prepare(conn)
    upload = load_numbers(platform, tmp_path, NUMBERS, "healthy")
    plan = approved(conn, platform, upload)
    assert run_batch(platform, upload.batches[0].batch_id, plan.plan_id).complete
    return answers(conn)


@pytest.mark.parametrize("death", ["refusing", *FAULTS])
def test_f32_a_dead_provider_costs_the_others_nothing_and_loses_nothing(
    death: str,
    healthy: set[Any],
    sandbox: SandboxProcess,
    other_dsn: str,
    tmp_path: Path,
) -> None:
    sandbox.control("DELETE", "log")
    gone = {"TRESTLE_BASE_URL": f"http://127.0.0.1:{closed_port()}"} if death == "refusing" else {}
    if death in FAULTS:
        plan_of_faults = {"rates": {FAULTS[death]: 1.0}, "clean_after": 1_000_000}
        sandbox.control("PUT", f"faults?vendor={DEAD}", plan_of_faults)
    platform = sandboxed(other_dsn, tmp_path / death, sandbox, **gone)
    with psycopg.connect(other_dsn, autocommit=True) as conn:
        prepare(conn)
        upload = load_numbers(platform, tmp_path, NUMBERS, "dead")
        first = approved(conn, platform, upload)
        began = time.monotonic()
        reports = run_batch(platform, upload.batches[0].batch_id, first.plan_id)
        took = time.monotonic() - began

        assert answers(conn) == healthy
        assert answers(conn, of_dead=True) == set()
        assert not reports.complete
        threshold = Settings().providers.trestle.breaker.failures
        probes = math.ceil(took / COOL_OFF_S)
        entries = sandbox.control("GET", f"log?vendor={DEAD}")["entries"]
        by_circuit = Counter(entry["packages"][0] for entry in entries)
        assert max(by_circuit.values(), default=0) <= threshold + probes

        next_plan = approved(conn, platform, upload)
        lines = {one["operation"]: one for one in next_plan.estimate["lines"]}
        assert {name for name, one in lines.items() if one["due"] or one["later"]} <= {
            "reverse_phone",
            "phone_intel",
        }
        # Every number is answered, refused, unknown or due; none is lost.
        reverse = lines["reverse_phone"]
        known = reverse["due"] + reverse["later"] + reverse["held"] + reverse["failed"]
        assert known == NUMBERS
        assert next_plan.max_micros == (
            lines["reverse_phone"]["due"] * 70_000 + lines["phone_intel"]["due"] * 15_000
        )

        if death == "refusing":
            return
        sandbox.control("PUT", f"faults?vendor={DEAD}", {})
        time.sleep(COOL_OFF_S)
        conn.execute("UPDATE ledger.claims SET retry_at = now() WHERE retry_at IS NOT NULL")
        alive = approved(conn, platform, upload)
        run_batch(platform, upload.batches[0].batch_id, alive.plan_id)
        (done,) = conn.execute(
            "SELECT count(*) FROM ledger.claims WHERE operation = 'reverse_phone'"
            " AND state IN ('answered', 'unknown_outcome')"
        ).fetchall()
        assert done == (NUMBERS,)
        assert len(answers(conn, of_dead=True)) >= NUMBERS - threshold - probes
