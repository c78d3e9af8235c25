"""What a program's first call does, seen from a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bulk_lookup_dagster.core.telemetry import TELEMETRY_OFF
from bulk_lookup_dagster.storage.embedded import EmbeddedServer

_PROGRAM = """
import json, os, subprocess, sys
import structlog
from bulk_lookup_dagster.services.process import start

platform = start("test")
structlog.get_logger().info("opened", database=platform.dsn)
child = "import json, os; print(json.dumps(dict(os.environ)))"
inherited = json.loads(subprocess.check_output([sys.executable, "-c", child]))
print(json.dumps({"environment": platform.environment.name, "inherited": inherited}))
"""


def test_a_program_starts_with_logs_settings_and_silence(
    postgres: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if name not in TELEMETRY_OFF},
        "BULK_LOOKUP_ENV": "staging",
        "BULK_LOOKUP_HOME": str(tmp_path),
        "DATABASE_URL": postgres.dsn(database),
        "DAGSTER_DATABASE_URL": postgres.dsn("dagster"),
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, env=environ
    )
    result = json.loads(done.stdout)
    assert result["environment"] == "staging"
    assert TELEMETRY_OFF.items() <= result["inherited"].items()
    opened = json.loads(done.stderr.splitlines()[-1])
    assert (opened["event"], opened["service"]) == ("opened", "test")
    assert postgres.password("bulk_lookup_loader") not in done.stderr
