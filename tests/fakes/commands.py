"""The real `bulk-lookup` program, run as a person runs it.

Belongs here: starting it with an environment of its own. Does not: what it must answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.fork_server import ROOT, Forked, fork_program

PROGRAM = Path(sys.executable).with_name("bulk-lookup")
_SECONDS = 240


class Program:
    """`bulk-lookup` with an environment of its own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {**os.environ, **environ}

    def start(self, *arguments: str) -> Forked:
        """The same without waiting; the caller ends it."""
        return fork_program((*arguments, "--json"), self._environ)

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        done = self.start(*arguments)
        output, errors = done.communicate(timeout=_SECONDS)
        return _document(done.returncode, code, output, errors)

    def installed(self, *arguments: str, code: int = 0) -> Any:
        """The same by the script that an installation puts into `bin`."""
        done = subprocess.run(
            [str(PROGRAM), *arguments, "--json"],
            env=self._environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        return _document(done.returncode, code, done.stdout, done.stderr)


def _document(returned: int | None, code: int, output: str, errors: str) -> Any:
    assert returned == code, output[-2000:] + errors[-2000:]
    assert "Traceback" not in errors
    return json.loads(output)


def local_program(
    postgres: EmbeddedServer, database: str, home: Path, sandbox_url: str, **variables: str
) -> Program:
    """A program of environment local that buys from a sandbox and approves nothing by itself."""
    return Program(
        {
            "BULK_LOOKUP_ENV": "local",
            "BULK_LOOKUP_HOME": str(home),
            "DATABASE_URL": postgres.dsn(database),
            "MIGRATION_DATABASE_URL": postgres.dsn(database, roles.OWNER),
            "DAGSTER_DATABASE_URL": postgres.dsn(roles.DAGSTER_DATABASE),
            "AUTO_APPROVE_USD": "0",
            "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": "fake",
            "TWILIO_LOOKUP_BASE_URL": sandbox_url,
            **variables,
        }
    )
