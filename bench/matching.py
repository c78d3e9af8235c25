"""Matching beside Splink: time, memory, and what was found of what is known.

`python -m bench.matching --rows 1000000 --seed 7` makes labelled contacts, matches them in a
process of its own, scores the result, and gives Splink the same rows with the same saved model
(what each side does: `bench.matching_worker`; `--no-splink` leaves it out). `--growth` adds the
time for four times the rows, `--incremental` an upload of 25,000 into PostgreSQL, `--samples 12`
the mean cluster F1 of so many files of `--rows`.
`--input FILE.csv [FILE.csv] --truth PAIRS.csv` scores labelled files instead.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.contacts import Rates, contacts
from bench.harness import Process, main
from bench.labelled_files import write_labelled
from bench.matching_scores import score


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """What the options ask for, in one object."""
    with tempfile.TemporaryDirectory(prefix="bl-bench-") as name:
        folder = Path(name)
        if options.input:
            return _labelled(options, folder)
        if options.samples:
            return _samples(options, folder)
        return _synthetic(options, folder)


def generate(path: Path, rows: int, seed: int, rates: Rates) -> None:
    """Write labelled contacts to a Parquet file."""
    writer = None
    for chunk in contacts(rows, seed, rates):
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer:
        writer.close()


def run(path: Path, engine: str = "engine") -> dict[str, Any]:
    """Match a file in a process of its own."""
    out = str(path.with_suffix(""))
    return Process(
        "bench.matching_worker", {"path": str(path), "engine": engine, "out": out}
    ).result()


def _synthetic(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rates = Rates.parse(options.rates)
    path = folder / "contacts.parquet"
    generate(path, options.rows, options.seed, rates)
    ours = run(path)
    result: dict[str, Any] = {
        "bench": "matching", "rows": options.rows, "seed": options.seed,
        **{name: round(value, 2) for name, value in ours.items()},
        **score(str(path), str(path.with_suffix(""))),
    }  # fmt: skip
    if not options.no_splink:
        theirs = run(path, "splink")
        result["splink"] = {name: round(value, 2) for name, value in theirs.items()}
        result["ratio_to_splink"] = round(ours["seconds"] / theirs["seconds"], 3)
        result["cpu_ratio_to_splink"] = round(ours["cpu_seconds"] / theirs["cpu_seconds"], 3)
    if options.growth:
        large = folder / "four.parquet"
        generate(large, options.rows * 4, options.seed, rates)
        grown = run(large)
        result["growth"] = round(grown["seconds"] / ours["seconds"], 3)
        result["growth_peak_mb"] = round(grown["peak_mb"])
    if options.incremental:
        from bench.matching_incremental import incremental

        result |= incremental(path, min(25_000, options.rows // 4))
    return result


def _labelled(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    path = folder / "labelled.parquet"
    write_labelled([Path(name) for name in options.input],
                   Path(options.truth) if options.truth else None, path)  # fmt: skip
    ours = run(path)
    found = score(str(path), str(path.with_suffix("")))
    return {"bench": "matching", "input": options.input, "f1": found["clusters"]["f1"],
            "seconds": round(ours["seconds"], 2), **found}  # fmt: skip


def _samples(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    scores = []
    for number in range(options.samples):
        path = folder / f"sample{number}.parquet"
        generate(path, options.rows, options.seed + number, Rates.parse(options.rates))
        run(path)
        scores.append(score(str(path), str(path.with_suffix("")))["clusters"]["f1"])
    return {"bench": "matching", "rows": options.rows, "samples": scores,
            "f1": round(sum(scores) / len(scores), 4)}  # fmt: skip


if __name__ == "__main__":
    main(
        measure,
        {"name": "--rows", "type": int, "default": 1_000_000},
        {"name": "--seed", "type": int, "default": 7},
        {"name": "--rates", "default": "", "help": "typo=0.1,missing=0.2"},
        {"name": "--no-splink", "action": "store_true"},
        {"name": "--growth", "action": "store_true"},
        {"name": "--incremental", "action": "store_true"},
        {"name": "--samples", "type": int, "default": 0},
        {"name": "--input", "nargs": "+"},
        {"name": "--truth"},
    )
