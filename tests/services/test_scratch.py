"""Folders of dead processes go with the next one that needs a folder, those of live ones stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bulk_lookup_dagster.services import marts
from bulk_lookup_dagster.services.scratch import clear_leftovers, scratch_folder

_HOLD = """
import sys
from pathlib import Path
from bulk_lookup_dagster.services.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), "parse-") as folder:
    (folder / "log").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


def hold(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that is in the middle of its work, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_folder_goes_with_its_work(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "parse-") as folder:
        (folder / "log").write_text("x")
        assert folder.parent == tmp_path
    assert not list(tmp_path.glob("parse-*"))


def test_a_killed_process_leaves_its_folder_to_the_next_one(tmp_path: Path) -> None:
    dead, left = hold(tmp_path)
    live, held = hold(tmp_path)
    assert left.is_dir()
    end(dead)
    try:
        with scratch_folder(tmp_path, "parse-") as mine:
            assert (left.exists(), held.is_dir(), mine.is_dir()) == (False, True, True)
            clear_leftovers(tmp_path, "parse-")
            assert (held.is_dir(), mine.is_dir()) == (True, True)
    finally:
        end(live)
    clear_leftovers(tmp_path, "parse-")
    assert not held.exists()


def test_a_build_clears_what_a_killed_one_left_although_nothing_is_to_parse() -> None:
    marts.ensure_manifest()
    dead, left = hold(marts.MANIFEST.parent)
    end(dead)
    assert left.is_dir()
    marts.ensure_manifest()
    assert not left.exists()
