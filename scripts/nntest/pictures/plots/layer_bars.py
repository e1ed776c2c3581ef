"""Where a network's time goes: for each choice one bar, stacked from its layers in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nntest.analysis.points import named_by_threads
from nntest.analysis.uniform_schedules import BEST
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE, page_of, rows_of
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, nothing_measured, styled, tick

_GROUP = ["platform", "library", "batch_size", "data_type"]
_BAR, _GAP, _TICKS, _FOOT, _TALLEST = 0.3, 0.14, 0.26, 0.3, 80.0
_MOST_NETWORKS, _MOST_PANELS, _MOST_CHOICES = 16, 6, 12
"""On one page."""
_NARROWEST = 0.02
"""Width in inches of the narrowest segment: neighbours that are narrower are one."""
_SPECIES = (
    "conv", "depthwiseconv", "fullyconnected", "avgpool", "softmax", "maxpool", "gemm", "reshape",
)  # fmt: skip


def layer_bars(
    layers: pd.DataFrame,
    estimates: pd.DataFrame,
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Draw `estimate.layer_times`, with the totals of `estimate.estimate`.

    A row for each network, with its own axis; a panel for each platform and library.  Segments
    are layers in the order in which they run, coloured by species, in two shades by turns; those
    that are wide enough carry their name or their number in the network.  The bar's end has the
    estimate's interval; a diamond is the whole network's own measured time.  What is more than
    a page holds is on further ones, the fastest choices on the first.
    """
    what = "Time of each layer, by choice"
    timed = layers[layers["time_us"].notna()]
    rows = frame[(frame["kernel"] == "") & (frame["status"] == "ok")]
    head = style.heading(what, rows if len(rows) else frame)
    with styled():
        if timed.empty:
            reason = "no layer of the study's networks was measured"
            nothing_measured(head, reason, options, svg, png)
            return
        picture = _Picture(named_by_threads(timed), named_by_threads(estimates), options)
        head = head.beside(picture.page)
        if not picture.networks:
            nothing_measured(head, NOT_ON_THIS_PAGE, options, svg, png)
            return
        picture.draw(head).save(svg, png, options)


