"""The inbox of call-backs on a real socket: signed, stored before the answer, settled once."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bulk_lookup_dagster.services.callbacks import MAX_BYTES
from tests.fakes.ledger import add_plan, add_subjects
from tests.fakes.story import platform_of
from tests.fakes.waterfall import SlowVendor, go, waterfall
from tests.web.conftest import Open

Connection = psycopg.Connection[Any]
VENDOR = "trestle"  # any vendor that has a settings block
SIGNED = {"X-Token": "token"}
LATER = timedelta(hours=1)


@pytest.fixture
def client(dsn: str, tmp_path: Path, open_web: Open) -> httpx.Client:
    clients = {VENDOR: lambda settings: SlowVendor(name=VENDOR)}
    return open_web(platform_of(dsn, tmp_path), clients=clients)


def message(subject: int, event: str = "done") -> bytes:
    body = {"id": f"job-{subject}", "event": event, "values": {"line_type": "voip"}}
    return json.dumps(body).encode()


def stored(conn: Connection) -> int:
    (row,) = conn.execute("SELECT count(*) FROM ops.callbacks").fetchall()
    return int(row[0])


def settled(conn: Connection) -> list[tuple[Any, ...]]:
    """The answers, once the message was handled."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if not conn.execute("SELECT FROM ops.callbacks WHERE handled_at IS NULL").fetchall():
            break
        time.sleep(0.05)
    return conn.execute("SELECT provider, line_type FROM enrichment.phone_lookups").fetchall()


def test_f42_a_message_is_stored_before_the_answer_and_settles_its_claim(
    dsn: str, conn: Connection, tmp_path: Path, client: httpx.Client
) -> None:
    (subject,) = add_subjects(conn, 1)
    plan = add_plan(conn, providers=(VENDOR,))
    slow = SlowVendor(name=VENDOR, poll_in=LATER)
    assert go(dsn, tmp_path, waterfall(VENDOR), plan, slow).accepted == 1
    answer = client.post(f"/callbacks/{VENDOR}", content=message(subject), headers=SIGNED)
    assert (answer.status_code, answer.json()) == (202, {"stored": True})
    assert stored(conn) == 1
    assert settled(conn) == [(VENDOR, "voip")]
    again = client.post(f"/callbacks/{VENDOR}", content=message(subject), headers=SIGNED)
    assert (again.status_code, again.json()) == (202, {"stored": False})
    assert stored(conn) == 1
    assert slow.polls == {}


def test_a_message_that_comes_before_its_claim_waits_for_it(
    dsn: str, conn: Connection, tmp_path: Path, client: httpx.Client
) -> None:
    (subject,) = add_subjects(conn, 1)
    client.post(f"/callbacks/{VENDOR}", content=message(subject), headers=SIGNED)
    plan = add_plan(conn, providers=(VENDOR,))
    slow = SlowVendor(name=VENDOR, poll_in=LATER)
    go(dsn, tmp_path, waterfall(VENDOR), plan, slow)
    report = go(dsn, tmp_path, waterfall(VENDOR), plan, slow)
    assert (report.accepted, report.complete) == (0, True)
    assert settled(conn) == [(VENDOR, "voip")]


@pytest.mark.parametrize(
    "vendor, headers, body, status",
    [
        (VENDOR, {}, message(1), 403),
        (VENDOR, {"X-Token": "wrong"}, message(1), 403),
        (VENDOR, SIGNED, b"{}", 400),
        (VENDOR, SIGNED, b"<html>", 400),
        (VENDOR, SIGNED, b"x" * (MAX_BYTES + 1), 413),
        ("numverify", SIGNED, message(1), 404),
        ("nobody", SIGNED, message(1), 404),
    ],
)
def test_f41_what_is_not_the_vendors_leaves_nothing_behind(
    conn: Connection,
    client: httpx.Client,
    vendor: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
) -> None:
    answer = client.post(f"/callbacks/{vendor}", content=body, headers=headers)
    assert answer.status_code == status
    assert stored(conn) == 0


def test_f42_without_a_database_the_sender_is_told_to_send_again(
    tmp_path: Path, open_web: Open
) -> None:
    nowhere = platform_of("postgresql://nobody@127.0.0.1:9/none", tmp_path)
    web = open_web(nowhere, clients={VENDOR: lambda settings: SlowVendor(name=VENDOR)})
    answer = web.post(f"/callbacks/{VENDOR}", content=message(1), headers=SIGNED)
    assert answer.status_code == 503
