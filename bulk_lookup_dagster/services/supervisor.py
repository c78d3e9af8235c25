"""`up` and `down`: every program of the platform, started together and ended together.

Belongs here: which programs there are and in which order. Does not: one program's life
(`services.children`), what each program does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from bulk_lookup_dagster.core.environment import CHECKOUT, read_environment
from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.services.children import Child, Identity, identify, stop_all
from bulk_lookup_dagster.services.dagster_home import DATABASE_VARIABLE, write_home
from bulk_lookup_dagster.services.instance import Platform, embedded_server
from bulk_lookup_dagster.services.running import (
    POLL_SECONDS,
    Running,
    forget_running,
    log_file,
    read_running,
    ready,
    wait,
    write_running,
)
from bulk_lookup_dagster.services.simulation import sandbox_addresses, start_sandbox
from resources.loopback import answers, free_port

DASHBOARD_PORT = 8000
DAGSTER_PORT = 3000
_STOP_SECONDS = 60

Announce = Callable[[Mapping[str, str]], None]


def up(
    platform: Platform,
    announce: Announce,
    *,
    dashboard_port: int = DASHBOARD_PORT,
    dagster_port: int = DAGSTER_PORT,
) -> None:
    """Start everything, announce the addresses, and hold until Ctrl-C, `down` or a program's end.

    Ports are the ones asked for where they are free, else others; all are on loopback.
    """
    home = platform.environment.home
    with _alone(home):
        other = read_running(home)
        if other is not None:
            stop_all(other.children)  # its supervisor was killed
        started: list[Child] = []
        try:
            with _interruptible():
                announce(_start(platform, started, dashboard_port, dagster_port))
                _hold(started)
        except KeyboardInterrupt:
            pass  # what Ctrl-C and `down` ask for
        finally:
            with _uninterrupted():
                _end(home, [child.identity for child in started])
                for child in started:
                    child.collect()
                platform.stop()


def down(environ: Mapping[str, str]) -> bool:
    """End everything `up` started from this home, its server included; says whether it was up."""
    environment = read_environment(environ)
    running = read_running(environment.home)
    was_up = running is not None
    if running is not None and running.supervisor.alive:
        os.kill(running.supervisor.pid, signal.SIGTERM)
        wait(partial(_gone, running.supervisor), _STOP_SECONDS)
    running = read_running(environment.home)
    if running is not None:
        _end(environment.home, [*running.children, running.supervisor])
    server = embedded_server(environment)
    if server is not None and environment.home.is_dir() and server.is_running():
        server.stop()
        was_up = True
    return was_up


def _gone(process: Identity) -> bool:
    return not process.alive


def child_environment(platform: Platform) -> dict[str, str]:
    """What every program gets: this process's variables, and where Dagster's things are."""
    environment = platform.environment
    return {
        **os.environ,
        "BULK_LOOKUP_ENV": environment.name,
        "BULK_LOOKUP_HOME": str(environment.home),
        "DAGSTER_HOME": str(write_home(platform)),
        DATABASE_VARIABLE: platform.dagster_dsn,
    }


def _start(
    platform: Platform, started: list[Child], dashboard_port: int, dagster_port: int
) -> Mapping[str, str]:
    environ = child_environment(platform)
    addresses: dict[str, str] = {}

    def launch(name: str, *command: str) -> Child:
        child = Child(name, command, environ, log_file(platform, name))
        started.append(child)
        _note(platform, started, addresses)
        return child

    if platform.environment.simulated:
        sandbox, addresses["sandbox"] = start_sandbox(platform, environ)
        started.append(sandbox)
        environ.update(sandbox_addresses(addresses["sandbox"]))
    web_port, ui_port = free_port(dashboard_port), free_port(dagster_port)
    addresses["dashboard"] = f"http://127.0.0.1:{web_port}"
    addresses["catalogue"] = f"{addresses['dashboard']}/catalogue"
    addresses["dagster"] = f"http://127.0.0.1:{ui_port}"
    addresses["inbox"] = f"{platform.environment.files_url.rstrip('/')}/inbox"
    workspace = str(CHECKOUT / "workspace.yaml")
    web = launch("web", sys.executable, "-m", "bulk_lookup_dagster.web", "--port", str(web_port))
    ui = launch(
        *("webserver", *_program("dagster-webserver"), "-h", "127.0.0.1", "-p", str(ui_port)),
        *("-w", workspace),
    )
    daemon = launch("daemon", *_program("dagster-daemon"), "run", "-w", workspace)
    ready(web, lambda: answers(web_port, "/health/live"))
    ready(ui, lambda: answers(ui_port, "/server_info"))
    ready(daemon, lambda: True)
    return addresses


def _program(name: str) -> list[str]:
    """A console script of this environment."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ConfigError(f"{name} is not installed.", fix="Run `make install`.")
    return [found]


def _hold(started: list[Child]) -> None:
    while True:
        for child in started:
            if not child.running:
                raise StorageError(
                    f"The {child.name} ended, so everything was stopped.", fix=f"See {child.log}."
                )
        time.sleep(POLL_SECONDS)


def _note(platform: Platform, started: list[Child], addresses: Mapping[str, str]) -> None:
    children = tuple(child.identity for child in started)
    write_running(platform.environment.home, Running(identify(os.getpid()), children, addresses))


def _end(home: Path, processes: list[Identity]) -> None:
    left = stop_all([one for one in processes if one.pid != os.getpid()])
    if left:
        ids = ", ".join(str(one.pid) for one in left)
        raise StorageError(f"Processes {ids} did not end.", fix="End them by their ids.")
    forget_running(home)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One supervisor a home; a killed one leaves no lock behind."""
    with (home / "supervisor.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                "The platform of this folder is up already.",
                fix="Stop it first: bulk-lookup down.",
                code="already_up",
            ) from None
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handler) for number in signals]
    try:
        yield
    finally:
        for number, old in zip(signals, before, strict=True):
            signal.signal(number, old)


def _interruptible() -> AbstractContextManager[None]:
    """SIGINT and SIGTERM both end the wait, whatever this process inherited."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    return _handling(interrupt)


def _uninterrupted() -> AbstractContextManager[None]:
    """A second Ctrl-C does not leave half of the programs running."""
    return _handling(lambda _number, _frame: None)
