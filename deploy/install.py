"""Installs the platform into `.venv` from a lock file; needs nothing but Python and the registry.

What belongs here: the steps of an installation, standard library only.
What does not: which versions (see `requirements/*.lock`), starting anything (see the Makefile).

    python deploy/install.py runtime|dev
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PACKAGES = ("bulk_lookup_dagster", "assets", "resources", "sensors", "bench", "tests")
SUPPORTED = ((3, 11), (3, 14))


def main(profile: str) -> None:
    """Make the environment, fill it from the lock, add this checkout, prepare dbt."""
    if not SUPPORTED[0] <= sys.version_info[:2] < SUPPORTED[1]:
        raise SystemExit("Bulk Lookup needs Python 3.11, 3.12 or 3.13.")
    make_environment()
    lock = ROOT / "requirements" / f"{profile}.lock"
    uv = find_uv()
    if uv is None or not install_with_uv(uv, lock):
        install_with_pip(lock)
    for package in PACKAGES:
        compileall.compile_dir(ROOT / package, quiet=2)
    prepare_dbt()


def make_environment() -> None:
    """Create `.venv` unless a working one stands there."""
    if PYTHON.exists() and run([PYTHON, "-c", "import pip"], quiet=True):
        return
    say("creating .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    if run([sys.executable, "-m", "venv", VENV], quiet=True):
        return
    # Debian keeps ensurepip in a package of its own: fill the environment from outside.
    bare = run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], quiet=True)
    outside: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        PYTHON,
        "install",
        "--quiet",
        "pip",
    ]
    if not (bare and run(outside, quiet=True)):
        raise SystemExit("No virtual environment could be made: install python3-venv first.")


def find_uv() -> str | None:
    """uv from the path, or installed into `.venv`; None when it is not to be had."""
    on_path = shutil.which("uv")
    if on_path and run([on_path, "--version"], quiet=True):
        return on_path
    inside = VENV / "bin" / "uv"
    if not inside.exists():
        run([PYTHON, "-m", "pip", "install", "--quiet", "uv"], quiet=True)
    return str(inside) if inside.exists() else None


def install_with_uv(uv: str, lock: Path) -> bool:
    """Fast path; False when it did not work, for instance behind a pip-only mirror."""
    say(f"installing {lock.name} with uv")
    target: list[str | Path] = ["--python", PYTHON]
    return run(
        [uv, "pip", "install", *target, "--require-hashes", "--compile-bytecode", "-r", lock],
        environment=pip_configuration(),
    ) and run([uv, "pip", "install", *target, *EDITABLE], environment=pip_configuration())


def install_with_pip(lock: Path) -> None:
    """The path that always works."""
    say(f"installing {lock.name} with pip")
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    if not run([*pip, "--require-hashes", "-r", lock]) or not run([*pip, *EDITABLE]):
        raise SystemExit("The installation failed; see above.")
    # Some machines forbid bytecode at run time; uncompiled imports take three times as long.
    run([PYTHON, "-m", "compileall", "-q", "-j", "0", VENV / "lib"], quiet=True)


EDITABLE = ("--no-build-isolation", "--no-deps", "-e", str(ROOT))


def pip_configuration() -> dict[str, str]:
    """What pip is configured to use, in uv's words: index, extra indexes, links, certificate."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    words = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    # All of them equal, as pip has it; the lock's hashes decide what may be installed.
    found = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        word = words.get(name.rpartition(".")[2])
        if word:
            separator = "," if word == "UV_FIND_LINKS" else " "
            found.setdefault(word, separator.join(value.strip("'\"").replace("\\n", " ").split()))
    return found


def prepare_dbt() -> None:
    """Parse the dbt project: Dagster reads its manifest at import."""
    project = ROOT / "dbt_project"
    if not (project / "dbt_project.yml").is_file():
        return
    say("parsing the dbt project")
    options: list[str | Path] = ["--quiet", "--project-dir", project, "--profiles-dir", project]
    if not run([VENV / "bin" / "dbt", "parse", *options]):
        raise SystemExit("dbt could not parse the project; see above.")


def run(
    command: Sequence[str | Path], *, quiet: bool = False, environment: dict[str, str] | None = None
) -> bool:
    """Run a program; whether it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**(environment or {}), **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        check=False,
    )
    return done.returncode == 0


def say(what: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"==> {what}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runtime")
