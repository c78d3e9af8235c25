"""The code location as Dagster's own processes load it: fast, and without a database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DAGSTER = Path(sys.executable).with_name("dagster")
# What only runs or pages need, and takes longer to import than all of the rest.
HEAVY = ("great_expectations", "altair", "vl_convert", "fastapi", "dbt.cli.main", "openpyxl")
_LOAD = """
import sys
from bulk_lookup_dagster.definitions import defs
defs().get_repository_def()
print(*(name for name in sys.argv[1].split() if name in sys.modules))
"""


def said(home: Path, *command: str) -> str:
    """What a program without any database says on standard output, once it has ended well."""
    environ = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    environ |= {
        "BULK_LOOKUP_ENV": "local",
        "BULK_LOOKUP_HOME": str(home / "home"),
        "DAGSTER_HOME": str(home),
    }
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_loading_the_definitions_imports_nothing_that_only_runs_need(tmp_path: Path) -> None:
    assert said(tmp_path, sys.executable, "-c", _LOAD, " ".join(HEAVY)).split() == []


def test_the_workspace_is_one_dagster_can_load(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    workspace = str(ROOT / "workspace.yaml")
    said(tmp_path, str(DAGSTER), "definitions", "validate", "-w", workspace)
