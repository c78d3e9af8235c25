"""What `status` tells of providers that are not asked freely."""

from __future__ import annotations

from typing import Any

import psycopg

from bulk_lookup_dagster.engine import operator
from bulk_lookup_dagster.services.status import platform_status

_CIRCUITS = """
    INSERT INTO ops.breakers (key, state, window_started_at, opened_at)
    VALUES ('hunter/email_finder', 'open', now(), now()), ('pdl/person', 'closed', now(), NULL),
           ('hunter/people', 'half_open', now(), now()), ('hunter_two/x', 'open', now(), now())
"""


def test_open_circuits_show_and_resuming_closes_those_of_one_provider(
    conn: psycopg.Connection[Any],
) -> None:
    conn.execute(_CIRCUITS)
    operator.pause_provider(conn, "hunter", actor="ann", reason="invoice")
    now = platform_status(conn)
    found = [(one.provider, one.endpoint, one.state) for one in now.circuits]
    assert found == [
        ("hunter", "email_finder", "open"),
        ("hunter", "people", "half_open"),
        ("hunter_two", "x", "open"),
    ]
    assert now.stopped_providers == {"hunter": "paused: invoice"}
    operator.resume_provider(conn, "hunter", actor="ann")
    now = platform_status(conn)
    assert [one.provider for one in now.circuits] == ["hunter_two"]
    assert now.stopped_providers == {}
    assert now.as_json()["circuits"][0]["opened_at"] is not None
