"""`up` and `down`: every program of the platform, started together and ended together.

Belongs here: which programs there are and in which order. Does not: one program's life
(`services.children`), what each program does.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from bulk_lookup_dagster.core.environment import CHECKOUT, read_environment
from bulk_lookup_dagster.core.errors import ConfigError, StorageError
from bulk_lookup_dagster.services.children import Child, Identity, identify, stop_all
from bulk_lookup_dagster.services.dagster_home import DATABASE_VARIABLE, write_home
from bulk_lookup_dagster.services.instance import Platform, embedded_server
from resources.loopback import answers, free_port

DASHBOARD_PORT = 8000
DAGSTER_PORT = 3000
_START_SECONDS = 180  # a first start without bytecode is slow
_STOP_SECONDS = 60
_POLL_SECONDS = 0.2
_FILE = "supervisor.json"

Announce = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Running:
    """What `<home>/supervisor.json` says: who supervises what, and where to find it."""

    supervisor: Identity
    children: tuple[Identity, ...]
    addresses: Mapping[str, str]


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
        _wait(partial(_gone, running.supervisor), _STOP_SECONDS)
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


def child_environment(platform: Platform) -> dict[str, str]:
    """What every program gets: this process's variables, and where Dagster's things are."""
    environment = platform.environment
    sandboxed = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "sandbox"}
    return {
        **os.environ,
        **(sandboxed if environment.name == "demo" else {}),
        "BULK_LOOKUP_ENV": environment.name,
        "BULK_LOOKUP_HOME": str(environment.home),
        "DAGSTER_HOME": str(write_home(platform)),
        DATABASE_VARIABLE: platform.dagster_dsn,
    }


def start_sandbox(platform: Platform, environ: Mapping[str, str]) -> tuple[Child, str]:
    """The provider simulator on a free port, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "bulk_lookup_dagster.sandbox", "--port", str(port)]
    sandbox = Child("sandbox", command, environ, _log(platform, "sandbox"))
    _ready(sandbox, lambda: answers(port, "/_sandbox/summary"))
    return sandbox, f"http://127.0.0.1:{port}"


def _start(
    platform: Platform, started: list[Child], dashboard_port: int, dagster_port: int
) -> Mapping[str, str]:
    environ = child_environment(platform)
    addresses: dict[str, str] = {}

    def launch(name: str, *command: str) -> Child:
        child = Child(name, command, environ, _log(platform, name))
        started.append(child)
        _note(platform, started, addresses)
        return child

    if platform.environment.name == "demo":
        sandbox, addresses["sandbox"] = start_sandbox(platform, environ)
        started.append(sandbox)
        environ["TWILIO_LOOKUP_BASE_URL"] = addresses["sandbox"]
    web_port, ui_port = free_port(dashboard_port), free_port(dagster_port)
    addresses["dashboard"] = f"http://127.0.0.1:{web_port}"
    addresses["dagster"] = f"http://127.0.0.1:{ui_port}"
    addresses["inbox"] = f"{platform.environment.files_url.rstrip('/')}/inbox"
    workspace = str(CHECKOUT / "workspace.yaml")
    web = launch("web", sys.executable, "-m", "bulk_lookup_dagster.web", "--port", str(web_port))
    ui = launch(
        *("webserver", *_program("dagster-webserver"), "-h", "127.0.0.1", "-p", str(ui_port)),
        *("-w", workspace),
    )
    daemon = launch("daemon", *_program("dagster-daemon"), "run", "-w", workspace)
    _ready(web, lambda: answers(web_port, "/health/live"))
    _ready(ui, lambda: answers(ui_port, "/server_info"))
    _ready(daemon, lambda: True)
    return addresses


def _program(name: str) -> list[str]:
    """A console script of this environment."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ConfigError(f"{name} is not installed.", fix="Run `make install`.")
    return [found]


def _log(platform: Platform, name: str) -> Path:
    folder = platform.environment.home / "logs"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder / f"{name}.log"


def _ready(child: Child, answered: Callable[[], bool]) -> None:
    if not _wait(lambda: not child.running or answered(), _START_SECONDS) or not child.running:
        raise StorageError(f"The {child.name} did not start.", fix=f"See {child.log}.")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _hold(started: list[Child]) -> None:
    while True:
        for child in started:
            if not child.running:
                raise StorageError(
                    f"The {child.name} ended, so everything was stopped.", fix=f"See {child.log}."
                )
        time.sleep(_POLL_SECONDS)


def _note(platform: Platform, started: list[Child], addresses: Mapping[str, str]) -> None:
    children = tuple(child.identity for child in started)
    _write(platform.environment.home, Running(identify(os.getpid()), children, addresses))


def _write(home: Path, running: Running) -> None:
    document = {
        "supervisor": {"pid": running.supervisor.pid, "started": running.supervisor.started},
        "children": [{"pid": one.pid, "started": one.started} for one in running.children],
        "addresses": dict(running.addresses),
    }
    building = home / f".{_FILE}"
    building.write_text(json.dumps(document))
    building.replace(home / _FILE)


def _end(home: Path, processes: list[Identity]) -> None:
    left = stop_all([one for one in processes if one.pid != os.getpid()])
    if left:
        ids = ", ".join(str(one.pid) for one in left)
        raise StorageError(f"Processes {ids} did not end.", fix="End them by their ids.")
    (home / _FILE).unlink(missing_ok=True)


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
