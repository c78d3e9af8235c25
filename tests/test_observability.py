"""F48: errors are reported with release and ids, logs carry ids, and nothing personal leaves."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PERSONAL = ("+14155550100", "4155550100", "ada@example.org", "hidden-word", "Ada Lovelace")
_PROGRAM = """
import logging, sys
import structlog
from bulk_lookup_dagster import observability
from bulk_lookup_dagster.core.environment import read_environment

observability.configure(read_environment({"SENTRY_DSN": sys.argv[1]}), service="test")
log = structlog.get_logger("bulk_lookup.test")
caller_name = "Ada Lovelace"

def ask(phone):
    secret = "hidden-word"
    log.warning("asking", phone=phone, note=f"number {phone}", batch_id=7)
    logging.getLogger("some.library").error("library said %s", phone)
    raise RuntimeError(f"cannot ask {phone} nor ada@example.org")

with observability.correlated(run_id=41, batch_id=7, plan_id=None):
    try:
        ask("+14155550100")
    except RuntimeError as error:
        observability.report(error)
        log.exception("failed")
observability.flush()
"""


@dataclass
class Sink:
    """A stand-in error tracker that keeps what arrives."""

    port: int
    bodies: list[bytes] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """Where a program reports to."""
        return f"http://public@127.0.0.1:{self.port}/1"

    def events(self) -> list[dict[str, Any]]:
        """The error events among the envelopes."""
        items = []
        for body in self.bodies:
            lines = [json.loads(line) for line in body.splitlines() if line.strip()]
            items += [
                payload
                for header, payload in zip(lines[1::2], lines[2::2], strict=True)
                if header["type"] == "event"
            ]
        return items


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real HTTP server on loopback."""
    found: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            found.append(gzip.decompress(body) if zipped else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Sink(server.server_address[1], found)
        server.shutdown()
        thread.join()


def _run(dsn: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, dsn], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert not [word for word in PERSONAL if word in done.stderr]
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_f48_errors_arrive_with_release_place_and_ids(sink: Sink) -> None:
    _run(sink.dsn)
    thrown = [event for event in sink.events() if "exception" in event]
    assert thrown
    event = thrown[0]
    assert event["release"].startswith("bulk-lookup@")
    assert event["environment"] == "local"
    assert event["contexts"]["bulk_lookup"]["run_id"] == 41
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["value"] == "cannot ask [phone] nor [email]"
    assert [frame["function"] for frame in error["stacktrace"]["frames"]] == ["<module>", "ask"]


def test_f48_nothing_personal_leaves(sink: Sink) -> None:
    _run(sink.dsn)
    everything = b"\n".join(sink.bodies).decode()
    assert sink.events()
    assert [word for word in PERSONAL if word in everything] == []
    for event in sink.events():
        assert not {"user", "server_name", "request", "breadcrumbs", "extra"} & set(event)


def test_logs_are_json_with_ids_and_without_people() -> None:
    lines = _run("")
    by_event = {line["event"]: line for line in lines}
    asking = by_event["asking"]
    assert (asking["run_id"], asking["batch_id"], asking["service"]) == (41, 7, "test")
    assert asking["phone"] == "[removed]"
    assert asking["note"] == "number [phone]"
    assert "plan_id" not in asking
    assert by_event["library said [phone]"]["logger"] == "some.library"
    assert "RuntimeError" in by_event["failed"]["exception"]


def test_without_a_dsn_nothing_is_sent(sink: Sink) -> None:
    _run("")
    assert sink.bodies == []