@dataclass
class _Picture:
    layers: pd.DataFrame
    estimates: pd.DataFrame
    options: PlotOptions

    def __post_init__(self) -> None:
        # Choices in the order of the table: the best, then by time.
        bars: dict[tuple[Any, ...], list[dict[Any, Any]]] = {}
        for row in self.estimates.to_dict("records"):
            bars.setdefault((row["network"], *(row[name] for name in _GROUP)), []).append(row)
        most = max(map(len, bars.values()))
        kinds = [
            ("choices, the fastest first", range(most), _MOST_CHOICES),
            ("panels", list(dict.fromkeys(key[1:] for key in bars)), _MOST_PANELS),
            ("networks", list(dict.fromkeys(key[0] for key in bars)),
             rows_of(min(most, _MOST_CHOICES), _MOST_NETWORKS)),
        ]  # fmt: skip
        (choices, groups, networks), self.page = page_of(
            self.options.page, kinds, "plots.layers.page"
        )
        there = {
            key: rows[choices.shown[0] : choices.shown[-1] + 1]
            for key, rows in bars.items()
            if key[0] in networks.shown and key[1:] in groups.shown
        }
        self.bars = {key: rows for key, rows in there.items() if rows}
        self.groups = list(groups.shown)
        self.networks = list(dict.fromkeys(key[0] for key in self.bars))
        drawn = [(*key, row["choice"]) for key, rows in self.bars.items() for row in rows]
        self.segments: dict[tuple[Any, ...], list[dict[Any, Any]]] = {key: [] for key in drawn}
        for row in self.layers.sort_values("position", kind="stable").to_dict("records"):
            key = (row["network"], *(row[name] for name in _GROUP), row["choice"])
            if key in self.segments:
                self.segments[key].append(row)
        seen = {row["species"] for rows in self.segments.values() for row in rows}
        known = [name for name in _SPECIES if name in seen]
        names = [*known, *sorted(seen - set(known))]
        looks = style.colours(names, self.options, "operator")
        self.colours = {name: to_rgb(colour) for name, (colour, _) in looks.items()}

    def draw(self, head: style.Heading) -> Sheet:
        """The whole picture."""
        legend: list[tuple[Any, str]] = [
            (Patch(facecolor=colour), name) for name, colour in self.colours.items()
        ]
        if self.estimates["measured_us"].notna().any():
            diamond = Line2D([], [], color=style.INK, marker="D", linestyle="none", markersize=6)
            legend.append((diamond, "measured end to end"))
        titles = [self._title(group) for group in self.groups]
        choices = [
            max(len(self.bars.get((network, *group), [])) for group in self.groups)
            for network in self.networks
        ]
        names = sorted({row["choice"] for rows in self.bars.values() for row in rows})
        panels = Panels.of(titles, names, self.options)
        above = panels.head if len(titles) > 1 else 0.05
        title_room = 0.22
        heights = [count * (_BAR + _GAP) + title_room + _TICKS for count in choices]
        wanted = min(_TALLEST, sum(heights)) + above + _FOOT
        sheet = Sheet(head, self.options, (max(panels.wanted, 11.0), wanted), legend)
        scale = max(sheet.height - above - _FOOT, 0.3) / sum(heights)
        margin = sheet.text_width(names, 9) + 0.12
        width = (sheet.width - margin + PANEL_GAP) / len(titles)
        y = above
        for network, height in zip(self.networks, heights, strict=True):
            sheet.text(margin, y + 0.02, network, fontsize=9.5, fontweight="bold", va="top")
            for across, group in enumerate(self.groups):
                if y == above and len(titles) > 1:
                    sheet.panel_title(margin + across * width, width - PANEL_GAP, panels, across)
                axes = sheet.axes(
                    margin + across * width,
                    y + title_room,
                    width - PANEL_GAP,
                    max(height * scale - title_room - _TICKS, 0.1),
                )
                self._panel(axes, network, group, width - PANEL_GAP)
            y += height * scale
        sheet.text(
            margin + (sheet.width - margin) / 2, sheet.height - 0.08,
            "Time in ms · each network has its own axis · a number is a layer's place in the "
            "network",
            ha="center", va="center", fontsize=9.5,
        )  # fmt: skip
        return sheet

    def _title(self, group: tuple[Any, ...]) -> str:
        platform, library, batch, kind = group
        more = [] if len({one[2] for one in self.groups}) == 1 else [f"batch {batch}"]
        more += [] if len({one[3] for one in self.groups}) == 1 else [str(kind)]
        return "\n".join([str(platform), ", ".join([str(library), *more])])

    def _panel(self, axes: Axes, network: str, group: tuple[Any, ...], width: float) -> None:
        rows = self.bars.get((network, *group), [])
        ends = ("total_us", "ci_high_us", "measured_us", "measured_ci_high_us")
        everywhere = [
            max(row[name] for name in ends if not pd.isna(row[name]))
            for other in self.groups
            for row in self.bars.get((network, *other), [])
        ]
        # Room for the longest text behind a bar.
        texts = [
            _text(row) for other in self.groups for row in self.bars.get((network, *other), [])
        ]
        beside = min(0.15 + max(map(len, texts)) * 8 / 72 * 0.62, 0.6 * width)
        end = max(everywhere) / 1e3 * width / (width - beside)
        axes.set_xlim(0, end)
        axes.set_ylim(len(rows) - 0.35 if rows else 1, -0.65)
        first = group == self.groups[0]
        labels = [row["choice"] for row in rows] if first else [""] * len(rows)
        axes.set_yticks(range(len(rows)), labels, fontsize=9)
        for label, row in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if row["choice"] == BEST else "normal")
        axes.tick_params(axis="y", length=0, pad=6)
        tick(axes.xaxis, self.options.axis_of("time_us"), False, 8)
        axes.tick_params(axis="x", labelsize=8, length=2, pad=2)
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        if not rows:
            axes.text(0.01, 0.5, "not measured", transform=axes.transAxes, va="center",
                      fontsize=8, style="italic", color=style.FAINT)  # fmt: skip
        for place, row in enumerate(rows):
            self._bar(axes, place, row, group, width / end)

    def _bar(
        self, axes: Axes, place: int, row: dict[Any, Any], group: tuple[Any, ...], inches: float
    ) -> None:
        """One choice; `inches`: of the picture for each millisecond."""
        left = 0.0
        turns: dict[str, int] = {}
        segments: list[tuple[float, float, Any]] = []
        for layers in _wide_enough(
            self.segments[(row["network"], *group, row["choice"])], _NARROWEST / inches * 1e3
        ):
            longest = max(layers, key=lambda layer: layer["time_us"])
            colour = self.colours[longest["species"]]
            turn = turns[longest["species"]] = turns.get(longest["species"], 0) + 1
            if turn % 2 == 0:
                colour = tuple(0.62 * part + 0.38 for part in colour)  # type: ignore[assignment]
            time = sum(layer["time_us"] for layer in layers) / 1e3
            segments.append((left, time, colour))
            if len(layers) == 1:
                self._name(axes, left + time / 2, place, longest, time * inches, colour)
            left += time
        if segments:
            lefts, times, colours = zip(*segments, strict=True)
            axes.barh([place] * len(times), times, left=lefts, height=0.72, color=colours,
                      edgecolor="white", linewidth=0.4, zorder=2)  # fmt: skip
        known = not pd.isna(row["ci_low_us"])
        low, high = (row["ci_low_us"] / 1e3, row["ci_high_us"] / 1e3) if known else (left, left)
        if known:
            axes.errorbar(left, place, xerr=[[max(left - low, 0)], [max(high - left, 0)]],
                          color=style.INK, elinewidth=1.0, capsize=3, zorder=4)  # fmt: skip
        outer = max(left, high)
        if not pd.isna(row["measured_us"]):
            measured = row["measured_us"] / 1e3
            axes.plot(measured, place, "D", color=style.INK, markersize=5.5, zorder=5,
                      markeredgecolor="white", markeredgewidth=0.7)  # fmt: skip
            outer = max(outer, measured)
        axes.annotate(_text(row), (outer, place), xytext=(6, 0), textcoords="offset points",
                      va="center", fontsize=8, zorder=5)  # fmt: skip

    def _name(
        self, axes: Axes, x: float, y: int, layer: dict[Any, Any], room: float, colour: Any
    ) -> None:
        """A layer's name where it fits in `room` inches, else its number, else nothing."""
        for text, size in ((str(layer["layer"]), 7.5), (str(layer["position"]), 7.5)):
            if len(text) * size / 72 * 0.62 + 0.06 <= room:
                bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
                axes.text(x, y, text, ha="center", va="center", fontsize=size, zorder=3,
                          color="black" if bright > 0.5 else "white", clip_on=True)  # fmt: skip
                return


def _wide_enough(layers: Iterable[dict[Any, Any]], least: float) -> Iterator[list[dict[Any, Any]]]:
    """Layers in their order, neighbours together until they take `least` µs."""
    together: list[dict[Any, Any]] = []
    for layer in layers:
        if together and layer["time_us"] >= least:
            yield together
            together = []
        together.append(layer)
        if sum(one["time_us"] for one in together) >= least:
            yield together
            together = []
    if together:
        yield together


def _text(row: dict[Any, Any]) -> str:
    """What stands behind a bar."""
    text = f"{_ms(row['total_us'])} ms"
    if not pd.isna(row["measured_us"]):
        text += f", measured {_ms(row['measured_us'])}"
    if not row["complete"]:
        lacking = len(str(row["missing_layers"]).split(", "))
        text += f", lacks {lacking} layer{'s' if lacking > 1 else ''}"
    return text


def _ms(microseconds: float) -> str:
    return style.number(float(f"{microseconds / 1e3:.4g}"))
