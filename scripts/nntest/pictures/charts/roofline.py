"""The roofline of a board, with every measured layer under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.points import tensor_order
from nntest.pictures.charts.theme import Look, faded, key, log_axis
from nntest.pictures.style import INK

_TOOLTIP = [
    alt.Tooltip("layers:N"),
    alt.Tooltip("operator:N"),
    alt.Tooltip("tuner:N"),
    alt.Tooltip("tensor:N"),
    alt.Tooltip("batch_size:Q", title="batch"),
    alt.Tooltip("library:N"),
    alt.Tooltip("median_us:Q", title="median, µs", format=",.4~g"),
    alt.Tooltip("achieved_gops:Q", title="GFLOP/s at the median", format=",.3~g"),
    alt.Tooltip("intensity_ops_per_byte:Q", title="operations a byte", format=",.3~g"),
    alt.Tooltip("bound:N", title="bound by"),
    alt.Tooltip("share_of_roof:Q", title="share of the roof", format=".1%"),
    alt.Tooltip("ceiling:N", title="of the ceiling"),
]

_SHOWN = [str(tooltip.shorthand).partition(":")[0] for tooltip in _TOOLTIP]
"""Columns of the points that a chart holds."""

_STILL = (520, 400)
"""Width and height of a panel beside its key, in pixels."""


def with_a_place(points: pd.DataFrame) -> pd.DataFrame:
    """The points of `roofline.measured.roofline_points` that have a place on log axes."""
    finite = points["intensity_ops_per_byte"].map(math.isfinite)
    return points[finite & (points["achieved_gops"] > 0)]


def longest_tensors(points: pd.DataFrame) -> list[str]:
    """The tensors of points, those that take longest first."""
    longest = points.groupby("tensor")["median_us"].max()
    return list(longest.sort_values(ascending=False, kind="stable").index)


def ceilings(points: pd.DataFrame) -> pd.DataFrame:
    """The ceilings that points are held against, with `ridge_ops_per_byte`; first by rank."""
    names = ["data_type", "ceiling", "rank", "peak_gops", "bandwidth_gb_s"]
    found = points.loc[points["ceiling"] != "", names].drop_duplicates()
    ridge = found["peak_gops"] / found["bandwidth_gb_s"]
    return found.assign(ridge_ops_per_byte=ridge).sort_values(["data_type", "rank"])


def roof_lines(roofs: pd.DataFrame, lowest: float, highest: float) -> pd.DataFrame:
    """Corners of each of `ceilings` between two intensities.

    Columns: roof (data type, kind of ceiling and its figures), intensity_ops_per_byte, gops,
    corner (true at the ridge).  A ridge outside the range is no corner of the line.
    """
    rows: list[dict[str, Any]] = []
    for roof in roofs.to_dict("records"):
        ridge, peak, memory = (
            roof[name] for name in ("ridge_ops_per_byte", "peak_gops", "bandwidth_gb_s")
        )
        name = (
            f"{roof['data_type']}, {roof['ceiling']}: {peak:.4g} GFLOP/s, {memory:.4g} GB/s, "
            f"ridge {ridge:.3g} operations/byte"
        )
        inside = [ridge] if lowest < ridge < highest else []
        for place in (lowest, *inside, highest):
            gops = min(peak, memory * place)
            rows.append(
                {"roof": name, "intensity_ops_per_byte": place, "gops": gops,
                 "corner": place == ridge}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["roof", "intensity_ops_per_byte", "gops", "corner"])


def roofline(
    points: pd.DataFrame,
    look: Look,
    operators: Sequence[str] = (),
    tuners: Sequence[str] = (),
) -> Any:
    """Measured points of one platform under the ceilings that they are held against, log-log.

    `points` is `roofline.measured.roofline_points` of the platform, at least one of them with a
    place.  `operators` and `tuners` are those that the legends list, if more than the points
    have.  In a still, numbers stand at the fastest choice of each tensor, and a key says what
    they are.
    """
    roofs = ceilings(points)
    # One point against several ceilings is one mark: its share is of the first.
    marks = with_a_place(points).sort_values("rank").drop_duplicates(
        ["library", "species", "operator", "tensor", "batch_size", "tuner"]
    )  # fmt: skip
    places = [*marks["intensity_ops_per_byte"], *roofs["ridge_ops_per_byte"]]
    speeds = [*marks["achieved_gops"], *roofs["peak_gops"]]
    x = log_axis(alt.X("intensity_ops_per_byte:Q", title="intensity, operations a byte"), places)
    lowest, highest = x.to_dict()["scale"]["domain"]

    def y(name: str) -> Any:
        return log_axis(alt.Y(f"{name}:Q", title="GFLOP/s"), speeds, look.options.axis_of("GFLOPS"))

    params, kept = look.picks("operator", "tuner")
    lines = roof_lines(roofs, lowest, highest)
    roof = alt.Chart(lines).encode(x=x, y=y("gops"))
    dots = (
        alt.Chart(marks[_SHOWN])
        .mark_point(filled=True, size=75, clip=True)
        .encode(
            x=x,
            y=y("achieved_gops"),
            color=look.colour(
                "operator", operators or sorted(marks["operator"].unique()), "operator",
                "operator", kept,
            ),
            shape=look.shape("tuner", tuners or sorted(marks["tuner"].unique()), "tuner"),
            opacity=faded(kept, 0.9, 0.25),
            tooltip=_TOOLTIP,
        )
        .add_params(*params)
    )  # fmt: skip
    layers = [dots]
    if len(lines):
        names = list(dict.fromkeys(lines["roof"]))
        layers = [
            roof.mark_line(color=INK, strokeWidth=1.4, clip=True).encode(
                strokeDash=look.dash("roof", names, "ceiling"), tooltip="roof:N"
            ),
            roof.transform_filter("datum.corner").mark_point(
                color=INK, size=90, opacity=1, filled=True, shape="diamond", clip=True
            ),
            dots,
        ]
    if not look.still:
        return alt.layer(*layers).properties(**look.size())
    best = _fastest(marks, speeds, places)
    numbers = alt.Chart(best).encode(x=x, y=y("achieved_gops"), text="label:N")
    layers += [
        numbers.mark_text(dy=-12, fontSize=11, fontWeight="bold", **halo)
        for halo in ({"stroke": "white", "strokeWidth": 3}, {"color": INK})
    ]
    panel = alt.layer(*layers).properties(**look.size(*_STILL))
    return alt.hconcat(panel, key(_key(best, roofs)), spacing=24)


def _fastest(marks: pd.DataFrame, speeds: Sequence[float], places: Sequence[float]) -> pd.DataFrame:
    """The fastest choice of each tensor, with its `number` and the `label` that stands at it.

    Numbers go from left to right; points that stand close share the label of the first of them.
    """
    best = marks.sort_values("achieved_gops").drop_duplicates(["species", "tensor"], keep="last")
    order = sorted(
        best.to_dict("records"),
        key=lambda row: (row["intensity_ops_per_byte"], tensor_order(str(row["tensor"]))),
    )
    across = _STILL[0] / math.log(max(places) / min(places) + 1)
    along = _STILL[1] / math.log(max(speeds) / min(speeds) + 1)
    labels: list[tuple[float, float, list[int]]] = []
    for number, row in enumerate(order, start=1):
        x = math.log(row["intensity_ops_per_byte"]) * across
        y = math.log(row["achieved_gops"]) * along
        for left, height, numbers in labels:
            room = (len(_runs(numbers)) + 5) * 4 + 2  # the new label may grow to '19–21'
            if abs(x - left) < room and abs(y - height) < 15:
                numbers.append(number)
                break
        else:
            labels.append((x, y, [number]))
    texts = {numbers[0]: _runs(numbers) for _, _, numbers in labels}
    count = range(1, len(order) + 1)
    return pd.DataFrame(order).assign(
        number=[str(number) for number in count],
        label=[texts.get(number, "") for number in count],
    )


def _runs(numbers: Sequence[int]) -> str:
    """Rising numbers as text: '16–19', or '3, 5'."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


def _key(best: pd.DataFrame, roofs: pd.DataFrame) -> list[tuple[str, bool]]:
    """What the numbers of a still stand for."""
    ceilings = list(dict.fromkeys(best["ceiling"][best["ceiling"] != ""]))
    heading = "fastest choice" + (f", share of the roof “{ceilings[0]}”" if ceilings else "")
    lines = [(heading, True)]
    if roofs.empty:
        lines.insert(0, ("no ceiling is known: see docs/rooflines.md", False))
    for row in best.to_dict("records"):
        speed = f"{row['achieved_gops']:.3g} GFLOP/s"
        if not pd.isna(row["share_of_roof"]):
            speed += f", {100 * row['share_of_roof']:.0f} %"
        lines.append(
            (f"{row['number']}: {_layers(row['layers']) or row['tensor']}, {speed}", False)
        )
    return lines


def _layers(names: str) -> str:
    """Names of the layers of a tensor, shortened where there are many."""
    listed = [name for name in names.split(", ") if name]
    if len(listed) > 2:
        return f"{listed[0]} and {len(listed) - 1} more"
    return ", ".join(listed)
