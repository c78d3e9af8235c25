"""Memory of a measured process: the greatest sum of what it and its children hold.

Belongs here: sampling proportional set sizes from `/proc`. Does not: what is measured.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path


class Memory(threading.Thread):
    """Samples the proportional memory of this process and everything it started."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0
        self._done = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._done.wait(0.25):
            self._sample()

    def stop(self) -> None:
        """Take one last sample and end."""
        self._sample()
        self._done.set()
        self.join()

    def _sample(self) -> None:
        total = sum(_pss_kb(pid) for pid in _family(os.getpid()))
        self.peak_mb = max(self.peak_mb, round(total / 1024, 1))


def _family(root: int) -> list[int]:
    found = [root]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            lists = [(task / "children").read_text() for task in tasks]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [int(pid) for text in lists for pid in text.split()]
    return found


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
