"""Where a model stands: what it is made from and who reads it, two steps each way.

Belongs here: geometry. Does not: drawing (`templates/lineage.html`), what depends on what
(`services.catalogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bulk_lookup_dagster.services.catalogue import Catalogue, Model

BOX_WIDTH, BOX_HEIGHT = 184, 30
_GAP_X, _GAP_Y, _EDGE = 52, 10, 4
_LONGEST = 24  # characters that fit into a box


@dataclass(frozen=True)
class Box:
    """One model, source or exposure; `kind` is its layer, or which of the others it is."""

    label: str
    title: str
    kind: str
    href: str
    here: bool
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Boxes, and the paths between them from left to right."""

    boxes: Sequence[Box]
    lines: Sequence[str]
    width: int
    height: int


def draw(catalogue: Catalogue, model: Model) -> Picture:
    """The neighbourhood of a model."""
    columns = _columns(catalogue, model.unique_id)
    middle = next(nth for nth, column in enumerate(columns) if model.unique_id in column)
    tallest = max(len(column) for column in columns)
    height = tallest * (BOX_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _EDGE
    places = {
        node: (_left(nth), _top(row, len(column), height))
        for nth, column in enumerate(columns)
        for row, node in enumerate(column)
    }
    lines = [
        _line(places[parent], places[child])
        for sides in (columns[: middle + 1], columns[middle:])
        for parent, child in _ties(catalogue, sides)
    ]
    boxes = [_box(catalogue, node, node == model.unique_id, at) for node, at in places.items()]
    return Picture(boxes, lines, _left(len(columns)) - _GAP_X + _EDGE, height)


def _columns(catalogue: Catalogue, here: str) -> list[list[str]]:
    """Ids from left to right; whoever is reached in one and in two steps stands two steps away."""

    def parents(node: str) -> Iterable[str]:
        return _up(catalogue, node)

    def children(node: str) -> Iterable[str]:
        return _down(catalogue, node)

    before, after = _steps(here, parents), _steps(here, children)
    left = _ordered([here], before, children)
    right = _ordered([here], after, parents)
    return [column for column in [*reversed(left), [here], *right] if column]


def _ties(catalogue: Catalogue, columns: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Parents with children further right; neighbours of one column are not tied to each other."""
    for nth, column in enumerate(columns):
        before = {node for earlier in columns[:nth] for node in earlier}
        for child in column:
            yield from ((parent, child) for parent in _up(catalogue, child) if parent in before)


def _steps(here: str, neighbours: Callable[[str], Iterable[str]]) -> list[set[str]]:
    near = set(neighbours(here))
    far = {each for one in near for each in neighbours(one)}
    return [near - far, far]


def _ordered(
    inner: list[str], steps: Sequence[set[str]], inwards: Callable[[str], Iterable[str]]
) -> list[list[str]]:
    """Each column sorted by where its neighbours in the column before it stand."""
    columns = []
    for step in steps:
        rows = {node: row for row, node in enumerate(inner)}
        inner = sorted(step, key=lambda node: (_mean(inwards(node), rows), node))
        columns.append(inner)
    return columns


def _mean(nodes: Iterable[str], rows: Mapping[str, int]) -> float:
    known = [rows[node] for node in nodes if node in rows]
    return sum(known) / len(known) if known else 0.0


def _up(catalogue: Catalogue, node: str) -> Iterable[str]:
    if node in catalogue.models:
        return catalogue.models[node].upstream
    readers = catalogue.models.values() if node in catalogue.exposures else ()
    return [one.unique_id for one in readers if node in one.downstream]


def _down(catalogue: Catalogue, node: str) -> Iterable[str]:
    if node in catalogue.models:
        return catalogue.models[node].downstream
    readers = catalogue.models.values() if node in catalogue.sources else ()
    return [one.unique_id for one in readers if node in one.upstream]


def _box(catalogue: Catalogue, node: str, here: bool, at: tuple[int, int]) -> Box:
    if node in catalogue.models:
        model = catalogue.models[node]
        name, kind, href = model.name, model.layer, f"/catalogue/{model.name}"
    elif node in catalogue.sources:
        name, kind, href = catalogue.sources[node].name, "source", "/catalogue#sources"
    else:
        name, kind, href = catalogue.exposures[node].label, "exposure", "/catalogue#exposures"
    label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return Box(label, name, kind, href, here, *at)


def _left(column: int) -> int:
    return _EDGE + column * (BOX_WIDTH + _GAP_X)


def _top(row: int, rows: int, height: int) -> int:
    used = rows * (BOX_HEIGHT + _GAP_Y) - _GAP_Y
    return (height - used) // 2 + row * (BOX_HEIGHT + _GAP_Y)


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    to_x, to_y = end[0], end[1] + BOX_HEIGHT // 2
    bend = (to_x - x) // 2
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
