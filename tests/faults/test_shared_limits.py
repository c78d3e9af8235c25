"""Families F07 and F09: one rate and one circuit, whoever asks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bulk_lookup_dagster.core.errors import RateLimited, TransientFailure, UnknownOutcome
from bulk_lookup_dagster.engine.breaker import Breaker
from bulk_lookup_dagster.engine.limiter import LATE, PACE, Limiter, Slots
from bulk_lookup_dagster.engine.options import BreakerPolicy, ProviderLimits
from bulk_lookup_dagster.engine.provider import Question
from bulk_lookup_dagster.storage.database import connect_async
from tests.fakes.engine_run import run
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.provider import LINE_TYPE, FakeProvider

Connection = psycopg.Connection[Any]


def test_f07_sessions_lease_disjoint_runs_of_slots(dsn: str) -> None:
    async def lease(rounds: int) -> list[Slots]:
        conn = await connect_async(dsn, autocommit=True)
        try:
            limiter = Limiter(conn, "vendor", 1_000.0)
            return [await limiter.lease(25) for _ in range(rounds)]
        finally:
            await conn.close()

    async def four() -> list[list[Slots]]:
        return await asyncio.gather(*(lease(10) for _ in range(4)))

    runs = sorted((s for each in asyncio.run(four()) for s in each), key=lambda s: s.first)
    assert {s.count for s in runs} == {25}
    for earlier, later in itertools.pairwise(runs):
        # Two local views of one database clock differ by milliseconds; a run is 25 of them.
        assert later.first >= earlier.first + earlier.count * earlier.spacing - 0.010


def test_f07_slots_that_went_by_are_given_up_not_sent_in_a_burst() -> None:
    slots = Slots(first=100.0, spacing=0.01, count=50)
    slots.drop_late(100.30)
    assert slots.first >= 100.30 - LATE
    assert slots.count in (23, 24)


def test_f07_the_rate_keeps_room_for_slots_that_are_used_late(dsn: str) -> None:
    async def spacing() -> float:
        conn = await connect_async(dsn, autocommit=True)
        try:
            return (await Limiter(conn, "vendor", 100.0).lease(5)).spacing
        finally:
            await conn.close()

    # A second's slots and those that may come late into it are no more than the vendor allows.
    assert (1 + LATE) / asyncio.run(spacing()) <= 100.0


def test_f07_a_renewal_leases_a_little_more_at_high_rates_and_nobody_else_gets_it(
    dsn: str,
) -> None:
    async def renewed(key: str, rate: float, times: int) -> tuple[list[float], float]:
        session = await connect_async(dsn, autocommit=True)
        try:
            limiter = Limiter(session, key, rate)
            slots = [await limiter.renew() for _ in range(times)]
            return slots, (await limiter.lease(1)).first
        finally:
            await session.close()

    slots, next_lease = asyncio.run(renewed("fast", 4_000.0, 4))
    spacing = 1 / (4_000.0 * PACE)
    assert all(b - a == pytest.approx(spacing) for a, b in itertools.pairwise(slots))
    assert next_lease > slots[-1]
    (slot,), next_lease = asyncio.run(renewed("slow", 5.0, 1))
    assert next_lease - slot < 1.5 / (5.0 * PACE)


def test_f25_what_was_leased_to_spare_is_not_used_while_the_vendor_wants_a_pause(
    dsn: str,
) -> None:
    async def after_pause() -> tuple[float, float]:
        session = await connect_async(dsn, autocommit=True)
        try:
            limiter = Limiter(session, "vendor", 4_000.0)
            await limiter.renew()
            held = time.monotonic()
            await limiter.hold(timedelta(seconds=30))
            return held, await limiter.renew()
        finally:
            await session.close()

    held, slot = asyncio.run(after_pause())
    assert slot >= held + 29.9


def test_f25_retry_after_holds_the_shared_rate_back(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 1)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if nth == 1:
            raise RateLimited("slower", retry_after=timedelta(seconds=1))
        return None

    limits = {"twilio_lookup": ProviderLimits(requests_per_second=100)}
    before = conn.execute("SELECT clock_timestamp()").fetchone()
    report = run(dsn, tmp_path, FakeProvider(behave=behave), add_plan(conn), limits=limits)
    assert report.answered == {"data": 1}
    held = conn.execute("SELECT next_slot_at FROM ops.limiters").fetchone()
    assert before is not None
    assert held is not None
    assert held[0] - before[0] >= timedelta(seconds=1)


POLICY = BreakerPolicy(failures=3, window=timedelta(minutes=5), cool_off=timedelta(0))


def test_f09_a_circuit_opens_for_everyone_and_lets_one_probe_through(
    dsn: str, conn: Connection
) -> None:
    async def scenario() -> None:
        connections = [await connect_async(dsn, autocommit=True) for _ in range(6)]
        breakers = [
            Breaker(each, "vendor/lookup", POLICY, worker)
            for worker, each in enumerate(connections)
        ]
        for _ in range(3):
            breakers[0].note(healthy=False)
        await breakers[0].sync()
        for breaker in breakers:
            await breaker.sync()
        assert not any(breaker.closed for breaker in breakers)
        won = await asyncio.gather(*(breaker.try_probe() for breaker in breakers))
        assert won.count(True) == 1
        probe = breakers[won.index(True)]
        probe.note(healthy=True)
        await probe.sync()
        for breaker in breakers:
            await breaker.sync()
        assert all(breaker.closed for breaker in breakers)
        for each in connections:
            await each.close()

    asyncio.run(scenario())


def test_f09_a_failed_probe_opens_the_circuit_again_and_a_lost_one_is_given_on(
    dsn: str, conn: Connection
) -> None:
    async def scenario() -> None:
        connection = await connect_async(dsn, autocommit=True)
        first = Breaker(connection, "vendor/lookup", POLICY, 1)
        for _ in range(3):
            first.note(healthy=False)
        await first.sync()
        assert await first.try_probe()
        first.note(healthy=False)
        await first.sync()
        assert conn.execute("SELECT state FROM ops.breakers").fetchone() == ("open",)
        assert await first.try_probe()
        second = Breaker(connection, "vendor/lookup", POLICY, 2)
        assert not await second.try_probe()
        conn.execute("UPDATE ops.breakers SET probe_at = probe_at - interval '10 minutes'")
        assert await second.try_probe()
        await connection.close()

    asyncio.run(scenario())


def test_f23_a_probe_with_nothing_to_ask_is_given_back_to_whoever_has(dsn: str) -> None:
    async def scenario() -> None:
        connection = await connect_async(dsn, autocommit=True)
        first, second = (Breaker(connection, "vendor/lookup", POLICY, one) for one in (1, 2))
        for _ in range(3):
            first.note(healthy=False)
        await first.sync()
        assert await first.try_probe()
        await second.give_back()  # it is not its to give
        assert not await second.try_probe()
        await first.give_back()
        assert not first.probing
        assert await second.try_probe()
        await connection.close()

    asyncio.run(scenario())


def test_f23_probes_that_fail_do_not_keep_a_run_waiting(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    """Each probe that is lost on the way costs its question: patience is counted once."""
    add_subjects(conn, 200)

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        raise UnknownOutcome("lost on the way")

    provider = FakeProvider(behave=behave)
    breaker = BreakerPolicy(failures=5, cool_off=timedelta(milliseconds=100))
    limits = ProviderLimits(attempts=1, concurrency=5, breaker=breaker)
    report = run(
        dsn,
        tmp_path,
        provider,
        add_plan(conn),
        limits={"twilio_lookup": limits},
        patience=timedelta(seconds=1),
    )
    assert provider.calls < 50
    assert report.left_due["unavailable"] > 150


class _Apart(FakeProvider):
    def endpoint(self, questions: Sequence[Question]) -> str:
        return questions[0].operation


def test_f23_a_circuit_of_an_operation_that_is_not_asked_holds_nobody_up(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 20)
    conn.execute(
        "INSERT INTO ops.breakers (key, state, calls, failures, window_started_at, opened_at)"
        " VALUES ('twilio_lookup/caller_name', 'open', 9, 9, now(), now() - interval '1 day')"
    )
    report = run(dsn, tmp_path, _Apart(), add_plan(conn), LINE_TYPE, patience=timedelta(0))
    assert report.answered == {"data": 20}
    state = conn.execute("SELECT state, probe_worker_id FROM ops.breakers WHERE key LIKE '%name'")
    assert state.fetchone() == ("open", None), "its probe is left to whoever asks there"


def test_f23_few_failures_among_many_calls_do_not_open_a_circuit(dsn: str) -> None:
    async def scenario() -> None:
        connection = await connect_async(dsn, autocommit=True)
        breaker = Breaker(connection, "vendor/lookup", POLICY, 1)
        for number in range(100):
            breaker.note(healthy=number % 10 != 0)
        await breaker.sync()
        await breaker.sync()
        assert breaker.closed
        await connection.close()

    asyncio.run(scenario())


def test_f23_an_outage_stops_the_calls_and_leaves_the_work_due(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    add_subjects(conn, 300)
    outage = {"on": True}

    def behave(question: Question, nth: int) -> Mapping[str, Any] | None:
        if outage["on"]:
            raise TransientFailure("down", unbilled=True)
        return None

    provider = FakeProvider(behave=behave)
    limits = ProviderLimits(
        attempts=1,
        concurrency=10,
        breaker=BreakerPolicy(failures=10, cool_off=timedelta(hours=1)),
    )
    options: dict[str, Any] = {
        "limits": {"twilio_lookup": limits},
        "deadline": timedelta(seconds=3),
        "patience": timedelta(0),
    }
    plan = add_plan(conn)
    run(dsn, tmp_path, provider, plan, **options)
    assert provider.calls <= 30
    assert conn.execute("SELECT count(*) FROM enrichment.phone_lookups").fetchone() == (0,)
    outage["on"] = False
    conn.execute("UPDATE ops.breakers SET opened_at = opened_at - interval '2 hours'")
    conn.execute("UPDATE ledger.claims SET retry_at = now()")
    report = run(dsn, tmp_path, provider, plan, **(options | {"deadline": timedelta(minutes=2)}))
    assert report.answered == {"data": 300}
