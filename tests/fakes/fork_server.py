"""A process that has imported everything and forks `bulk-lookup` programs.

Belongs here: starting a program without the seconds its imports take. Does not: what it is asked
and must answer (`commands`).

Each program is a process of its own with its own environment, output and exit code, and can be
killed with -9. Only its imports happened before, in a process that never ran anything.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

from bulk_lookup_dagster.core.telemetry import silence

ROOT = Path(__file__).resolve().parents[2]
_HEAVY = (
    "bulk_lookup_dagster.cli",
    "bulk_lookup_dagster.definitions",
    "bulk_lookup_dagster.services.process",
    "assets.marts",
    "dagster_postgres",
    "great_expectations",
    "pandera.pandas",
)
_MESSAGE_BYTES = 1 << 18
_MEASURED = "COVERAGE_PROCESS_CONFIG"


class Forked:
    """A running program; of `subprocess.Popen` what tests need."""

    def __init__(self, reply: socket.socket, output: IO[str], errors: IO[str]) -> None:
        self._reply, self._output, self._errors = reply, output, errors
        self.pid = int(reply.recv(_MESSAGE_BYTES))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code (below 0: the signal that ended it), None while it runs."""
        try:
            return self.wait(0)
        except TimeoutError:
            return None

    def wait(self, timeout: float) -> int:
        """The exit code; raises TimeoutError after so many seconds."""
        if self.returncode is None:
            self._reply.settimeout(timeout)
            try:
                self.returncode = int(self._reply.recv(_MESSAGE_BYTES))
            except BlockingIOError:
                raise TimeoutError from None
            self._reply.close()
        return self.returncode

    def kill(self) -> None:
        """Signal -9."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it wrote, once it has ended."""
        try:
            self.wait(timeout)
        except TimeoutError:
            self.kill()
            raise
        written = []
        for file in (self._output, self._errors):
            file.seek(0)
            written.append(file.read())
            file.close()
        return written[0], written[1]


def fork_program(arguments: Sequence[str], environ: Mapping[str, str]) -> Forked:
    """Start `bulk-lookup` in the checkout's folder, with this environment and no other."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    output, errors = _file(), _file()
    request = json.dumps([list(arguments), dict(environ)]).encode()
    with theirs:
        socket.send_fds(_server(), [request], [theirs.fileno(), output.fileno(), errors.fileno()])
    return Forked(ours, output, errors)


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@cache
def _server() -> socket.socket:
    """The connection to this test process's fork server, which ends with the connection."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environ = {name: value for name, value in os.environ.items() if name != _MEASURED}
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=ROOT, env=environ, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def end() -> None:
        ours.close()
        server.wait(timeout=30)

    atexit.register(end)
    return ours


def _serve(requests: socket.socket) -> None:
    """Answer requests until nobody can ask; returns in each forked program, to become it."""
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _MESSAGE_BYTES, 3)
        if not request:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            _keep(socket.socket(fileno=descriptors[0]))
            arguments, environ = json.loads(request)
            _become(arguments, environ, descriptors[1:])
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(reply: socket.socket) -> None:
    """Fork the program and tell its id and its end; returns in the program only."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program == 0:
        reply.close()
        return
    reply.send(str(program).encode())
    _, status = os.waitpid(program, 0)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        reply.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(arguments: Sequence[str], environ: Mapping[str, str], outputs: Sequence[int]) -> None:
    """Take on what makes a process this program: output, environment, arguments, measuring."""
    for target, descriptor in enumerate(outputs, 1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["bulk-lookup", *arguments]
    if _MEASURED in environ:
        from coverage import process_startup

        process_startup()


def _run() -> NoReturn:
    """Be the program; without the second that taking all modules apart at its end would take."""
    from bulk_lookup_dagster.cli import main

    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    silence(os.environ)  # some read it when they are imported
    for name in _HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to wait for
    _serve(socket.socket(fileno=int(sys.argv[1])))
    _run()
