"""Rule plot_roofline: what each layer reached, under the roofs of its board."""

from pathlib import Path

import pandas as pd
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts.stills import roofline_still

with user_errors_end_the_process(), job_log(snakemake):
    roofline_still(
        pd.read_parquet(snakemake.input.points),
        load(Path(snakemake.input.measurements)),
        study_of(snakemake).config.plots.roofline,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
    )
