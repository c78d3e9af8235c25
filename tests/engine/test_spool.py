"""The spool: what a dead process received is found, whole lines only, and never a live one's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.engine import settlement
from bulk_lookup_dagster.engine.settlement import ExchangeFacts
from bulk_lookup_dagster.engine.spool import Spool, dead_spools


def test_f02_a_killed_process_leaves_its_answers_behind(tmp_path: Path) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from bulk_lookup_dagster.engine.spool import Spool
        spool = Spool(Path(sys.argv[1]))
        spool.append(b"one\\ntwo\\n", 2)
        spool.append(b"torn", 1)
        print("ready", flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert list(dead_spools(tmp_path)) == []
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert [spool.lines for spool in dead_spools(tmp_path)] == [[b"one\n", b"two\n"]]


def test_a_committed_spool_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"one\ntwo\n", 2)
    spool.committed(2)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_an_uncommitted_spool_stays_for_the_next_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"one\ntwo\n", 2)
    spool.committed(1)
    spool.close()
    assert [spool.lines for spool in dead_spools(tmp_path)] == [[b"one\n", b"two\n"]]


def test_f59_a_long_run_does_not_grow_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    line = b"x" * 1_000_000 + b"\n"
    for _ in range(60):
        spool.append(line, 1)
        spool.append(line, 1)
        spool.committed(2)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size <= 12_000_000
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_rotated_files_go_once_all_their_lines_are_committed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    line = b"x" * 3_000_000 + b"\n"
    for _ in range(10):
        spool.append(line, 1)
    assert len(list(tmp_path.iterdir())) > 1
    spool.committed(9)
    assert len(list(tmp_path.iterdir())) == 1
    spool.committed(1)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_committing_what_was_never_spooled_is_an_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"one\n", 1)
    with pytest.raises(StorageError):
        spool.committed(2)
    spool.close()


@given(body=st.binary(max_size=2_000), cost=st.integers(0, 10**9), vendor=st.text(max_size=300))
def test_a_line_is_read_back_as_it_was_written(body: bytes, cost: int, vendor: str) -> None:
    facts = ExchangeFacts("ab" * 16, "twilio_lookup", 1, "lookup", 1, 1.5, 20, 200, 10, vendor)
    written = settlement.answered(7, 2, "data", cost, body, 3600.0, facts.columns())
    assert written.line.count(b"\n") == 1
    assert settlement.decode(written.line) == written


@given(st.binary(max_size=400))
def test_a_damaged_line_is_an_error_and_never_a_wrong_answer(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        settlement.decode(junk)
