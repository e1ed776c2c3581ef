"""Heat map of predicted frames a second: platforms and data types by networks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from nntest.config.plot_options import PlotOptions
from nntest.domain.data_types import order_of
from nntest.pictures import style

_ROW, _COLUMN, _HEAD = 0.5, 1.0, 0.85


def prediction_heat_map(
    prediction: pd.DataFrame,
    traffic_model: str,
    options: PlotOptions,
    svg: Path,
    png: Path,
    measured: pd.DataFrame | None = None,
) -> None:
    """Draw `roofline.tables.prediction` for one traffic model, at its smallest batch size.

    A row for each platform, data type and ceiling, the platform with the fastest prediction first;
    a column for each network, families together and the most operations first.  A cell has the
    frames a second, what bounds them, and, where `measured` has columns `network`, `platform_file`,
    `data_type`, `ceiling` and `measured_over_predicted`, the measured share of the prediction.
    """
    rows = prediction[prediction["traffic_model"] == traffic_model]
    if len(rows):
        rows = rows[rows["batch_size"] == rows["batch_size"].min()]
    batch = f", batch {rows['batch_size'].iloc[0]}" if len(rows) else ""
    head = style.Heading(
        "Predicted frames a second",
        f"roofline model, traffic model {traffic_model}{batch}; not measured",
        "",
    )
    with style.styled():
        if rows.empty:
            reason = "the config lists no platform whose frames a second could be predicted"
            style.nothing_measured(head, reason, options, svg, png)
            return
        _draw(rows, _ratios(measured), head, options).save(svg, png, options)


def _ratios(measured: pd.DataFrame | None) -> dict[tuple[Any, ...], float]:
    names = ["network", "platform_file", "data_type", "ceiling"]
    if measured is None or measured.empty:
        return {}
    return {
        tuple(row[name] for name in names): float(row["measured_over_predicted"])
        for row in measured.to_dict("records")
    }


def network_order(rows: pd.DataFrame) -> list[str]:
    """Networks by family in the order of the table, the one with the most operations first."""
    families: dict[str, list[tuple[int, str]]] = {}
    for network, operations in rows[["network", "operations"]].drop_duplicates().to_numpy():
        family = re.split(r"[-\s\d]", network)[0]
        families.setdefault(family, []).append((-int(operations), network))
    return [name for members in families.values() for _, name in sorted(members)]


def row_order(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """(platform, file, data type, ceiling) of the rows, the fastest platform first."""
    fastest = rows.groupby("platform_file")["frames_per_s"].max()
    keys = rows[["platform", "platform_file", "data_type", "ceiling", "rank"]].drop_duplicates()
    found = sorted(
        keys.itertuples(index=False),
        key=lambda key: (-fastest[key[1]], key[1], order_of(key[2]), key[4]),
    )
    return [tuple(key)[:4] for key in found]


def _draw(
    rows: pd.DataFrame,
    ratios: dict[tuple[Any, ...], float],
    head: style.Heading,
    options: PlotOptions,
) -> style.Sheet:
    networks, keys = network_order(rows), row_order(rows)
    several = rows.groupby(["platform_file", "data_type"])["ceiling"].nunique() > 1
    labels = [
        f"{title} · {data_type}" + (f" ({ceiling})" if several[file, data_type] else "")
        for title, file, data_type, ceiling in keys
    ]
    names = [name.replace(" ", "\n", 1) for name in networks]
    margin = 0.2 + 0.078 * max(len(label) for label in labels)
    high = _ROW + (0.15 if ratios else 0)
    size = (margin + _COLUMN * len(networks), _HEAD + high * len(keys))
    sheet = style.Sheet(head, options, size)
    margin = sheet.text_width(labels, 9) + 0.15
    wide = min(1.7, (sheet.width - margin) / len(networks))
    tall = (sheet.height - _HEAD) / len(keys)
    axes = sheet.axes(margin, _HEAD, wide * len(networks), tall * len(keys))
    axes.set_xlim(0, len(networks))
    axes.set_ylim(len(keys), 0)
    cells = {
        (row["platform"], row["platform_file"], row["data_type"], row["ceiling"], row["network"]): (
            row
        )
        for row in rows.to_dict("records")
    }
    values = rows["frames_per_s"].to_numpy(float)
    norm = LogNorm(values.min(), max(values.max(), values.min() * 1.01))
    colours = colormaps["cividis"]
    for y, key in enumerate(keys):
        for x, network in enumerate(networks):
            cell = cells.get((*key, network))
            if cell is None:
                continue
            colour = colours(0.12 + 0.88 * float(norm(cell["frames_per_s"])))
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white"))
            ink = "white" if np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5 else style.INK
            ratio = ratios.get((network, *key[1:]))
            middle = 0.36 if ratio is None else 0.25
            axes.text(x + 0.5, y + middle, frames(cell["frames_per_s"]), ha="center", va="center",
                      fontsize=9.5, fontweight="bold", color=ink)  # fmt: skip
            axes.text(x + 0.5, y + (0.74 if ratio is None else 0.55), cell["bound"], ha="center",
                      va="center", fontsize=7.5, color=ink)  # fmt: skip
            if ratio is not None:
                axes.text(x + 0.5, y + 0.81, f"measured {share(ratio)}", ha="center", va="center",
                          fontsize=7.5, color=ink)  # fmt: skip
    axes.set_xticks(np.arange(len(networks)) + 0.5, names, fontsize=8.5)
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(keys)) + 0.5, labels, fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if max(len(name) for name in names) * 0.075 > wide:
        axes.tick_params(axis="x", labelrotation=20)
    for y in range(1, len(keys)):
        if keys[y][1] != keys[y - 1][1]:
            axes.axhline(y, color=style.INK, linewidth=0.9)
    return sheet


def frames(value: float) -> str:
    """Frames a second with three digits, e.g. '12.5 k'."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9995:
            return f"{_three(value / limit)} {unit}"
    return _three(value)


def share(ratio: float) -> str:
    """Measured over predicted: '79 %' below 1, '2.1×' above."""
    return f"{100 * ratio:.2g} %" if ratio < 0.995 else f"{ratio:.2g}×"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"
