"""Charts as SVG, drawn on the server: Altair describes them, vl-convert renders them.

Belongs here: marks, scales, colours. Does not: figures (`web.dashboard`).
The colours are those of light mode; the style sheet replaces them in dark mode by value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import altair as alt

COLORS = {
    "blue": "#2f6fed",
    "teal": "#0f9d8a",
    "amber": "#d98a00",
    "red": "#d1383d",
    "violet": "#7a5af0",
    "grey": "#8a94a6",
}
_GRID = "#e3e8ef"
_ROW = 26
_WIDTH, _WIDE = 340, 740
_LABELS = 136
_CACHED = 128


def bars(
    rows: Sequence[Mapping[str, Any]], label: str, value: str, *, colors: Sequence[str] = ("blue",)
) -> str:
    """Horizontal bars, one a row, in the order given; one colour a row or one for all."""
    filled = [
        {"label": str(row[label]), "value": float(row[value]), "color": _color(colors, n)}
        for n, row in enumerate(rows)
    ]
    return _svg("bars", orjson.dumps(filled))


def columns(rows: Sequence[Mapping[str, Any]], day: str, series: str, value: str) -> str:
    """Stacked columns, one a day."""
    filled = [
        {"day": str(row[day]), "series": str(row[series]), "value": float(row[value])}
        for row in rows
    ]
    return _svg("columns", orjson.dumps(filled))


def _color(colors: Sequence[str], position: int) -> str:
    return COLORS[colors[min(position, len(colors) - 1)]]


@lru_cache(maxsize=_CACHED)
def _svg(kind: str, data: bytes) -> str:
    """The chart of exactly these figures; the same figures are drawn once."""
    import vl_convert  # loads a JavaScript engine: only pages that draw pay for it

    values: list[dict[str, Any]] = orjson.loads(data)
    if not values:
        return ""
    spec = _CHARTS[kind](values).to_dict()
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _bars(values: list[dict[str, Any]]) -> alt.TopLevelMixin:
    import altair as alt

    axis = alt.Axis(labelLimit=_LABELS - 18, minExtent=_LABELS, maxExtent=_LABELS)
    largest = max(row["value"] for row in values)
    base = alt.Chart(_data(values)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=axis),
        # Room at the right for the number written beside the longest bar.
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, (largest or 1) * 1.28])),
    )
    marks = base.mark_bar(cornerRadiusEnd=4, height={"band": 0.64}).encode(
        color=alt.Color("color:N", scale=None)
    )
    numbers = base.mark_text(align="left", dx=6, color="currentColor").encode(
        text=alt.Text("value:Q", format="," if _whole(values) else ",.2f")
    )
    chart = alt.layer(marks, numbers).properties(
        width=_WIDTH, height=max(3, len(values)) * _ROW + _ROW // 2
    )
    return _themed(chart)


def _columns(values: list[dict[str, Any]]) -> alt.TopLevelMixin:
    import altair as alt

    names = sorted({row["series"] for row in values})
    palette = [*COLORS.values()][: len(names)]
    marks = (
        alt.Chart(_data(values))
        .mark_bar(size=min(28, 560 // max(1, len({row["day"] for row in values}))))
        .encode(
            x=alt.X("day:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y(
                "sum(value):Q", title=None, axis=alt.Axis(tickCount=4, tickMinStep=1, format=",d")
            ),
            color=alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=names, range=palette),
                legend=alt.Legend(orient="top", labelLimit=220, columnPadding=40),
            ),
        )
    )
    return _themed(alt.layer(marks).properties(width=_WIDE, height=10 * _ROW))


def _data(values: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=values)


def _whole(values: list[dict[str, Any]]) -> bool:
    return all(row["value"].is_integer() for row in values)


def _themed(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    import altair as alt

    themed: alt.TopLevelMixin = (
        chart.configure(
            background="transparent",
            font="system-ui, sans-serif",
            padding=2,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor="currentColor",
            labelFontSize=12,
            gridColor=_GRID,
            domain=False,
            ticks=False,
            labelPadding=6,
        )
        .configure_legend(labelColor="currentColor", labelFontSize=12)
        .configure_text(fontSize=12)
    )
    return themed


_CHARTS: Mapping[str, Callable[[list[dict[str, Any]]], alt.TopLevelMixin]] = {
    "bars": _bars,
    "columns": _columns,
}
