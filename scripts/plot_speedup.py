"""Rule speedup_bars: each choice over the baseline, tensor by tensor."""

from pathlib import Path

import pandas as pd
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.speedup_bars import speedup_bars

with user_errors_end_the_process(), job_log(snakemake):
    speedup_bars(
        pd.read_parquet(snakemake.input.speedup),
        load(Path(snakemake.input.measurements)),
        study_of(snakemake).config.plots.speedup,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        statistic=snakemake.wildcards.statistic,
    )
