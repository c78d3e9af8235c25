"""Programs the supervisor starts: known by id and start time, ended with what they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bulk_lookup_dagster.services import children
from bulk_lookup_dagster.services.children import Child, Identity, identify, stop_all

_SLEEP = "import time; print('ready', flush=True); time.sleep(600)"
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + _SLEEP
_PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_SLEEP!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def _start(program: str, folder: Path) -> Child:
    log = folder / "program.log"
    child = Child("program", [sys.executable, "-c", program], os.environ, log)
    while not log.read_text():
        assert child.running
    return child


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    ladder = ((signal.SIGINT, 1.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
    monkeypatch.setattr(children, "_LADDER", ladder)


@pytest.mark.parametrize("program", [_SLEEP, _DEAF], ids=["polite", "deaf to SIGINT"])
def test_a_program_ends(program: str, tmp_path: Path, quick: None) -> None:
    child = _start(program, tmp_path)
    assert child.identity.alive
    assert stop_all([child.identity]) == []
    assert not child.running
    assert not child.identity.alive


def test_what_a_program_started_ends_with_it(tmp_path: Path, quick: None) -> None:
    child = _start(_PARENT, tmp_path)
    grandchild = identify(int((tmp_path / "program.log").read_text()))
    assert grandchild.alive
    assert stop_all([child.identity]) == []
    assert not child.running
    assert not grandchild.alive


def test_what_a_killed_program_left_ends_too(tmp_path: Path, quick: None) -> None:
    child = _start(_PARENT, tmp_path)
    grandchild = identify(int((tmp_path / "program.log").read_text()))
    os.kill(child.identity.pid, signal.SIGKILL)
    os.waitpid(child.identity.pid, 0)
    assert grandchild.alive
    assert stop_all([child.identity]) == []
    assert not child.running
    assert not grandchild.alive


def test_an_id_that_is_another_process_s_by_now_is_never_signalled(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", _SLEEP], start_new_session=True)
    try:
        recorded = Identity(stranger.pid, "long ago")
        assert not recorded.alive
        assert stop_all([recorded]) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_zombie_is_not_alive() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    identity = identify(ended.pid)
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive
    ended.wait()
