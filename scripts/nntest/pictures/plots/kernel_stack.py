"""What an operator's time goes to: its kernels stacked to the wall time, by what they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from nntest.analysis.kernels import STAGES, timed_kernels
from nntest.analysis.points import named_by_threads
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.bars_on_page import BAR_KEY, bars_on_page
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, nothing_measured, styled

BETWEEN = "between kernels"
"""What no kernel ran in: launching, waiting, the host."""
_WHAT = "What an operator's time goes to"
_BAR, _GAP = 0.24, 0.12
_HATCHES = ("", "///", "...", "xxx")


def kernel_stack(
    share: pd.DataFrame, kernels: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Draw a panel for each platform and library, a bar for each tensor, operator and tuner.

    `share` is the table `kernel_share`, `kernels` the kernels' table.  A bar is the wall time of
    a profiled run, divided into the shares of it that kernels took, each the median over the
    profiled runs.  Beside it stand that wall time and, in brackets, the point's time without a
    profiler, both medians in µs.  What is more than a page holds is on further ones, the tensors
    that take longest on the first.
    """
    rows = timed_kernels(kernels)
    with styled():
        if rows.empty:
            reason = "no kernel was profiled"
            nothing_measured(style.heading(_WHAT, rows), reason, options, svg, png)
            return
        picture = _Picture(named_by_threads(share), named_by_threads(rows), options)
        head = style.heading(_WHAT, rows).beside(picture.page)
        if not picture.bars:
            nothing_measured(head, NOT_ON_THIS_PAGE, options, svg, png)
            return
        picture.draw(head).save(svg, png, options)


@dataclass
class _Bar:
    """One bar: shares of the wall time by stage, in the order of `STAGES`."""

    wall_us: float
    timed_us: float
    shares: dict[str, float]


