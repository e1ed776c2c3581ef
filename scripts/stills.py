"""Rule stills: the charts of the interactive pages, as pictures."""

from pathlib import Path

import pandas as pd
from nntest.analysis.layer_order import layers_in_order
from nntest.analysis.study_tables import best_shares
from nntest.analysis.trade_offs import Limits
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts.stills import (
    layer_order_still,
    predicted_frames_still,
    roofline_still,
    trade_off_still,
)
from nntest.pictures.style import HEADED

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    options = config.plots
    measurements = load(Path(snakemake.input.measurements), HEADED)
    paths = [*snakemake.input.tables, *snakemake.input.ratios]
    tables = {Path(path).stem: pd.read_parquet(path) for path in paths}
    for svg, png in zip(
        map(Path, snakemake.output.svg), map(Path, snakemake.output.png), strict=True
    ):
        if svg.stem == "roofline.layers":
            roofline_still(tables["roofline"], measurements, options.roofline, svg, png)
        elif svg.stem == "layer_order":
            in_order = layers_in_order(
                *(tables[n] for n in ("layer_times", "summary", "roofline", "network_layers"))
            )
            layer_order_still(in_order, measurements, options.layers, svg, png)
        elif svg.stem == "prediction.frames":
            shares = best_shares(
                tables["roofline"], tables.get("measured_over_predicted"), config.traffic_model
            )
            predicted_frames_still(
                tables["prediction"], shares, config.traffic_model, options.prediction, svg, png
            )
        else:
            trade_off_still(
                svg.stem,
                tables["configurations"],
                Limits(**config.limits),
                options.trade_offs,
                svg,
                png,
            )
