"""`bulk-lookup delete`: rehearsed first, then the database and the platform's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulk_lookup_dagster.storage.embedded import EmbeddedServer
from tests.fakes.commands import Program, local_program
from tests.fakes.sandbox import running_sandbox


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def program(postgres: EmbeddedServer, database: str, home: Path) -> Program:
    return local_program(postgres, database, home, "http://127.0.0.1:9")


def test_f15_a_deleted_upload_is_not_bought_again_when_it_comes_back(
    postgres: EmbeddedServer, database: str, home: Path, tmp_path: Path
) -> None:
    with running_sandbox() as sandbox:
        program = local_program(postgres, database, home, sandbox.url)
        inbox = home / "files" / "inbox"
        inbox.mkdir(parents=True)
        leads = inbox / "leads.csv"
        text = "phone,name\n" + "".join(f"+1415555{2600 + n},Person {n}\n" for n in range(10))
        leads.write_text(text)
        upload = str(program("upload", str(leads))["upload_id"])
        program("approve", str(program("plan", upload)["plan_id"]), "--cap-usd", "5")
        program("run", "--no-marts")
        bought = sandbox.control("GET", "summary")["requests"]
        exported = Path(program("export", upload)["file"])

        told = program("delete", upload)
        assert (told["deleted"], told["counts"]["contacts"]) == (False, 10)
        assert leads.exists()
        assert exported.exists()

        done = program("delete", upload, "--yes")
        assert done["counts"] == told["counts"]
        assert sorted(done["files"]) == sorted(told["files"])
        assert not leads.exists()
        assert not exported.exists()
        assert program("delete", upload, "--yes", code=2)["error"]["fix"]

        leads.write_text(text)
        again = program("upload", str(leads))
        assert (again["contacts"], again["already_loaded"]) == (10, False)
        assert program("plan", str(again["upload_id"]))["due"] == 0
        assert sandbox.control("GET", "summary")["requests"] == bought == 10


def test_old_uploads_go_together_and_a_strangers_file_stays(
    program: Program, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"phone,name\n+14155552601,{name}\n")
        program("upload", str(path))
    assert program("delete", "--older-than", "1")["uploads"] == []
    done = program("delete", "--older-than", "0", "--yes")
    assert len(done["uploads"]) == 2
    assert done["counts"]["subjects_erased"] == 1
    assert (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("arguments", [(), ("1", "--older-than", "5"), ("--older-than", "-1")])
def test_what_to_delete_must_be_said_once(program: Program, arguments: tuple[str, ...]) -> None:
    assert program("delete", *arguments, code=2)["error"]["fix"]
