"""Rule plot_trade_off: a picture of configurations."""

from pathlib import Path

import pandas as pd
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts.stills import trade_off_still

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    trade_off_still(
        snakemake.wildcards.plot,
        pd.read_parquet(snakemake.input.configurations),
        config.latency_limit_ms,
        config.plots.trade_offs,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
    )
