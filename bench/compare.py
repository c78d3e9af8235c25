"""Benchmarks beside what they must hold and what they measured last; `bench/ratios.json` has both.

`python -m bench.compare` runs them all, `--only NAME` some, `--from FOLDER` reads `NAME.json`
written earlier instead. It prints a table and ends with 1 when a figure misses its bound, is worse
than the last one by more than its tolerance, is void or was not measured. `--record` keeps the new
figures of an all-green comparison as the last ones. Belongs here: judging. Does not: measuring.
"""

from __future__ import annotations

import argparse
import json
import operator
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RATIOS = Path(__file__).with_name("ratios.json")
_SIGNS = {">=": operator.ge, "<=": operator.le, "==": operator.eq}
Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """One figure, judged: `ok`, or what is wrong with it."""

    run: str
    key: str
    value: float | None
    bound: str
    last: float | None
    verdict: str


def judge(figure: Mapping[str, Any], results: Results) -> Row:
    """The figure of a finished run against its bound and its last value."""
    found = results.get(figure["run"], {})
    value = _value(figure, results)
    if value is None:
        verdict = "not measured"
    elif "only_if" in figure and not _only_if(figure["only_if"], found):
        verdict = f"void: not {figure['only_if']}"
    elif not _holds(value, figure["bound"], found):
        verdict = "MISS"
    elif _worse(value, figure):
        verdict = f"WORSE than last by more than {figure['tolerance']:.0%}"
    else:
        verdict = "ok"
    return Row(figure["run"], _label(figure), value, figure["bound"], figure.get("last"), verdict)


def _label(figure: Mapping[str, Any]) -> str:
    return f"{figure['key']} ÷ {figure['over']}" if "over" in figure else str(figure["key"])


def _value(figure: Mapping[str, Any], results: Results) -> float | None:
    """What was measured; with `over`, divided by the same key of that run."""
    found = _find(results.get(figure["run"], {}), figure["key"])
    if found is None or "over" not in figure:
        return None if found is None else float(found)
    base = _find(results.get(figure["over"], {}), figure["key"])
    return round(float(found) / float(base), 4) if base else None


def _find(result: Mapping[str, Any], key: str) -> Any:
    """`auto.precision` is looked for inside `auto`."""
    found: Any = result
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _only_if(condition: str, found: Mapping[str, Any]) -> bool:
    key, bound = condition.split(" ", 1)
    return key in found and _holds(float(found[key]), bound, found)


def _holds(value: float, bound: str, found: Mapping[str, Any]) -> bool:
    """Whether `value` keeps to `>= 0.9` or, beside another key of the run, `<= unknown_bound`."""
    sign, limit = bound.split()
    try:
        number = float(limit)
    except ValueError:
        number = float(found[limit])
    return bool(_SIGNS[sign](value, number))


def _worse(value: float, figure: Mapping[str, Any]) -> bool:
    last = figure.get("last")
    if last is None:
        return False
    room = abs(last) * figure["tolerance"]
    return bool(value < last - room if figure["bound"][0] == ">" else value > last + room)


def table(rows: Sequence[Row]) -> str:
    """The rows as text, aligned."""
    cells = [("bench", "figure", "measured", "bound", "last", "")]
    cells += [
        (row.run, row.key, _number(row.value), row.bound, _number(row.last), row.verdict)
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        for line in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def run(name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What the benchmark prints; nothing when it fails, which it has told by itself."""
    print(f"==> {name}: python -m {' '.join(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *arguments, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    return last_object(done.stdout) if done.returncode == 0 else {}


def last_object(text: str) -> dict[str, Any]:
    """The JSON object in the last line; empty when there is none."""
    lines = text.strip().splitlines()
    found = json.loads(lines[-1]) if lines else {}
    return found if isinstance(found, dict) else {}


def read(folder: Path, name: str) -> dict[str, Any]:
    """What a benchmark printed into `folder` earlier; empty when it did not."""
    path = folder / f"{name}.json"
    return last_object(path.read_text()) if path.exists() else {}


def recorded(ratios: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """The ratios with the measured figures as the last ones."""
    new = {(row.run, row.key): row.value for row in rows}
    figures = [
        figure | {"last": new.get((figure["run"], _label(figure)), figure["last"])}
        for figure in ratios["figures"]
    ]
    return {**ratios, "figures": figures}


def main(arguments: Sequence[str] | None = None, path: Path = RATIOS) -> int:
    """Measure or read, print the table; 0 when every figure holds."""
    ratios = json.loads(path.read_text())
    parser = argparse.ArgumentParser(prog="python -m bench.compare")
    parser.add_argument("--only", nargs="+", choices=sorted(ratios["runs"]), default=None)
    parser.add_argument("--from", dest="folder", type=Path, default=None)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args(arguments)
    chosen = options.only or list(ratios["runs"])
    results = {
        name: read(options.folder, name) if options.folder else run(name, ratios["runs"][name])
        for name in chosen
    }
    rows = [judge(figure, results) for figure in ratios["figures"] if figure["run"] in chosen]
    print(table(rows))
    failed = [row for row in rows if row.verdict != "ok"]
    print(f"{len(rows) - len(failed)} of {len(rows)} figures hold")
    if options.record and not failed:
        path.write_text(json.dumps(recorded(ratios, rows), indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
