"""Rule violin: the spread of the measurements, one violin per choice and tensor."""

from pathlib import Path

from nntest.errors import user_errors_end_the_process
from nntest.job import job_log, study_of
from nntest.measurements import load
from nntest.plots.violin import violin

with user_errors_end_the_process(), job_log(snakemake):
    violin(
        load(Path(snakemake.input.measurements)),
        study_of(snakemake).config.plots.violin,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        by=snakemake.wildcards.by,
        quantity=snakemake.wildcards.quantity,
    )
