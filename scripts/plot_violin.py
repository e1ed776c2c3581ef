"""Rule violin: the spread of the measurements, one violin per choice and tensor."""

from pathlib import Path

from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.violin import violin

with user_errors_end_the_process(), job_log(snakemake):
    violin(
        load(Path(snakemake.input.measurements)),
        study_of(snakemake).config.plots.violin,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        by=snakemake.wildcards.by,
        quantity=snakemake.wildcards.quantity,
    )
