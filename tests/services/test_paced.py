"""Requests outside a run: one rate, one circuit and one pause with everybody who runs."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    PermanentFailure,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TransientFailure,
)
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.limiter import PACE
from bulk_lookup_dagster.engine.operator import pause_provider, resume_provider
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import SESSION, Paced, paced
from bulk_lookup_dagster.services.settings import load_settings
from tests.fakes.leases import Leases
from tests.fakes.sandbox import ROOT

Connection = psycopg.Connection[Any]
VENDOR, KEY = "fcc", "fcc/files"
RATE = 20.0
DOWN = TransientFailure("down", unbilled=True)

_WORKER = """
import asyncio, sys
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.paced import paced

dsn, rate, count = sys.argv[1:]
settings = Settings.model_validate({"providers": {"fcc": {"requests_per_second": float(rate)}}})

async def main():
    async with paced(dsn, "fcc", settings) as turns:
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(int(count)):
            async with turns.turn("files"):
                pass

asyncio.run(main())
"""


@pytest.fixture
def settings() -> Settings:
    """Fast, and with a circuit that three failures open for an hour."""
    breaker = {"failures": 3, "cool_off_s": 3600}
    block = {"requests_per_second": None, "breaker": breaker}
    return Settings.model_validate({"providers": {VENDOR: block}})


def take(
    platform: Platform, settings: Settings, ends: list[BaseException | None] | None = None
) -> None:
    """A turn for each of `ends`: None for an answer, or what the request raises."""

    async def run() -> None:
        async with paced(platform.dsn, VENDOR, settings) as turns:
            for end in ends or [None]:
                await _turn(turns, end)

    asyncio.run(run())


async def _turn(turns: Paced, end: BaseException | None) -> None:
    async def request() -> None:
        async with turns.turn("files"):
            if end is not None:
                raise end

    if not isinstance(end, ProviderError):
        await request()
        return
    with pytest.raises(type(end)):
        await request()


def circuit(conn: Connection) -> Any:
    return conn.execute(
        "SELECT state, calls, failures FROM ops.breakers WHERE key = %s", (KEY,)
    ).fetchone()


def test_f07_two_processes_share_the_rate(platform: Platform, owner_dsn: str) -> None:
    leases = Leases(owner_dsn)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, platform.dsn, str(RATE), "12"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    try:
        for one in workers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
    finally:
        for one in workers:
            one.communicate("go\n", timeout=240)
    assert [one.returncode for one in workers] == [0, 0]
    ends = leases.ends(VENDOR, SESSION)
    assert len(ends) == 24, "a slot for each request, whoever sends it"
    apart = timedelta(seconds=1 / (RATE * PACE)) - timedelta(milliseconds=1)
    assert all(later - earlier >= apart for earlier, later in itertools.pairwise(ends))


def test_f25_retry_after_holds_the_rate_back_for_everybody(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    ((before,),) = conn.execute("SELECT clock_timestamp()").fetchall()
    take(platform, settings, [RateLimited("slower", retry_after=timedelta(seconds=30))])
    ((held,),) = conn.execute("SELECT next_slot_at FROM ops.limiters WHERE key = 'fcc'").fetchall()
    assert held - before >= timedelta(seconds=30)
    take(platform, settings, [RateLimited("slower", retry_after=timedelta(days=1))])
    ((most,),) = conn.execute("SELECT next_slot_at FROM ops.limiters WHERE key = 'fcc'").fetchall()
    assert most - before < timedelta(minutes=5), "a vendor cannot stop everybody for a day"


def test_f09_failures_open_the_circuit_and_its_refusal_says_until_when(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    take(platform, settings, [None, PermanentFailure("no such file"), DOWN])
    assert circuit(conn) == ("closed", 3, 1)
    take(platform, settings, [DOWN, DOWN])
    assert circuit(conn)[0] == "open"
    told = _refused(platform, settings)
    assert "circuit files is open until" in told.message
    assert told.until is not None
    assert timedelta(minutes=50) < told.until - datetime.now(UTC) < timedelta(minutes=61)
    assert "bulk-lookup resume fcc" in told.fix
    resume_provider(conn, VENDOR, actor="me")
    take(platform, settings)


def test_f09_after_the_cool_off_one_probe_decides(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    take(platform, settings, [DOWN] * 3)
    cooled = "UPDATE ops.breakers SET opened_at = opened_at - interval '2 hours'"
    conn.execute(cooled)
    take(platform, settings, [DOWN])
    assert circuit(conn)[0] == "open", "the probe failed"
    conn.execute(cooled)
    with pytest.raises(KeyboardInterrupt):
        take(platform, settings, [_Killed()])
    assert circuit(conn)[0] == "open", "a probe that ended in nothing is given back"
    take(platform, settings)
    assert circuit(conn)[0] == "closed"


class _Killed(KeyboardInterrupt):
    """The caller ends while its request is out."""


def test_f09_while_another_process_probes_nobody_else_is_let_through(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    take(platform, settings, [DOWN] * 3)
    conn.execute("UPDATE ops.breakers SET state = 'half_open', probe_at = now(),"
                 " probe_worker_id = -1")  # fmt: skip
    _refused(platform, settings)
    conn.execute("UPDATE ops.breakers SET probe_at = now() - interval '1 hour'")
    take(platform, settings)
    assert circuit(conn)[0] == "closed"


def test_a_refusal_of_the_credentials_stops_the_provider_for_everybody(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    take(platform, settings, [AuthFailed("refused")])
    assert "fcc is stopped: auth: refused." in _refused(platform, settings).message


@pytest.mark.parametrize("until", [None, timedelta(hours=1)], ids=["for good", "for an hour"])
def test_f32_a_pause_is_told_with_its_end_and_what_to_do(
    platform: Platform, conn: Connection, settings: Settings, until: timedelta | None
) -> None:
    pause_provider(conn, VENDOR, actor="me", reason="invoice")
    if until:
        conn.execute("UPDATE ops.provider_states SET until = now() + %s", (until,))
    told = _refused(platform, settings)
    assert ("until" in told.message, told.until is not None) == (bool(until), bool(until))
    assert told.message.endswith("invoice.")
    assert told.fix.endswith("bulk-lookup resume fcc.")
    assert conn.execute("SELECT * FROM ops.limiters").fetchall() == [], "no slot is spent on it"


def test_f53_nothing_stays_open_or_registered(
    platform: Platform, conn: Connection, settings: Settings
) -> None:
    take(platform, settings, [None, DOWN])
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY (%s)"
    names = ["bulk-lookup paced", "bulk-lookup worker"]
    _until(lambda: conn.execute(sessions, (names,)).fetchone() == (0,))
    ended = conn.execute("SELECT count(*), count(ended_at) FROM ops.workers").fetchone()
    assert ended == (1, 1)


def test_the_settings_rate_is_what_a_turn_is_held_to(platform: Platform, conn: Connection) -> None:
    before = datetime.now(UTC)
    take(platform, load_settings(conn))
    ((at,),) = conn.execute("SELECT next_slot_at FROM ops.limiters WHERE key = 'fcc'").fetchall()
    assert at - before >= timedelta(seconds=6), "ten calls a minute"


def _refused(platform: Platform, settings: Settings) -> ProviderUnavailable:
    with pytest.raises(ProviderUnavailable) as failed:
        take(platform, settings)
    return failed.value


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        asyncio.run(asyncio.sleep(0.05))
    raise AssertionError("it never held")
