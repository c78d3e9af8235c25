"""How a demo is shown: progress while it runs, tables at its end, or one JSON document.

Belongs here: words and tables. Does not: the figures (`services.demo`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.services.demo import DemoReport, Step
from bulk_lookup_dagster.services.supervisor import DAGSTER_PORT, DASHBOARD_PORT

OPEN = "BULK_LOOKUP_ENV=demo .venv/bin/bulk-lookup up"


@contextmanager
def progress(console: Console) -> Iterator[Step]:
    """One line and bar per stage on `console`, for `run_demo`'s `step`."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:

        @contextmanager
        def step(words: str) -> Iterator[None]:
            task = bars.add_task(words, total=None)
            yield
            bars.update(task, total=1, completed=1)

        yield step


def show(report: DemoReport, console: Console) -> None:
    """The tables at the end, and what to open next."""
    for table in (_intake(report), _lookups(report), _money(report), _marts(report)):
        console.print(table)
    console.print(
        f"{report.paid_calls:,} paid calls in this round, "
        f"{format_usd(report.cost_micros)}, {report.seconds:g} s."
    )
    console.print(
        f"Dashboard: http://127.0.0.1:{DASHBOARD_PORT}, Dagster: http://127.0.0.1:{DAGSTER_PORT},"
        f" once started by: {OPEN}",
        soft_wrap=True,
    )
    console.print(f"The sample file: {report.sample}", soft_wrap=True)


def as_json(report: DemoReport) -> dict[str, Any]:
    """The same as one JSON-ready document."""
    return asdict(report)


def _table(title: str, what: str, *figures: str) -> Table:
    """What a row is may wrap in a narrow terminal; a figure is never cut."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(what, overflow="fold", min_width=12)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def _intake(report: DemoReport) -> Table:
    table = _table("What came in", "", "rows")
    table.add_row("rows of the file", f"{report.upload['row_count']:,}")
    table.add_row("accepted", f"{report.upload['contact_count']:,}")
    table.add_row("refused", f"{report.upload['reject_count']:,}", end_section=True)
    for reason, count in report.rejects.items():
        table.add_row(f"  {reason.replace('_', ' ')}", f"{count:,}")
    return table


def _lookups(report: DemoReport) -> Table:
    names = ("asked", "data", "no\ndata", "not a\nnumber", "no\nanswer", "cost")
    table = _table("What was looked up", "question", *names)
    for package in report.packages:
        asked = f"{package['provider']} {package['operation']}"
        table.add_row(asked, *_package_cells(package))
    return table


def _package_cells(package: Mapping[str, Any]) -> list[str]:
    counts = ("asked", "with_data", "without_data", "invalid", "not_answered")
    return [*(f"{package[name]:,}" for name in counts), format_usd(package["cost_micros"])]


def _money(report: DemoReport) -> Table:
    plan = report.plan
    table = _table("What it cost", "", "amount")
    table.add_row("the most it could cost (plan)", format_usd(plan["max_micros"] or 0))
    table.add_row("hard cap", format_usd(plan["cap_micros"] or 0))
    table.add_row("spent", format_usd(plan["spent_micros"] or 0))
    table.add_row(
        f"saved by asking {report.saved['duplicate_count']:,} repeated numbers once",
        format_usd(report.saved["saved_by_duplicates_micros"]),
    )
    table.add_row("slowest call", f"{report.slowest_ms:,} ms")
    return table


def _marts(report: DemoReport) -> Table:
    table = _table("Marts", "table", "rows")
    for name, rows in report.marts.items():
        table.add_row(name, f"{rows:,}")
    return table
