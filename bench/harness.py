"""What the benchmarks share: a database, the sandbox, worker processes, medians.

Everything runs in processes of its own, on loopback, and is stopped by its id. Work is counted at
the sandbox. Belongs here: set-up and measuring. Does not: what is compared (one file each).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psycopg

from bulk_lookup_dagster.engine.pricing import Price, load_price_list
from bulk_lookup_dagster.storage import migrate
from bulk_lookup_dagster.storage.database import connect, with_database
from bulk_lookup_dagster.storage.embedded import SUPERUSER, EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = "twilio_lookup"
OPERATION = "line_type_intelligence"
PRICE_MICROS = 8_000
PRICE_LIST = "bench"


@contextmanager
def own_server() -> Iterator[EmbeddedServer]:
    """A running database server whose home, a folder anybody may enter, goes with it."""
    home = Path(tempfile.mkdtemp(prefix="bl-bench-"))
    home.chmod(0o711)
    server = EmbeddedServer(home)
    server.start()
    try:
        yield server
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


class Sandbox:
    """The provider simulator in a process of its own."""

    def __init__(self, latency_ms: float = 0.0) -> None:
        command = [sys.executable, "-m", "bulk_lookup_dagster.sandbox", "--port", "0"]
        command += ["--latency-ms", str(latency_ms), "--faults", "none"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]
        self._http = httpx.Client(base_url=self.url, timeout=60)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API under `/_sandbox/`."""
        response = self._http.request(method, f"/_sandbox/{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    def stop(self) -> None:
        """End the process."""
        self._http.close()
        self._process.terminate()
        self._process.wait(10)


class Bench:
    """One database, one sandbox and a data folder."""

    def __init__(self, server: EmbeddedServer, latency_ms: float = 0.0) -> None:
        self.home = server.home
        self.server = server
        self._admin = self.server.dsn("postgres", SUPERUSER)
        self.sandbox = Sandbox(latency_ms)
        self._databases = 0
        self.dsn = ""

    def fresh_database(self) -> psycopg.Connection[Any]:
        """A new migrated database; its address is `dsn`, the old one is left behind."""
        self._databases += 1
        name = f"bench_{self._databases}"
        with connect(self._admin, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}")
        self.dsn = with_database(self._admin, name)
        migrate.upgrade(self.dsn)
        return connect(self.dsn, autocommit=True, name="bench")


@contextmanager
def bench(latency_ms: float = 0.0) -> Iterator[Bench]:
    """A `Bench` that is stopped whatever happens."""
    with own_server() as server:
        instance = Bench(server, latency_ms)
        try:
            yield instance
        finally:
            for process in Process.started:
                if process.running():
                    process.kill()
            instance.sandbox.stop()


def add_subjects(
    conn: psycopg.Connection[Any],
    count: int,
    regions: Sequence[str] = ("US",),
    prefixes: Sequence[str] = ("+1415",),
) -> None:
    """Phone subjects with distinct made-up numbers, evenly over regions."""
    conn.execute(
        """
        INSERT INTO intake.subjects (kind, value, value_hmac, region)
        SELECT 'phone', (%(prefixes)s::text[])[1 + n %% %(count)s] || (2000000 + n),
               sha256(n::text::bytea), (%(regions)s::text[])[1 + n %% %(count)s]
          FROM generate_series(1, %(subjects)s) n
        """,
        {
            "prefixes": list(prefixes),
            "regions": list(regions),
            "count": len(regions),
            "subjects": count,
        },
    )
    conn.execute("ANALYZE")


def add_plan(
    conn: psycopg.Connection[Any],
    cap_micros: int | None,
    regional: dict[str, int] | None = None,
) -> int:
    """An approved plan under the benchmark's price list."""
    day = date(2026, 11, 1)
    prices = [Price(PROVIDER, OPERATION, PRICE_MICROS, "bench", day)]
    prices += [
        Price(PROVIDER, OPERATION, micros, "bench", day, region)
        for region, micros in (regional or {}).items()
    ]
    load_price_list(conn, PRICE_LIST, day, prices)
    row = conn.execute(
        """
        INSERT INTO ledger.plans
               (state, kind, scope, estimate, price_list_version, cap_micros, approved_by,
                approved_at, expires_at)
        VALUES ('approved', 'bench', '{}', '{}', %s, %s, 'bench', now(), now() + interval '7 days')
        RETURNING plan_id
        """,
        (PRICE_LIST, cap_micros),
    ).fetchone()
    assert row is not None
    return int(row[0])


class Process:
    """A measured process: `python -m MODULE`, its options as one JSON line on standard input."""

    started: ClassVar[list[Process]] = []

    def __init__(self, module: str, options: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(options) + "\n")
        self._process.stdin.close()
        self.started.append(self)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it with -9."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does, and wait until it has."""
        if self.running():
            os.kill(self.pid, signal.SIGINT)
        assert self._process.stdout is not None
        self._process.stdout.read()
        self._process.wait()

    def result(self) -> dict[str, Any]:
        """Its last line, once it has ended well."""
        assert self._process.stdout is not None
        output = self._process.stdout.read()
        if self._process.wait() != 0:
            raise RuntimeError(f"process {self.pid} ended with {self._process.returncode}")
        found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return found


def median(values: Sequence[float]) -> float:
    """The middle value, rounded for printing."""
    return round(statistics.median(values), 4)


def main(measure: Callable[[argparse.Namespace], dict[str, Any]], *options: dict[str, Any]) -> None:
    """Parse the options, measure, print one JSON object as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print only the JSON object")
    for option in options:
        parser.add_argument(option.pop("name"), **option)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments)))
