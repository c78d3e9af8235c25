"""`db provision`: makes what is missing, keeps the passwords there are."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from bulk_lookup_dagster.cli import app
from bulk_lookup_dagster.storage.database import connect


def test_a_server_of_ones_own_is_provisioned_and_may_be_again(admin_dsn: str) -> None:
    arguments = ["db", "provision", admin_dsn, "--database", "cli_server", "--json"]
    try:
        for _ in range(2):
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0
            assert json.loads(done.stdout) == {"variables": {}}  # the roles existed before
        with connect(admin_dsn) as conn:
            names = conn.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'cli_server%' ORDER BY 1"
            ).fetchall()
        assert names == [("cli_server",), ("cli_server_dagster",)]
    finally:
        with connect(admin_dsn, autocommit=True) as conn:
            for name in ("cli_server", "cli_server_dagster"):
                conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_a_bad_name_is_wrong_use(admin_dsn: str) -> None:
    done = CliRunner().invoke(
        app, ["db", "provision", admin_dsn, "--database", "no name", "--json"]
    )
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["fix"]
