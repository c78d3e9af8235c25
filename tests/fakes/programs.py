"""The platform's programs started by a supervisor of their own, as `bulk-lookup up` does.

Belongs here: starting and stopping them. Does not: what they answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bulk_lookup_dagster.services.supervisor import down

ROOT = Path(__file__).resolve().parents[2]
_UP = """
import json
from bulk_lookup_dagster.services.process import start
from bulk_lookup_dagster.services.supervisor import up
up(start("up"), lambda found: print(json.dumps(dict(found)), flush=True),
   dashboard_port=0, dagster_port=0)
"""


@contextmanager
def started_platform(
    environ: Mapping[str, str],
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A supervisor as a script's `&` starts it: with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _UP],
            env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        down(environ)
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
