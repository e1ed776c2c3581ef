"""Which pages a study has, and which figures are on them."""

from __future__ import annotations

import math

import pandas as pd

from nntest.analysis.trade_offs import has
from nntest.pictures.charts.boxes import QUANTITIES, box_plot
from nntest.pictures.charts.fronts import COSTS, pareto
from nntest.pictures.charts.names import PAGES
from nntest.pictures.charts.page import Figure, Page
from nntest.pictures.charts.roofline import prediction_map, roofline
from nntest.pictures.charts.scatter import latency_throughput
from nntest.pictures.charts.style import specification

_CLICKS = "Click on an entry of a legend to grey the others; with shift it adds one."


def links_from(page: str) -> list[tuple[str, str]]:
    """(label, relative address) of the report and of the other pages."""
    sisters = [(title, f"{stem}.html") for stem, title in PAGES.items() if stem != page]
    return [("Report", "../report.html"), *sisters]


def rooflines(
    points: pd.DataFrame,
    roofs: pd.DataFrame,
    predictions: pd.DataFrame,
    study: str,
    made_at: str,
) -> Page:
    """A roofline for each platform that was measured, and what each platform allows each network.

    `points`: `roofline.measured.roofline_points`; `roofs`: `roofline.tables.roof_table`;
    `predictions`: `roofline.tables.prediction` for one traffic model.
    """
    figures: list[Figure] = []
    for platform, rows in points.groupby("platform"):
        under = roofs[roofs["platform_file"].isin(rows["board"].unique())]
        # Only ceilings of what was computed in belong into the picture.
        under = under[under["data_type"].isin(rows["data_type"].unique())]
        figures.append(_roofline_figure(str(platform), rows, under, len(figures) + 1))
    if points.empty:
        figures.append(
            Figure("roofline", "Roofline", "No operator was measured.", "", points.head(0))
        )
    figures.append(
        Figure(
            "prediction",
            "What the roofline allows",
            "Frames a second that each platform allows each network: its attainable operations "
            "a second over the network's operations; c: bound by computing, m: by memory. No "
            "measurement is in it." if len(predictions) else
            "No platform of the study has ceilings: name some under `platforms`.",
            _traffic(predictions) if len(predictions) else "",
            predictions,
            specification(prediction_map(predictions)) if len(predictions) else None,
        )
    )  # fmt: skip
    return Page(PAGES["rooflines"], f"Study {study}.", figures, links_from("rooflines"), made_at)


def _roofline_figure(platform: str, rows: pd.DataFrame, under: pd.DataFrame, index: int) -> Figure:
    identity, title = f"roofline-{index}", f"Roofline of {platform}"
    finite = rows["intensity_ops_per_byte"].map(math.isfinite).any()
    if under.empty or not finite:
        why = (
            "There is no ceiling for it: give its peaks and bandwidth in the board's file, or "
            "measure them (operators bandwidth and peak)."
            if under.empty
            else "The traffic model has no memory traffic, so no point has an intensity."
        )
        return Figure(identity, title, why, "table roofline", rows)
    sources = sorted({*under["peak_source"], *under["bandwidth_source"]})
    return Figure(
        identity,
        title,
        "Every measured point at its median, under the ceilings of the machine; dots on the "
        f"ceilings are their ridges. {_CLICKS}",
        f"Measured by this study. {_traffic(rows)} Ceilings: {'; '.join(sources)}.",
        rows,
        specification(roofline(rows, under)),
    )


def _traffic(frame: pd.DataFrame) -> str:
    models = ", ".join(sorted(frame["traffic_model"].dropna().unique()))
    return f"Traffic model: {models}."


def _origin(configurations: pd.DataFrame) -> str:
    """How many configurations are from where."""
    files = configurations["source"].str.replace(r":\d+$", "", regex=True)
    counts = (configurations["kind"] + ", " + files).value_counts().sort_index()
    told = "; ".join(f"{count} {origin}" for origin, count in counts.items())
    return f"{told}." if told else ""


def trade_offs(
    configurations: pd.DataFrame,
    study: str,
    made_at: str,
    limit_ms: float | None = None,
) -> Page:
    """Latency against throughput, boxes of batches, Pareto fronts: `analysis.trade_offs`."""
    provenance = _origin(configurations)
    figures: list[Figure] = []
    for network, own in configurations.groupby("network"):
        timed = has(own, "latency_ms", "frames_per_s")
        if len(timed):
            figures.append(
                Figure(
                    f"latency-throughput-{network}",
                    f"{network}: latency against throughput",
                    f"Batches of one hardware, data type and variant hang together. {_CLICKS}",
                    provenance,
                    timed,
                    specification(latency_throughput(timed)),
                )
            )
        for name, cost in COSTS.items():
            rows = has(own, cost.column, "top1_percent", "latency_ms")
            if rows.empty:
                continue
            figures.append(
                Figure(
                    f"pareto-{network}-{name.replace('_', '-')}",
                    f"{network}: accuracy against {cost.title}",
                    "Steps join what nothing beats on both axes; what is beaten is grey. "
                    "Accuracies are published ones. The list below the chart limits the latency "
                    "that counts.",
                    provenance,
                    rows,
                    specification(pareto(rows, name, limit_ms)),
                )
            )
    for quantity, label in QUANTITIES.items():
        rows = has(configurations, quantity)
        if len(rows):
            figures.append(
                Figure(
                    f"box-{quantity.replace('_', '-')}",
                    f"By variant: {label}",
                    "A box spans the quartiles of a batch sweep, whose points stand in it.",
                    provenance,
                    rows,
                    specification(box_plot(rows, quantity)),
                )
            )
    if not figures:
        nothing = "No network has a time: none was measured in all its layers, or as a whole."
        figures.append(Figure("nothing", "Trade-offs", nothing, provenance, configurations))
    return Page(PAGES["trade-offs"], f"Study {study}.", figures, links_from("trade-offs"), made_at)
