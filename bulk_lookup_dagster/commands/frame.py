"""What commands share: opening the platform, one JSON document, exit codes, errors in one line.

Exit codes: 0 done, 1 the work failed, 2 wrong use, 3 waits for approval or budget.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulk_lookup_dagster.core.errors import (
    ApprovalNeeded,
    BulkLookupError,
    CapReached,
    ConfigError,
    InputError,
    NoPrice,
)

if TYPE_CHECKING:
    import psycopg

    from bulk_lookup_dagster.services.instance import Platform

DONE, FAILED, WRONG_USE, WAITS = 0, 1, 2, 3
_WAITING = ("cap_reached", "paused")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command has to say: a document for programs, lines for people, an exit code."""

    document: Any
    lines: Sequence[str] = ()
    code: int = DONE


def execute(action: Callable[[], Result], as_json: bool) -> None:
    """Run a command's action, print its result and end with its exit code."""
    try:
        result = action()
    except BulkLookupError as error:
        body = {"code": error.code, "message": error.message, "fix": error.fix}
        result = Result({"error": body}, code=exit_code(error))
        if not as_json:
            typer.echo(f"{error.message} {error.fix}".strip(), err=True)
    if as_json:
        import orjson

        typer.echo(orjson.dumps(result.document, default=str).decode())
    else:
        for line in result.lines:
            typer.echo(line)
    raise typer.Exit(result.code)


def exit_code(error: BulkLookupError) -> int:
    """The exit code an error stands for."""
    if isinstance(error, ApprovalNeeded | CapReached):
        return WAITS
    return WRONG_USE if isinstance(error, InputError | ConfigError | NoPrice) else FAILED


def run_code(left_due: Mapping[str, int]) -> int:
    """The exit code of a run by what stayed due: done, waits for budget or a person, or failed."""
    if not left_due:
        return DONE
    return WAITS if all(reason in _WAITING for reason in left_due) else FAILED


def read_lines(file: Path, what: str) -> list[str]:
    """The lines of a text file of `what`; raises `InputError` where it is none."""
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The file of {what}s cannot be read: {type(error).__name__}.",
            fix=f"Give a text file with one {what} a line.",
        ) from None


def actor() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return f"cli {getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def open_platform() -> Platform:
    """The platform this process's environment names."""
    from bulk_lookup_dagster.services.process import start

    return start("cli")


@contextmanager
def database(platform: Platform | None = None) -> Iterator[psycopg.Connection[Any]]:
    """An autocommit connection to the platform's database."""
    from bulk_lookup_dagster.storage.database import connect

    platform = platform or open_platform()
    with connect(platform.dsn, autocommit=True, name="bulk-lookup cli") as conn:
        yield conn


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Aligned text columns."""
    cells = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def progress(words: str) -> None:
    """A line for people while something takes its time; never on standard output."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201
