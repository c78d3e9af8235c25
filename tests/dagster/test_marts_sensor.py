"""Reasons to build the marts: one build for all of them, asked for once, never forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import covering_build
from sensors import marts
from sensors.marts import marts_sensor
from tests.fakes.story import platform_of

Connection = psycopg.Connection[Any]
QUIET, LONGEST = 3_600, 36_000


class Clock:
    """The sensor at an hour of our choice, with waits so long that no slow machine passes them."""

    def __init__(self, platform: Platform, conn: Connection, patch: pytest.MonkeyPatch) -> None:
        self.platform, self._conn, self._patch = platform, conn, patch
        patch.setattr(marts, "QUIET_SECONDS", QUIET)
        patch.setattr(marts, "LONGEST_WAIT_SECONDS", LONGEST)
        self._statement = marts._DIRTY
        assert "date_trunc('hour', now())" in self._statement
        self.strike(10)
        self.used: set[str | None] = set()

    def strike(self, hour: int) -> None:
        fixed = f"timestamptz '2026-11-01 {hour}:00+00'"
        statement = self._statement.replace("date_trunc('hour', now())", fixed)
        self._patch.setattr(marts, "_DIRTY", statement)

    def mark(self, age: int) -> None:
        self._conn.execute(
            "INSERT INTO ops.mart_dirty (reason, marked_at)"
            " VALUES ('batch published', now() - %s * interval '1 second')",
            (age,),
        )

    def tick(self, platform: Platform | None = None) -> int:
        """How many builds Dagster would launch: it launches a run key only once."""
        context = dg.build_sensor_context(resources={"platform": platform or self.platform})
        found = marts_sensor(30).evaluate_tick(context)
        keys = {request.run_key for request in found.run_requests or []}
        assert None not in keys
        assert len(keys) == len(found.run_requests or [])
        assert bool(keys) is not bool(found.skip_message)
        new = keys - self.used
        self.used |= keys
        return len(new)


@pytest.fixture
def clock(dsn: str, conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(platform_of(dsn, tmp_path / "home"), conn, monkeypatch)


def test_nothing_published_means_no_build(clock: Clock) -> None:
    assert clock.tick() == 0


def test_many_reasons_that_have_been_quiet_ask_for_one_build_once(clock: Clock) -> None:
    for age in (QUIET + 30, QUIET + 20, QUIET + 10):
        clock.mark(age)
    assert [clock.tick(), clock.tick()] == [1, 0]


def test_a_fresh_reason_waits_for_the_others_of_its_kind(clock: Clock) -> None:
    clock.mark(QUIET + 10)
    clock.mark(0)
    assert clock.tick() == 0


def test_reasons_that_never_stop_coming_do_not_put_the_build_off_for_ever(clock: Clock) -> None:
    clock.mark(LONGEST + 10)
    clock.mark(0)
    assert clock.tick() == 1


def test_a_reason_after_the_request_asks_for_another_build(clock: Clock) -> None:
    clock.mark(QUIET + 20)
    assert clock.tick() == 1
    clock.mark(QUIET + 10)
    assert [clock.tick(), clock.tick()] == [1, 0]


def test_a_finished_build_ends_it_and_a_reason_marked_meanwhile_is_kept(clock: Clock) -> None:
    clock.mark(QUIET + 20)
    assert clock.tick() == 1
    with covering_build(clock.platform):
        clock.mark(QUIET + 10)
    assert clock.tick() == 1
    with covering_build(clock.platform):
        pass
    clock.strike(11)
    assert clock.tick() == 0


def test_a_build_that_failed_is_asked_for_again_once_an_hour(clock: Clock) -> None:
    clock.mark(QUIET + 20)
    assert clock.tick() == 1
    with pytest.raises(StorageError), covering_build(clock.platform):
        raise StorageError("The marts were not built.")
    assert clock.tick() == 0
    for hour in (11, 12):
        clock.strike(hour)
        assert [clock.tick(), clock.tick()] == [1, 0]


def test_a_tick_that_fails_is_an_error_and_loses_nothing(clock: Clock, tmp_path: Path) -> None:
    clock.mark(QUIET + 20)
    nowhere = platform_of("postgresql://nobody@127.0.0.1:9/nothing", tmp_path / "home")
    with pytest.raises(StorageError, match="Cannot connect"):
        clock.tick(nowhere)
    assert clock.tick() == 1
