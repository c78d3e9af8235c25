"""Beside every figure: whether the build it comes from passed its tests."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import covering_build
from bulk_lookup_dagster.web.builds import BUILDING, INCOMPLETE, PASSED, UNKNOWN, read_tested


def test_every_figure_tells_that_its_tests_passed(web: httpx.Client) -> None:
    page = web.get("/").text
    fresh = re.findall(r'<p class="fresh">.*?</p>', page)
    assert len(fresh) >= 16
    assert all(f'<span class="tested">{PASSED}</span>' in each for each in fresh)


def test_a_build_runs_fails_and_comes_through(
    platform: Platform, conn: psycopg.Connection[Any]
) -> None:
    assert read_tested(conn) == UNKNOWN
    with pytest.raises(ValueError, match="a model"):
        _fail(platform, conn)
    assert _ended(conn) == INCOMPLETE
    with covering_build(platform):
        pass
    assert _ended(conn) == PASSED
    with covering_build(platform) as covered:
        covered.whole = False
    assert _ended(conn) == INCOMPLETE


def _ended(conn: psycopg.Connection[Any]) -> str:
    """What became of the build; the server needs a moment to notice that its session is closed."""
    words = BUILDING
    for _ in range(100):
        words = read_tested(conn)
        if words != BUILDING:
            break
        time.sleep(0.1)
    return words


def _fail(platform: Platform, conn: psycopg.Connection[Any]) -> None:
    with covering_build(platform):
        assert read_tested(conn) == BUILDING
        raise ValueError("a model failed")
