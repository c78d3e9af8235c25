"""The provider sandbox in a process of its own, for tests over a real socket.

Belongs here: starting, asking and stopping it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


class SandboxProcess:
    """A running simulator; `url` is its address."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bulk_lookup_dagster.sandbox", "--port", "0", *options],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API."""
        response = httpx.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=30)
        response.raise_for_status()
        return response.json() if response.content else None

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running_sandbox(*options: str) -> Iterator[SandboxProcess]:
    """A sandbox that is stopped whatever happens."""
    sandbox = SandboxProcess(*options)
    try:
        yield sandbox
    finally:
        sandbox.stop()
