"""Rule pages: the interactive pages beside the report."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from nntest.analysis.layer_order import layers_in_order
from nntest.analysis.study_tables import best_shares
from nntest.analysis.trade_offs import Limits
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts import pages
from nntest.pictures.charts.page import write_page
from nntest.pictures.charts.predicted_frames import shown_predictions

with user_errors_end_the_process(), job_log(snakemake):
    study = study_of(snakemake)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    frames = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input}
    plots, traffic_model = study.config.plots, study.config.traffic_model
    in_order = layers_in_order(
        *(frames[name] for name in ("layer_times", "summary", "roofline", "network_layers"))
    )
    made = {
        "layers": pages.layers(in_order, study.name, made_at, plots.layers),
        "rooflines": pages.rooflines(
            frames["roofline"],
            frames["roofs"],
            shown_predictions(frames["prediction"], traffic_model),
            best_shares(frames["roofline"], frames.get("measured_over_predicted"), traffic_model),
            study.name,
            made_at,
            plots.roofline,
        ),
        "trade-offs": pages.trade_offs(
            frames["configurations"],
            study.name,
            made_at,
            Limits(**study.config.limits),
            plots.trade_offs,
        ),
    }
    for path in map(Path, snakemake.output):
        write_page(path, made[path.stem])
