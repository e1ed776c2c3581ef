"""Pictures of configurations: latency against throughput, boxes of batches, Pareto fronts.

They are the still twins of `nntest.pictures.charts`, which draws the same frames to be clicked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nntest.analysis.pareto import Axis, pareto_front
from nntest.analysis.trade_offs import group_label, has, variant_order
from nntest.config.plot_options import AxisOptions, PlotOptions
from nntest.pictures import style
from nntest.pictures.charts.boxes import QUANTITIES, facet_label
from nntest.pictures.charts.fronts import COSTS, Cost

_PLAIN = AxisOptions()
_WIDTH, _HEIGHT = 7.6, 4.6
_GREY = "#c9ccd1"
_FOOT = 0.55
_LIST, _MOST_LISTED = 3.1, 16
"""Inches for the list of a front's points beside it, and how many fit."""


def trade_off_plot(
    plot: str,
    frame: pd.DataFrame,
    limit_ms: float | None,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Draw the picture of that name: scatter.latency-throughput, pareto.<cost>, boxes.<quantity>.

    Costs are those of `charts.fronts.COSTS`, quantities those of `charts.boxes.QUANTITIES`.
    """
    kind, _, what = plot.partition(".")
    if kind == "scatter":
        head = _heading("Latency of a batch against frames a second", frame)
        latency_throughput(frame, head, options, svg, png)
    elif kind == "pareto":
        head = _heading(f"Top-1 accuracy against {COSTS[what].title}", frame)
        pareto_fronts(frame, what, limit_ms, head, options, svg, png)
    else:
        head = _heading(f"{QUANTITIES[what].capitalize()}, by variant", frame)
        box_plots(frame, what, head, options, svg, png)


def _heading(what: str, frame: pd.DataFrame) -> style.Heading:
    """What is shown, and how many configurations of which kind."""
    counts = frame["kind"].value_counts().sort_index()
    where = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    emulated = frame["hardware"].str.contains("(emulated)", regex=False).any()
    warning = "some ran under an emulator; these are not the times of a real board"
    return style.Heading(
        what, f"configurations: {where}" if where else "", "", warning if emulated else ""
    )


def latency_throughput(
    frame: pd.DataFrame, head: style.Heading, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Latency of a batch [ms] against frames a second, log-log, a panel for each network.

    Batches of a group hang together; colour tells the hardware, the marker the variant.
    """
    rows = has(frame, "latency_ms", "frames_per_s").assign(group=group_label)
    with style.styled():
        if rows.empty:
            reason = "no configuration has a latency and a throughput"
            style.nothing_measured(head, reason, options, svg, png)
            return
        hues = _hues(rows["hardware"])
        markers = _markers(rows["variant"])
        networks = sorted(rows["network"].unique())
        content = (_WIDTH, _HEIGHT * len(networks))
        sheet = style.Sheet(head, options, content, [*_dots(hues), *_shapes(markers)])
        for place, network in enumerate(networks):
            axes = _axes(sheet, place, len(networks), network)
            for _, group in rows[rows["network"] == network].groupby("group"):
                ordered = group.sort_values("batch")
                first = ordered.iloc[0]
                axes.plot(
                    ordered["latency_ms"], ordered["frames_per_s"], color=hues[first["hardware"]],
                    marker=markers[first["variant"]], markersize=4.5, linewidth=0.6, alpha=0.85,
                )  # fmt: skip
            _log(axes, "x", "latency of a batch, ms")
            _log(axes, "y", "frames a second")
        sheet.save(svg, png, options)


def box_plots(
    frame: pd.DataFrame,
    quantity: str,
    head: style.Heading,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """`quantity` (of `charts.boxes.QUANTITIES`) by variant; a panel a hardware and data type.

    Boxes span the quartiles, whiskers all values.  The points in a box stand side by side in the
    order of their batches, which colour them: what a box shows is a sweep, not a spread.
    """
    rows = has(frame, quantity).assign(panel=facet_label)
    with style.styled():
        if rows.empty:
            reason = f"no configuration has a {QUANTITIES[quantity].split(',')[0]}"
            style.nothing_measured(head, reason, options, svg, png)
            return
        panels = sorted(rows["panel"].unique())
        variants = sorted(rows["variant"].unique(), key=variant_order, reverse=True)
        batches = sorted(int(batch) for batch in rows["batch"].dropna().unique())
        hues = _batch_hues(batches)
        columns = min(3, len(panels))
        lines = math.ceil(len(panels) / columns)
        width, height = 3.4, 2.2
        legend = [
            (
                Line2D([], [], marker="o", linestyle="", color=hues[batch], markersize=5),
                f"{batch}" if place else f"batch {batch}",
            )
            for place, batch in enumerate(batches)
        ]
        content = (columns * width, lines * (height + 0.35) + 0.3)
        sheet = style.Sheet(head, options, content, legend)
        limits = _log_limits(rows[quantity])
        for index, panel in enumerate(panels):
            row, column = divmod(index, columns)
            axes = sheet.axes(
                column * sheet.width / columns + 0.75,
                0.25 + row * (height + 0.35),
                sheet.width / columns - 0.9,
                height - 0.2,
            )
            axes.set_title(panel, fontsize=9, fontweight="bold", pad=3)
            _boxes(axes, rows[rows["panel"] == panel], quantity, variants, batches, hues)
            axes.set_ylim(*limits)
            _log(axes, "y", QUANTITIES[quantity] if column == 0 else "")
        sheet.save(svg, png, options)


def pareto_fronts(
    frame: pd.DataFrame,
    cost_name: str,
    limit_ms: float | None,
    head: style.Heading,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Top-1 accuracy [%] against a cost (of `charts.fronts.COSTS`), a panel for each network.

    A network's variants are one panel: their accuracies are of one data set.  Steps join the
    front, what is dominated is grey.  With `limit_ms` only configurations whose latency is within
    it can be on the front.
    """
    cost = COSTS[cost_name]
    rows = has(frame, cost.column, "top1_percent", "latency_ms")
    with style.styled():
        if rows.empty:
            reason = f"no configuration has an accuracy and a {cost.title.split(',')[0]}"
            style.nothing_measured(head, reason, options, svg, png)
            return
        within = rows["latency_ms"].to_numpy(float) <= (math.inf if limit_ms is None else limit_ms)
        axes_of = [Axis("top1_percent", "max"), Axis(cost.column, cost.sense)]
        on_front = pd.Series(False, index=rows.index)
        for _, group in rows[within].groupby("network"):
            on_front |= pareto_front(group, axes_of).on_front.reindex(rows.index, fill_value=False)
        hues = _hues(rows.loc[on_front, "hardware"])
        legend = _dots(hues)
        others = "dominated" if within.all() else f"dominated, or slower than {limit_ms:g} ms"
        legend.append((Line2D([], [], marker="o", linestyle="", color=_GREY), others))
        networks = sorted(rows["network"].unique())
        sheet = style.Sheet(head, options, (_WIDTH, _HEIGHT * len(networks)), legend)
        for place, network in enumerate(networks):
            own = rows["network"] == network
            panel = _axes(sheet, place, len(networks), network, _LIST)
            _front(panel, rows[own & on_front], rows[own & ~on_front], cost, hues)
            lines = _number_corners(panel, rows[own & on_front], cost)
            y = place * sheet.height / len(networks) + 0.3
            x = sheet.width - _LIST
            sheet.text(x, y, "\n".join(lines), va="top", fontsize=7.5, linespacing=1.25)
        sheet.save(svg, png, options)


# -- parts ---------------------------------------------------------------------------------


def _axes(sheet: style.Sheet, place: int, panels: int, title: str, beside: float = 0.0) -> Axes:
    """The panel at `place`, from above; `beside`: inches to leave free to its right."""
    height = sheet.height / panels
    axes = sheet.axes(
        0.75, place * height + 0.25, sheet.width - 0.9 - beside, height - _FOOT - 0.25
    )
    axes.set_title(title, fontsize=9, fontweight="bold", pad=4)
    return axes


def _front(
    axes: Axes, front: pd.DataFrame, others: pd.DataFrame, cost: Cost, hues: dict[str, str]
) -> None:
    """Draw one network's front and what it dominates."""
    axes.plot(others[cost.column], others["top1_percent"], "o", color=_GREY, markersize=4, zorder=1)
    _steps(axes, front, cost)
    for hardware, group in front.groupby("hardware"):
        axes.plot(
            group[cost.column], group["top1_percent"], "o", color=hues[str(hardware)],
            markersize=10, markeredgecolor="white", zorder=3,
        )  # fmt: skip
    _log(axes, "x", cost.title)
    axes.set_ylabel("top-1 accuracy, %")
    axes.margins(y=0.12)


def _hues(names: pd.Series) -> dict[str, str]:
    return {
        name: style.OKABE_ITO[index % len(style.OKABE_ITO)]
        for index, name in enumerate(sorted(names.unique()))
    }


def _markers(variants: pd.Series) -> dict[str, str]:
    ordered = sorted(variants.unique(), key=variant_order, reverse=True)
    return {name: style.MARKERS[i % len(style.MARKERS)] for i, name in enumerate(ordered)}


def _dots(hues: dict[str, str]) -> list[tuple[Artist, str]]:
    return [
        (Line2D([], [], marker="o", linestyle="", color=hue), name) for name, hue in hues.items()
    ]


def _shapes(markers: dict[str, str]) -> list[tuple[Artist, str]]:
    return [
        (Line2D([], [], marker=marker, linestyle="", color=style.FAINT), name)
        for name, marker in markers.items()
        if name
    ]


def _batch_hues(batches: Sequence[int]) -> dict[int, Any]:
    from matplotlib import colormaps

    colours = colormaps["viridis_r"](np.linspace(0.08, 1, max(len(batches), 2)))
    return dict(zip(batches, colours, strict=False))


def _boxes(
    axes: Axes,
    rows: pd.DataFrame,
    quantity: str,
    variants: Sequence[str],
    batches: Sequence[int],
    hues: dict[int, Any],
) -> None:
    """The boxes of one panel with their points."""
    for place, variant in enumerate(variants):
        group = rows[rows["variant"] == variant]
        if group.empty:
            continue
        axes.boxplot(
            [group[quantity].to_numpy(float)], positions=[place], widths=0.62, whis=(0, 100),
            patch_artist=True, manage_ticks=False,
            boxprops={"facecolor": "#e6e9ee", "edgecolor": style.FAINT, "linewidth": 0.8},
            medianprops={"color": style.INK}, whiskerprops={"color": style.FAINT},
            capprops={"color": style.FAINT},
        )  # fmt: skip
        for batch in sorted(int(number) for number in group["batch"].dropna().unique()):
            points = group[group["batch"] == batch]
            rank = batches.index(batch) / max(len(batches) - 1, 1) - 0.5
            axes.plot(
                np.full(len(points), place + 0.62 * rank), points[quantity], "o", markersize=4,
                color=hues[batch], markeredgecolor="white", markeredgewidth=0.4,
            )  # fmt: skip
    axes.set_xticks(range(len(variants)), variants)
    axes.set_xlim(-0.6, len(variants) - 0.4)


def _steps(axes: Axes, front: pd.DataFrame, cost: Cost) -> None:
    """The front as steps: between two of its points only what the worse gives is had."""
    ordered = front.sort_values([cost.column, "top1_percent"])
    axes.step(
        ordered[cost.column], ordered["top1_percent"], color=style.INK, linewidth=1.2, zorder=2,
        where="pre" if cost.more_is_better else "post",
    )  # fmt: skip


def _number_corners(axes: Axes, front: pd.DataFrame, cost: Cost) -> list[str]:
    """Number the points of a front; lines that say what they are.  Equal ones share a number."""
    ordered = front.sort_values([cost.column, "top1_percent"], ascending=not cost.more_is_better)
    corners = ordered.groupby([cost.column, "top1_percent"], sort=False)
    lines = []
    for number, (_, group) in enumerate(corners, start=1):
        first = group.iloc[0]
        axes.annotate(
            str(number), (first[cost.column], first["top1_percent"]), ha="center", va="center",
            fontsize=6, color="white", fontweight="bold", zorder=4,
        )  # fmt: skip
        batch = "" if pd.isna(first["batch"]) else f"batch {first['batch']}"
        words = [first["data_type"], first["variant"], batch]
        more = f", and {len(group) - 1} more" if len(group) > 1 else ""
        value = (
            f"{first[cost.column]:,.3g}"
            if first[cost.column] < 1e3
            else style.number(round(first[cost.column]))
        )
        lines.append(
            f"{number:>2}  {' '.join(word for word in words if word)}{more}\n"
            f"      {first['top1_percent']:.2f} %, {value} {_unit(cost)}"
        )
    if len(lines) > _MOST_LISTED:
        lines = [*lines[:_MOST_LISTED], f"and {len(lines) - _MOST_LISTED} more"]
    return lines


def _unit(cost: Cost) -> str:
    return cost.title.rpartition(", ")[2] if ", " in cost.title else cost.title


def _log_limits(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = max((high / low) ** 0.08, 1.25)
    return low / room, high * room


def _log(axes: Axes, which: str, label: str) -> None:
    """Make an axis logarithmic, with few and plain numbers."""
    axis: Any = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axes.grid(True, axis="both", color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    style.tick(axis, _PLAIN, True, 7)
    axis.set_label_text(label)
