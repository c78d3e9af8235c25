"""Rules of the layout no linter holds: what imports pull in, what happens at import, F58."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulk_lookup_dagster.core.telemetry import TELEMETRY_OFF

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bulk_lookup_dagster", "assets", "resources", "sensors")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEAVY = {"dagster", "pandas", "great_expectations", "dagster_dbt", "splink", "altair", "pyarrow"}
_LONG_FILE = 400


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported_by(module: str) -> set[str]:
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def _core() -> Iterator[str]:
    yield from (
        _module(path) for path in SOURCES if (ROOT / "bulk_lookup_dagster/core") in path.parents
    )


def test_core_modules_pull_in_nothing_heavy() -> None:
    modules = ", ".join(_core())
    assert "bulk_lookup_dagster.core.errors" in modules
    assert _imported_by(modules) & {*HEAVY, "psycopg", "sqlalchemy", "aiohttp", "httpx"} == set()


@pytest.mark.parametrize("package", ["bulk_lookup_dagster.engine", "bulk_lookup_dagster.storage"])
def test_engine_and_storage_pull_in_no_dagster(package: str) -> None:
    folder = ROOT / package.replace(".", "/")
    modules = [_module(path) for path in SOURCES if folder in path.parents]
    importable = [name for name in modules if ".migrations" not in name]
    assert importable
    assert _imported_by(", ".join(importable)) & HEAVY == set()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_says_what_it_holds(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "no module docstring"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_file_is_longer_than_a_reason_to_split(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= _LONG_FILE


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_f58_no_shell_ever(path: Path) -> None:
    """F58: argument lists only; beside the lint rule, which a comment can silence."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert not [word for word in node.keywords if word.arg == "shell"]
            assert ast.unparse(node.func) not in {"os.system", "os.popen", "subprocess.getoutput"}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_nothing_is_swallowed_wholesale(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
            wide = ast.unparse(node.type) in {"Exception", "BaseException"}
            empty = all(isinstance(each, ast.Pass) for each in node.body)
            assert not (wide and empty), f"swallowed in line {node.lineno}"


def _run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: not the bodies of functions."""
    waiting: list[ast.AST] = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test))
    ]
    while waiting:
        node = waiting.pop()
        yield node
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        waiting += [] if lazy else list(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_nothing_reads_the_environment_at_import(path: Path) -> None:
    if path.name == "environments.py":
        return  # the one place of dg.EnvVar, which is read when a run starts
    for node in _run_at_import(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute | ast.Name):
            assert ast.unparse(node) not in {"os.environ", "os.getenv", "environ", "getenv"}


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if "resources" not in path.parts], ids=_name
)
def test_only_resources_speak_http(path: Path) -> None:
    spoken = {"httpx", "aiohttp", "requests", "urllib3", "urllib.request", "http.client"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {each.name for each in node.names} & spoken
        if isinstance(node, ast.ImportFrom):
            assert node.module not in spoken


def test_bandit_rules_are_on() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in settings["select"]
    assert not {"S602", "S604", "S605", "S110", "S112"} & set(settings["ignore"])


def test_telemetry_is_off_in_the_makefile_too() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for name, value in TELEMETRY_OFF.items():
        assert f"export {name} := {value}" in makefile


def test_locks_hold_hashes_and_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.lock"):
        text = path.read_text()
        assert "://" not in text
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith("    ")]
        assert pins
        assert not [line for line in pins if not line.endswith("\\")]
