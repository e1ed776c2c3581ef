"""Rules kernel_violin and kernel_stack: pictures of the profiled points."""

from pathlib import Path

import pandas as pd
from nntest.analysis.kernels import timed_kernels
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.kernel_stack import kernel_stack
from nntest.pictures.plots.violin import violin

with user_errors_end_the_process(), job_log(snakemake):
    plots = study_of(snakemake).config.plots
    kernels = pd.read_parquet(snakemake.input.kernels)
    files = Path(snakemake.output.svg), Path(snakemake.output.png)
    if snakemake.rule == "kernel_violin":
        violin(timed_kernels(kernels), plots.violin, *files, by="kernel", quantity="time_us")
    else:
        kernel_stack(pd.read_parquet(snakemake.input.share), kernels, plots.violin, *files)
