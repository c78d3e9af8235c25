"""The trial of an endpoint: no more are out than may fail, until one was answered."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bulk_lookup_dagster.engine.options import BreakerPolicy
from bulk_lookup_dagster.engine.trial import Trial

LIMIT = 3


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def entering(trial: Trial, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(trial.enter()) for _ in range(count)]


def inside(tasks: list[asyncio.Task[None]]) -> int:
    return sum(task.done() for task in tasks)


def test_as_many_go_out_as_may_fail_and_all_once_one_was_answered() -> None:
    async def go() -> None:
        trial = Trial(BreakerPolicy(failures=LIMIT))
        tasks = entering(trial, 10)
        await settle()
        assert inside(tasks) == LIMIT
        trial.note(healthy=False)
        trial.leave()
        await settle()
        assert inside(tasks) == LIMIT  # one failed, two are out
        trial.note(healthy=True)
        trial.leave()
        await settle()
        assert inside(tasks) == 10

    asyncio.run(go())


def test_after_too_many_failures_the_circuit_decides() -> None:
    async def go() -> None:
        trial = Trial(BreakerPolicy(failures=LIMIT))
        tasks = entering(trial, 10)
        await settle()
        for _ in range(LIMIT):
            trial.note(healthy=False)
            trial.leave()
        await settle()
        assert inside(tasks) == 10

    asyncio.run(go())


def test_a_repetition_is_one_more_that_may_fail() -> None:
    async def go() -> None:
        trial = Trial(BreakerPolicy(failures=LIMIT))
        for _ in range(LIMIT):
            await trial.enter()
        trial.note(healthy=False)
        again = asyncio.create_task(trial.enter_again())
        await settle()
        assert not again.done()  # one failed, two are out
        trial.note(healthy=True)
        trial.leave()
        await settle()
        assert again.done()

    asyncio.run(go())


def test_a_repetition_that_was_cancelled_leaves_once() -> None:
    async def go() -> None:
        trial = Trial(BreakerPolicy(failures=2))
        await trial.enter()
        await trial.enter()
        trial.note(healthy=False)
        again = asyncio.create_task(trial.enter_again())
        await settle()
        again.cancel()
        await settle()
        trial.leave()
        trial.leave()
        tasks = entering(trial, 2)
        await settle()
        assert inside(tasks) == 1  # one failed, none was out
        for task in tasks:
            task.cancel()

    asyncio.run(go())


def test_an_answer_counts_for_the_window_only() -> None:
    async def go() -> None:
        trial = Trial(BreakerPolicy(failures=LIMIT, window=timedelta(0)))
        trial.note(healthy=True)
        tasks = entering(trial, 10)
        await settle()
        assert inside(tasks) == LIMIT
        for task in tasks:
            task.cancel()

    asyncio.run(go())
