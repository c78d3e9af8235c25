"""Every list is paged (F60) and no page's number of statements grows with its rows (F49)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.routing import Route

from bulk_lookup_dagster.services.browse import PAGE
from bulk_lookup_dagster.services.marts import build_marts
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.web import catalogue, database, health, pages
from tests.fakes.story import platform_of, tell
from tests.web.conftest import Open

PAGES = (
    *("/", "/lookups", "/catalogue", "/catalogue/dim_contacts", "/connect"),
    *("/uploads", "/plans", "/plans/1", "/uploads/1/rejects", "/metrics"),
)
PROBES = ("/health/live", "/health/ready")
MOST = 13

_MANY = """
INSERT INTO intake.uploads (source_id, content_hash, mapping_hash, default_region, state,
       file_name, file_uri, size_bytes)
SELECT 1, sha256(('more' || n)::bytea), '', 'US', 'received', 'more.csv', 'file:///more.csv', 1
  FROM generate_series(1, 130) n;
INSERT INTO intake.rejects SELECT 1, 100 + n, 'too_short', 'd', 'x' FROM generate_series(1, 130) n;
INSERT INTO ledger.plans (state, kind, upload_id, scope, estimate, price_list_version)
SELECT 'waiting_approval', 'upload', 1, '{}', '{}', 'v1' FROM generate_series(1, 130)
"""


class _Counting(psycopg.Cursor[Any]):
    executed = 0
    longest = 0

    def fetchall(self) -> list[Any]:
        rows = super().fetchall()
        type(self).longest = max(type(self).longest, len(rows))
        return rows

    def execute(self, *arguments: Any, **options: Any) -> Any:
        type(self).executed += 1
        return super().execute(*arguments, **options)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    def counted(dsn: str, **options: Any) -> psycopg.Connection[Any]:
        conn = connect(dsn, **options)
        conn.cursor_factory = _Counting
        return conn

    monkeypatch.setattr(database, "connect", counted)

    def count(action: Callable[[], object]) -> int:
        before = _Counting.executed
        action()
        return _Counting.executed - before

    return count


def add_many(dsn: str) -> None:
    with connect(dsn) as conn:
        for statement in _MANY.split(";\n"):
            conn.execute(statement.encode())


def test_f49_statements_per_page_do_not_grow(
    dsn: str, tmp_path: Path, open_web: Open, statements: Callable[[Callable[[], object]], int]
) -> None:
    platform = platform_of(dsn, tmp_path)
    with connect(dsn) as conn:
        tell(conn)
    build_marts(platform)
    client = open_web(platform)
    few = {path: statements(lambda path=path: client.get(path)) for path in PAGES}  # type: ignore[misc]
    add_many(dsn)
    many = {path: statements(lambda path=path: client.get(path)) for path in PAGES}  # type: ignore[misc]
    assert many == few
    assert max(many.values()) <= MOST
    assert min(many.values()) > 0


def test_f49_no_page_is_missing_here() -> None:
    served = {
        re.sub(r"\{[a-z_]+\}", "1", route.path)
        for router in (pages.router, health.router, catalogue.router)
        for route in router.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    assert served == {*(page.replace("dim_contacts", "1") for page in PAGES), *PROBES}


@pytest.mark.parametrize("built", [False, True])
def test_f39_every_page_of_an_empty_platform_is_whole(
    dsn: str, tmp_path: Path, open_web: Open, built: bool
) -> None:
    platform = platform_of(dsn, tmp_path)
    if built:
        build_marts(platform)
    client = open_web(platform)
    answers = {path: client.get(path).status_code for path in PAGES}
    missing = {"/plans/1": 404, "/uploads/1/rejects": 404}
    assert answers == dict.fromkeys(PAGES, 200) | missing


@pytest.mark.parametrize("path", ["/uploads", "/plans", "/uploads/1/rejects"])
def test_f60_lists_come_in_pages_and_every_row_once(
    dsn: str,
    tmp_path: Path,
    open_web: Open,
    path: str,
    statements: Callable[[Callable[[], object]], int],
) -> None:
    with connect(dsn) as conn:
        tell(conn)
    add_many(dsn)
    client = open_web(platform_of(dsn, tmp_path))
    seen: list[str] = []
    address: str | None = path
    read = 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        rows = re.findall(r'<tr><th scope="row"[^>]*>(?:<a [^>]*>)?([\d,]+)', answer.text)
        assert len(rows) <= PAGE
        seen += rows
        link = re.search(r'class="button quiet" href="([^"]+)"', answer.text)
        address = str(httpx.URL(path).join(link[1])) if link else None
        read += 1
    assert read == 3
    assert 0 < _Counting.longest <= PAGE + 1
    assert len(seen) == len(set(seen)) >= 130


@pytest.mark.parametrize(
    "path",
    [
        "/uploads?before=x",
        "/uploads?before=-1",
        "/plans?before=99999999999999999999",
        "/plans/0",
        "/plans/abc",
        "/uploads/1/rejects?after=-5",
        "/lookups?contact_id=0",
        "/lookups?answered_at=yesterday&contact_id=1",
        "/catalogue/no-name",
    ],
)
def test_bad_keys_are_refused_as_a_page(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 400
    assert "not valid" in answer.text


@pytest.mark.parametrize(
    "path", ["/plans/999", "/uploads/999/rejects", "/catalogue/nothing", "/nothing"]
)
def test_what_does_not_exist_is_a_404_page(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 404
    assert "To the dashboard" in answer.text
    named = web.get(path, headers={"Accept": "application/json"})
    assert set(named.json()["error"]) == {"code", "message", "fix"}
