"""Rule plot_roofline: what each layer reached, under the roofs of its board."""

from pathlib import Path

import pandas as pd
from nntest.analysis.roofline.boards import board_roofs
from nntest.analysis.roofline.ceilings import with_measured
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.roofline import roofline

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