@dataclass
class _Picture:
    share: pd.DataFrame
    rows: pd.DataFrame
    options: PlotOptions

    def __post_init__(self) -> None:
        bars = self._bars()
        longest: dict[tuple[Any, ...], float] = {}
        for key, bar in bars.items():
            longest[key[2:4]] = max(longest.get(key[2:4], 0.0), bar.wall_us)
        on_page = bars_on_page(bars, longest, self.options.page, "plots.violin.page")
        self.page, self.places = on_page.said, on_page.places
        self.bars = {key: bar for key, bar in bars.items() if key in on_page.keys}
        self.panels = sorted({key[:2] for key in self.bars})
        self.tensors = list(self.places)
        self.batches = len({batch for _, batch in self.tensors}) > 1
        seen = {stage for bar in self.bars.values() for stage in bar.shares}
        known = [stage for stage in STAGES if stage in seen]
        self.stages = [*known, *sorted(seen - set(known))]
        colours = style.colours(self.stages, self.options, "kernel")
        count = max(1, len({colour for colour, _ in colours.values()}))
        self.looks: dict[str, dict[str, Any]] = {
            # The colours repeat after so many; the hatching tells the rounds apart.
            stage: {"facecolor": colours[stage][0], "hatch": _HATCHES[index // count % 4]}
            for index, stage in enumerate(self.stages)
        }

    def _bars(self) -> dict[tuple[Any, ...], _Bar]:
        walls = self.share[self.share["status"] == "ok"].set_index(BAR_KEY)
        runs = self.rows.assign(share=self.rows["time_us"] / self.rows["wall_us"]).groupby(
            [*BAR_KEY, "archive", "entry", "point", "subpoint", "repetition_id", "stage"],
            dropna=False,
        )
        medians = runs["share"].sum().groupby([*BAR_KEY, "stage"], dropna=False).median()
        bars: dict[tuple[Any, ...], _Bar] = {}
        for where, share in medians.items():
            assert isinstance(where, tuple)
            *key, stage = where
            point = walls.loc[tuple(key)]
            if tuple(key) not in bars:
                walls_us = float(point["profiled_wall_us"]), float(point["wall_us"])
                bars[tuple(key)] = _Bar(*walls_us, {})
            bars[tuple(key)].shares[stage] = float(share)
        return bars

    def draw(self, head: style.Heading) -> Sheet:
        """The whole picture."""
        legend: list[tuple[Any, str]] = [
            (Patch(edgecolor="white", linewidth=0.5, **self.looks[stage]), stage)
            for stage in self.stages
        ]
        legend.append((Patch(facecolor=style.GRID), BETWEEN))
        labels = [style.row_label(tensor, batch if self.batches else None)
                  for tensor, batch in self.tensors]  # fmt: skip
        choices = sorted({f"{operator} {tuner}" for _, _, _, _, operator, tuner in self.bars})
        panels = Panels.of(
            [f"{platform}\n{library}" for platform, library in self.panels],
            [f"{label}  {choices[0]}" for label in labels],
            self.options,
        )
        heights = [len(self.places[pair]) * _BAR + _GAP for pair in self.tensors]
        foot = 0.5
        sheet = Sheet(
            head, self.options, (panels.wanted + 2.0, sum(heights) + panels.head + foot), legend
        )
        stretch = (sheet.height - panels.head - foot) / sum(heights)
        names = sheet.text_width(labels, 9) + 0.15
        margin = names + sheet.text_width(choices, 8) + 0.15
        width = (sheet.width - margin + PANEL_GAP) / len(self.panels)
        reach = max(1.0, *(sum(bar.shares.values()) for bar in self.bars.values()))
        for across, panel in enumerate(self.panels):
            x, y = margin + across * width, panels.head
            sheet.panel_title(x, width - PANEL_GAP, panels, across)
            for down, pair in enumerate(self.tensors):
                height = heights[down] * stretch
                axes = sheet.axes(x, y, width - PANEL_GAP, height)
                self._row(axes, panel, pair, reach, last=pair == self.tensors[-1])
                if across == 0:
                    sheet.text(names - 0.1, y + height / 2, labels[down], ha="right",
                               va="center", fontsize=9)  # fmt: skip
                    axes.set_yticks(range(len(self.places[pair])))
                    axes.set_yticklabels([" ".join(choice) for choice in self.places[pair]])
                    axes.tick_params(axis="y", labelsize=8, length=0)
                y += height
        said = "share of the profiled runs' wall time (%); beside it that time in µs"
        if any(not np.isnan(bar.timed_us) for bar in self.bars.values()):
            said += ", and in brackets without a profiler"
        sheet.text(margin + (sheet.width - margin) / 2, sheet.height - 0.10, said,
                   ha="center", va="center", fontsize=10)  # fmt: skip
        return sheet

    def _row(
        self, axes: Axes, panel: tuple[Any, ...], pair: tuple[Any, ...], reach: float, last: bool
    ) -> None:
        """One tensor and batch size in one panel."""
        places = self.places[pair]
        axes.set_xlim(0, 100 * reach * 1.3)  # room for the time beside the longest bar
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.set_yticks([])
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.tick_params(axis="x", labelsize=8, length=2, pad=2, labelbottom=last)
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_visible(last)
        for place, choice in enumerate(places):
            bar = self.bars.get((*panel, *pair, *choice))
            if bar is None:
                continue
            at = 0.0
            for stage in self.stages:
                if stage in bar.shares:
                    share = 100 * bar.shares[stage]
                    axes.barh(place, share, left=at, height=0.72, edgecolor="white",
                              linewidth=0.5, **self.looks[stage])  # fmt: skip
                    at += share
            if at < 100:
                axes.barh(place, 100 - at, left=at, height=0.72, color=style.GRID)
            times = style.number(_rounded(bar.wall_us))
            if not np.isnan(bar.timed_us):
                times += f" ({style.number(_rounded(bar.timed_us))})"
            axes.text(max(at, 100) + 1.5 * reach, place, times, va="center", fontsize=7.5)


def _rounded(value: float) -> float:
    """Three digits that count, or whole numbers above them."""
    return round(value, max(0, 2 - int(np.floor(np.log10(value)))))
