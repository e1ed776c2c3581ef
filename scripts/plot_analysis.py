"""Rule analysis_plot: a picture of tables that follow from the measurements."""

from pathlib import Path

import pandas as pd
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.comparison import comparison_plot
from nntest.pictures.plots.end_to_end import end_to_end_plot
from nntest.pictures.plots.layer_bars import layer_bars

DRAWN_BY = {
    "layers": layer_bars,
    "end_to_end": end_to_end_plot,
    "comparison": comparison_plot,
}

with user_errors_end_the_process(), job_log(snakemake):
    plot = snakemake.wildcards.plot
    DRAWN_BY[plot](
        *(pd.read_parquet(path) for path in snakemake.input.tables),
        load(Path(snakemake.input.measurements)),
        getattr(study_of(snakemake).config.plots, plot),
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
    )
