"""Judging made-up figures; nothing is measured here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.compare import RATIOS, ROOT, judge, main, table

FIGURE = {"run": "fast", "key": "ratio", "bound": ">= 0.9", "last": 0.96, "tolerance": 0.05}


def verdict(figure: dict[str, Any], **results: dict[str, Any]) -> str:
    return judge(FIGURE | figure, results).verdict


def test_a_key_may_lead_inside() -> None:
    inside = {"key": "auto.precision"}
    assert verdict(inside, fast={"auto": {"precision": 0.95}}) == "ok"
    assert verdict(inside, fast={"auto": 0.95}) == "not measured"


@pytest.mark.parametrize(
    "value,figure,expected",
    [
        (0.96, {}, "ok"),
        (0.92, {}, "ok"),
        (0.905, {}, "WORSE than last by more than 5%"),
        (0.905, {"last": None}, "ok"),
        (0.89, {}, "MISS"),
        (0.89, {"last": None}, "MISS"),
        (0, {"bound": "== 0", "last": 0, "tolerance": 0}, "ok"),
        (1, {"bound": "== 0", "last": 0, "tolerance": 0}, "MISS"),
        (True, {"bound": "== 1", "last": 1, "tolerance": 0}, "ok"),
        (2.4, {"bound": "<= 3", "last": 2.0, "tolerance": 0.25}, "ok"),
        (
            2.6,
            {"bound": "<= 3", "last": 2.0, "tolerance": 0.25},
            "WORSE than last by more than 25%",
        ),
        (3.1, {"bound": "<= 3", "last": 3.1, "tolerance": 0.25}, "MISS"),
    ],
)
def test_a_figure_is_held_to_its_bound_and_its_last_value(
    value: float, figure: dict[str, Any], expected: str
) -> None:
    assert verdict(figure, fast={"ratio": value}) == expected


@pytest.mark.parametrize("results", [{}, {"fast": {}}, {"fast": {"other": 1}}])
def test_what_was_not_measured_does_not_hold(results: dict[str, Any]) -> None:
    assert verdict({}, **results) == "not measured"


def test_a_bound_may_be_another_figure_of_the_run() -> None:
    figure = {"bound": "<= most", "last": None}
    assert verdict(figure, fast={"ratio": 5, "most": 5}) == "ok"
    assert verdict(figure, fast={"ratio": 6, "most": 5}) == "MISS"


def test_a_figure_without_its_condition_is_void() -> None:
    figure = {"only_if": "rate >= 3500"}
    assert verdict(figure, fast={"ratio": 1, "rate": 3500}) == "ok"
    assert verdict(figure, fast={"ratio": 1, "rate": 900}) == "void: not rate >= 3500"
    assert verdict(figure, fast={"ratio": 1}) == "void: not rate >= 3500"


def test_a_figure_may_be_over_that_of_another_run() -> None:
    figure = {"over": "small", "bound": "<= 1.3", "last": None}
    assert verdict(figure, fast={"ratio": 13}, small={"ratio": 10}) == "ok"
    assert verdict(figure, fast={"ratio": 14}, small={"ratio": 10}) == "MISS"
    assert verdict(figure, fast={"ratio": 14}, small={"ratio": 0}) == "not measured"
    assert verdict(figure, fast={"ratio": 14}) == "not measured"


@pytest.fixture
def ratios(tmp_path: Path) -> Path:
    path = tmp_path / "ratios.json"
    runs = {"fast": ["bench.fast"], "slow": ["bench.slow"]}
    figures = [FIGURE, FIGURE | {"run": "slow"}]
    path.write_text(json.dumps({"runs": runs, "figures": figures}))
    return path


def measured(folder: Path, **values: float) -> None:
    for name, value in values.items():
        (folder / f"{name}.json").write_text(f'a line before\n{{"ratio": {value}}}\n')


def test_files_are_compared_and_a_miss_ends_with_1(
    ratios: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(tmp_path, fast=0.97, slow=0.5)
    assert main(["--from", str(tmp_path)], ratios) == 1
    printed = capsys.readouterr().out
    assert "1 of 2 figures hold" in printed
    assert re.search(r"slow +ratio +0\.5 +>= 0\.9 +0\.96 +MISS", printed)
    assert main(["--from", str(tmp_path), "--only", "fast"], ratios) == 0
    assert "1 of 1 figures hold" in capsys.readouterr().out


def test_only_green_figures_become_the_last_ones(ratios: Path, tmp_path: Path) -> None:
    measured(tmp_path, fast=0.97)
    before = ratios.read_text()
    assert main(["--from", str(tmp_path), "--record"], ratios) == 1
    assert ratios.read_text() == before
    assert main(["--from", str(tmp_path), "--record", "--only", "fast"], ratios) == 0
    last = {each["run"]: each["last"] for each in json.loads(ratios.read_text())["figures"]}
    assert last == {"fast": 0.97, "slow": 0.96}


def test_a_benchmark_that_fails_was_not_measured(
    ratios: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--only", "fast"], ratios) == 1  # there is no bench.fast
    assert "not measured" in capsys.readouterr().out


def test_the_committed_ratios_name_benchmarks_and_figures_there_are() -> None:
    ratios = json.loads(RATIOS.read_text())
    assert {figure["run"] for figure in ratios["figures"]} == set(ratios["runs"])
    for figure in ratios["figures"]:
        module = ratios["runs"][figure["run"]][0].replace(".", "/")
        assert f'"{figure["key"]}"' in (ROOT / f"{module}.py").read_text()
        assert judge(figure, {}).verdict == "not measured"
    assert table([]).startswith("bench")


def test_make_bench_measures_every_committed_module() -> None:
    makefile = (ROOT / "Makefile").read_text()
    names = re.search(r"for name in ([a-z ]+); do \$\(BIN\)/python -m bench", makefile)
    assert names is not None
    ratios = json.loads(RATIOS.read_text())
    assert {f"bench.{name}" for name in names[1].split()} == {
        arguments[0] for arguments in ratios["runs"].values()
    }
