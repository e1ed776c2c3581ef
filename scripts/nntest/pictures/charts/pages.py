"""Which pages a study has, and which figures are on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from nntest.analysis.points import named_by_threads
from nntest.analysis.trade_offs import Limits, has
from nntest.config.plot_options import PlotOptions
from nntest.pictures.charts.boxes import QUANTITIES, box_plot, boxed
from nntest.pictures.charts.fronts import COSTS, pareto
from nntest.pictures.charts.layer_order import MARKS, layer_order, parts, timed_networks
from nntest.pictures.charts.names import PAGES
from nntest.pictures.charts.page import Figure, Page
from nntest.pictures.charts.predicted_frames import predicted_frames
from nntest.pictures.charts.roofline import ceilings, longest_tensors, roofline, with_a_place
from nntest.pictures.charts.scatter import latency_throughput
from nntest.pictures.charts.theme import Look, specification
from nntest.pictures.plots.paging import page_of

_MOST_CHARTS, _MOST_PLATFORMS, _MOST_TENSORS = 24, 24, 400
"""Of layers and of rooflines on a page, and tensors in a roofline."""
_LISTS = "The lists below the chart pick what is shown."
_CLICKS = "Click on an entry of a legend to grey the others; with shift it adds one."


def links_from(page: str) -> list[tuple[str, str]]:
    """(label, relative address) of the report and of the other pages."""
    sisters = [(title, f"{stem}.html") for stem, title in PAGES.items() if stem != page]
    return [("Report", "../report.html"), *sisters]


def layers(rows: pd.DataFrame, study: str, made_at: str, options: PlotOptions) -> Page:
    """Every layer in network order, a figure for each network and platform.

    `rows`: `analysis.layer_order.layers_in_order`.
    """
    look = Look(options)
    charts = parts(named_by_threads(timed_networks(rows)))
    (part,), said = page_of(options.page, [("charts", charts, _MOST_CHARTS)], "plots.layers.page")
    figures = [
        Figure(
            f"layers-{number}",
            one.title,
            f"Each layer at the best schedule, in the order in which the network runs. {MARKS} "
            f"{_CLICKS}",
            "Tables layer_times, network_layers, roofline and summary.",
            one.rows,
            specification(layer_order(one, look)),
            table="layer_times",
        )
        for number, one in enumerate(part.shown, start=1)
    ]
    if not figures:
        nothing = "No layer of the study's networks was measured."
        figures.append(Figure("layers", PAGES["layers"], nothing, "table layer_times", rows))
    return Page(PAGES["layers"], _intro(study, said), figures, links_from("layers"), made_at)


def _intro(study: str, said: str) -> str:
    """What stands above the figures: the study, and which page of them it is."""
    return f"Study {study}." + (f" {said[0].upper()}{said[1:]}." if said else "")


def rooflines(
    points: pd.DataFrame,
    roofs: pd.DataFrame,
    predictions: pd.DataFrame,
    measured: pd.DataFrame,
    study: str,
    made_at: str,
    options: PlotOptions,
) -> Page:
    """A roofline for each platform that was measured, and what each platform allows each network.

    `points`: `roofline.measured.roofline_points`; `roofs`: `roofline.tables.roof_table`;
    `predictions`: `predicted_frames.shown_predictions`; `measured`: `study_tables.best_shares`.
    """
    look = Look(options)
    figures: list[Figure] = []
    kinds = [
        ("platforms", sorted(points["platform"].unique()), _MOST_PLATFORMS),
        ("tensors, the longest first", longest_tensors(points), _MOST_TENSORS),
    ]
    (platforms, tensors), said = page_of(options.page, kinds, "plots.roofline.page")
    shown = points[points["tensor"].isin(tensors.shown)]
    for platform, rows in named_by_threads(shown).groupby("platform"):
        if platform not in platforms.shown:
            continue
        sources = roofs[roofs["platform_file"].isin(rows["board"].unique())]
        figures.append(_roofline_figure(str(platform), rows, sources, len(figures) + 1, look))
    if points.empty:
        figures.append(
            Figure("roofline", "Roofline", "No operator was measured.", "", points.head(0))
        )
    figures.append(
        Figure(
            "prediction",
            "What the roofline allows",
            "Frames a second that each platform allows each network: its attainable operations "
            "a second over the network's operations; what bounds them; and what share of them the "
            "best measurement reaches, if there is one."
            if len(predictions) else
            "No platform of the study has ceilings: name some under `platforms`.",
            _traffic(predictions) if len(predictions) else "",
            predictions,
            specification(predicted_frames(predictions, measured, look))
            if len(predictions) else None,
        )
    )  # fmt: skip
    return Page(PAGES["rooflines"], _intro(study, said), figures, links_from("rooflines"), made_at)


def _roofline_figure(
    platform: str, rows: pd.DataFrame, roofs: pd.DataFrame, index: int, look: Look
) -> Figure:
    identity, title = f"roofline-{index}", f"Roofline of {platform}"
    if with_a_place(rows).empty:
        why = "The traffic model has no memory traffic, so no point has an intensity."
        return Figure(identity, title, why, "table roofline", rows)
    caption = f"Every measured point at its median, under the ceilings of the machine. {_CLICKS}"
    if ceilings(rows).empty:
        caption = (
            "Every measured point at its median. There is no ceiling for it: give its peaks and "
            "bandwidth in the board's file, or measure them (operators bandwidth and peak). "
            f"{_CLICKS}"
        )
    roofs = roofs[roofs["data_type"].isin(rows["data_type"].unique())]
    sources = "; ".join(sorted({*roofs["peak_source"], *roofs["bandwidth_source"]}))
    return Figure(
        identity,
        title,
        caption,
        f"Measured by this study. {_traffic(rows)}" + (f" Ceilings: {sources}." if sources else ""),
        rows,
        specification(roofline(rows, look)),
        table="roofline",
    )


def _traffic(frame: pd.DataFrame) -> str:
    models = ", ".join(sorted(frame["traffic_model"].dropna().unique()))
    return f"Traffic model: {models}."


def _origin(configurations: pd.DataFrame) -> str:
    """How many configurations are from where."""
    files = configurations["source"].str.replace(r":\d+$", "", regex=True)
    counts = (configurations["kind"] + ", " + files).value_counts().sort_index()
    counted = "; ".join(f"{count} {origin}" for origin, count in counts.items())
    return f"{counted}." if counted else ""


def trade_offs(
    configurations: pd.DataFrame,
    study: str,
    made_at: str,
    limits: Limits,
    options: PlotOptions,
) -> Page:
    """Latency against throughput, boxes of batches, Pareto fronts: `analysis.trade_offs`."""
    provenance = _origin(configurations)
    look = Look(options)
    figures: list[Figure] = []

    def add(
        identity: str,
        title: str,
        caption: str,
        rows: pd.DataFrame,
        draw: Callable[..., Any],
        *arguments: Any,
    ) -> None:
        """The figure that `draw` makes of rows; a single row is a sentence."""
        if len(rows) == 1:
            caption = f"There is one configuration alone: {_sentence(rows.iloc[0])}."
        if len(rows) and len(configurations) > 1:
            drawn = specification(draw(rows, *arguments, look)) if len(rows) > 1 else None
            figures.append(Figure(identity, title, caption, provenance, rows, drawn))

    for network, own in configurations.groupby("network"):
        timed = has(own, "latency_ms", "frames_per_s")
        add(
            f"latency-throughput-{network}",
            f"{network}: latency against throughput",
            f"Batches of one hardware, data type and variant hang together. {_CLICKS} {_LISTS}",
            timed,
            latency_throughput,
            limits,
        )
        for name, cost in COSTS.items():
            rows = has(own, cost.column, "top1_percent", "latency_ms")
            add(
                f"pareto-{network}-{name.replace('_', '-')}",
                f"{network}: accuracy against {cost.title}",
                f"Steps join what nothing beats on both axes; what is beaten, or beyond a limit, "
                f"is grey. {_accuracies(rows)} {_LISTS} What is not known to keep a limit does "
                "not count.",
                rows,
                pareto,
                name,
                limits,
            )
    for quantity, label in QUANTITIES.items():
        add(
            f"box-{quantity.replace('_', '-')}",
            f"By variant: {label}",
            "A box spans the quartiles over variants, batches and threads, whose points stand in "
            f"it; what has a single configuration has no box. {_LISTS}",
            boxed(configurations, quantity),
            box_plot,
            quantity,
            limits,
        )
    if not figures:
        nothing = "No network has a time: none was measured in all its layers, or as a whole."
        if len(configurations) == 1:
            nothing = f"There is one configuration alone: {_sentence(configurations.iloc[0])}."
        figures.append(Figure("nothing", "Trade-offs", nothing, provenance, configurations))
    return Page(PAGES["trade-offs"], f"Study {study}.", figures, links_from("trade-offs"), made_at)


def _accuracies(rows: pd.DataFrame) -> str:
    """Where the accuracies of a chart are from."""
    measured = int(rows["top1_low_percent"].notna().sum())
    if not measured:
        return "Accuracies are published ones."
    others = len(rows) - measured
    return f"{measured} accuracies were measured here, with their intervals" + (
        f"; {others} are published ones." if others else "."
    )


def _sentence(row: pd.Series) -> str:
    """What a configuration is and has, in words."""
    names = [row["network"], row["variant"], row["hardware"], row["data_type"]]
    found = " · ".join(str(name) for name in names if name)
    for column, text in (
        ("latency_ms", "{:,.4g} ms a batch"), ("frames_per_s", "{:,.4g} frames a second"),
        ("top1_percent", "top-1 accuracy {:.2f} %"), ("power_w", "{:.3g} W"),
    ):  # fmt: skip
        if not pd.isna(row[column]):
            found += ", " + text.format(row[column])
    return f"{found} ({row['kind']})"
