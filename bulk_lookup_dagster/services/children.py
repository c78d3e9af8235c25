"""Child processes of the supervisor: started apart, recognised again, ended with all they started.

A process is known by its id and its start time, so that a recorded id that now belongs to
somebody else is never signalled.

Belongs here: one program's life. Does not: which programs there are (`services.supervisor`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bulk_lookup_dagster.core.environment import CHECKOUT

# Politest first: Dagster stops by SIGINT; a run worker ends its run on SIGTERM.
_LADDER = ((signal.SIGINT, 20.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Identity:
    """A process as it is written down: its id, and when the system says it started."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return started_at(self.pid) == self.started


def identify(pid: int) -> Identity:
    """The identity of a running process."""
    return Identity(pid, started_at(pid) or "")


def started_at(pid: int) -> str | None:
    """When the system says a process started; None when there is none (a zombie is none)."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if state in "ZX" else fields[18]
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, began = done.stdout.strip().partition(" ")
    return began.strip() or None if done.returncode == 0 and "Z" not in state else None


class Child:
    """A program in a session of its own, writing to a log file.

    Its signals are the defaults as long as the caller handles SIGINT and SIGTERM itself: a handled
    signal is reset by exec, an ignored one (a script's `&`) would be inherited, and Dagster deaf.
    """

    def __init__(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environ),
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the supervisor only, which ends all
            )
        self.identity = identify(self._process.pid)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def collect(self) -> None:
        """Take note of its end, where it has ended."""
        self._process.poll()


def end(started: Sequence[Child]) -> list[Identity]:
    """`stop_all` for programs of this very process."""
    left = stop_all([child.identity for child in started])
    for child in started:
        child.collect()
    return left


def stop_all(processes: Sequence[Identity]) -> list[Identity]:
    """End these processes and everything in their sessions; returns what would not end."""
    left = [one for one in processes if _lives(one)]
    for number, patience in _LADDER:
        for one in left:
            _signal(one, number)
        ends_at = time.monotonic() + patience
        while left and time.monotonic() < ends_at:
            time.sleep(_POLL_SECONDS)
            left = [one for one in left if _lives(one)]
            if number == signal.SIGINT and not any(one.alive for one in left):
                break  # what the programs left behind hears SIGTERM next
        if not left:
            break
    return left


def _signal(one: Identity, number: signal.Signals) -> None:
    """The program alone at first; its whole group once it is gone or did not listen."""
    with suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGINT and one.alive:
            os.kill(one.pid, number)
        else:
            os.killpg(one.pid, number)


def _lives(one: Identity) -> bool:
    """Whether the program or anything of its session still runs."""
    with suppress(ChildProcessError):
        os.waitpid(one.pid, os.WNOHANG)  # an unreaped child would seem to live for ever
    if started_at(one.pid) not in (None, one.started):
        return False  # the id is another process's by now, so its group is not ours
    try:
        os.killpg(one.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
