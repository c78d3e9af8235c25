"""What runs of this home: written down by `up`, read by `down` and by other commands.

Belongs here: the file, and waiting for a program. Does not: starting and ending (`supervisor`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.services.children import Child, Identity
from bulk_lookup_dagster.services.instance import Platform

POLL_SECONDS = 0.2
_START_SECONDS = 180  # a first start without bytecode is slow
_FILE = "supervisor.json"


@dataclass(frozen=True, slots=True)
class Running:
    """Who supervises which programs, and where to find them."""

    supervisor: Identity
    children: tuple[Identity, ...]
    addresses: Mapping[str, str]


def read_running(home: Path) -> Running | None:
    """What was started from this home and not ended; the supervisor may be dead all the same."""
    try:
        document = json.loads((home / _FILE).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise StorageError(
            f"{home / _FILE} is damaged.", fix="Remove it once nothing of the platform runs."
        ) from None
    return Running(
        supervisor=Identity(**document["supervisor"]),
        children=tuple(Identity(**child) for child in document["children"]),
        addresses=document["addresses"],
    )


def write_running(home: Path, running: Running) -> None:
    """Write down what runs now; readers see the old or the new text, never a half."""
    document = {
        "supervisor": {"pid": running.supervisor.pid, "started": running.supervisor.started},
        "children": [{"pid": one.pid, "started": one.started} for one in running.children],
        "addresses": dict(running.addresses),
    }
    building = home / f".{_FILE}"
    building.write_text(json.dumps(document))
    building.replace(home / _FILE)


def forget_running(home: Path) -> None:
    """Nothing runs any more."""
    (home / _FILE).unlink(missing_ok=True)


def running_address(home: Path, name: str) -> str:
    """Where a running program of this home is; empty when it does not run."""
    running = read_running(home)
    if running is None or not running.supervisor.alive:
        return ""
    return running.addresses.get(name, "")


def log_file(platform: Platform, name: str) -> Path:
    """Where a program's output goes."""
    folder = platform.environment.home / "logs"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder / f"{name}.log"


def ready(child: Child, answered: Callable[[], bool]) -> None:
    """Wait until a program answers; raises where it ended or never did."""
    if not wait(lambda: not child.running or answered(), _START_SECONDS) or not child.running:
        raise StorageError(f"The {child.name} did not start.", fix=f"See {child.log}.")


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition came true in time."""
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(POLL_SECONDS)
    return True
