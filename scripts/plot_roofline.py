"""Rule plot_roofline: what each layer reached, under the roofs of its board."""

from pathlib import Path

import pandas as pd
from nntest.errors import user_errors_end_the_process
from nntest.job import job_log, study_of
from nntest.measurements import load
from nntest.plots.roofline import roofline
from nntest.roofline.boards import board_roofs
from nntest.roofline.ceilings import with_measured

with user_errors_end_the_process(), job_log(snakemake):
    study = study_of(snakemake)
    measurements = load(Path(snakemake.input.measurements))
    roofline(
        pd.read_parquet(snakemake.input.points),
        with_measured(board_roofs(study), measurements),
        measurements,
        study.config.plots.roofline,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
    )
