"""Rule plot_prediction: frames a second that the roofs allow, and what was measured of them."""

from pathlib import Path

import pandas as pd
from nntest.analysis.study_tables import best_shares
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts.stills import predicted_frames_still

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    ratios = [pd.read_parquet(path) for path in snakemake.input.ratios]
    points = pd.read_parquet(snakemake.input.points)
    predicted_frames_still(
        pd.read_parquet(snakemake.input.prediction),
        best_shares(points, ratios[0] if ratios else None, config.traffic_model),
        config.traffic_model,
        config.plots.prediction,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
    )
