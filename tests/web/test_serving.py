"""The served process: starts, answers, stops, and leaves nothing open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
_LEFT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bulk-lookup web'"


def _left(conn: psycopg.Connection[Any]) -> int:
    """Sessions still open; the server needs a moment to notice that one was closed."""
    left = -1
    for _ in range(100):
        row = conn.execute(_LEFT.encode()).fetchone()
        left = row[0] if row else -1
        if left == 0:
            break
        time.sleep(0.1)
    return left


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_the_program_serves_until_it_is_told_to_stop(
    postgres: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    port = free_port()
    environ = {
        **os.environ,
        "BULK_LOOKUP_ENV": "demo",
        "BULK_LOOKUP_HOME": str(tmp_path),
        "DATABASE_URL": postgres.dsn(database),
        "MIGRATION_DATABASE_URL": postgres.dsn(database, roles.OWNER),
        "DAGSTER_DATABASE_URL": postgres.dsn(roles.DAGSTER_DATABASE),
    }
    arguments = [sys.executable, "-m", "bulk_lookup_dagster.web", "--port", str(port)]
    with subprocess.Popen(arguments, cwd=ROOT, env=environ) as process:
        try:
            transport = httpx.HTTPTransport(retries=10)  # connecting only: until it listens
            with httpx.Client(transport=transport, timeout=30) as client:
                answer = client.get(f"http://127.0.0.1:{port}/health/ready")
            assert answer.json() == {"status": "ready"}
            assert "server" not in answer.headers
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    assert process.returncode in (0, 130, -signal.SIGINT)


@pytest.mark.parametrize("path", ["/", "/uploads", "/nothing"])
def test_f53_requests_leave_no_connection(
    web: httpx.Client, marts: psycopg.Connection[Any], path: str
) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: web.get(path).status_code, range(36)))
    assert len(set(statuses)) == 1
    assert statuses[0] in (200, 404)
    assert _left(marts) == 0


def test_f59_memory_and_handles_are_flat_after_warm_up(web: httpx.Client) -> None:
    process = psutil.Process()
    paths = ("/", "/uploads", "/plans/1", "/metrics")

    def load(rounds: int) -> tuple[int, int]:
        for _ in range(rounds):
            for path in paths:
                assert web.get(path).status_code == 200
        return process.memory_info().rss, process.num_fds()

    memory, handles = load(15)
    later_memory, later_handles = load(40)
    assert later_handles <= handles + 3
    assert later_memory - memory < 12 * 1024 * 1024
