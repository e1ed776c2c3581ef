"""Rule tidy: the merged archive becomes the measurement table, and those of kernels and nodes."""

import sys
from pathlib import Path

from nntest.archives.ck import KnownPlatform
from nntest.archives.ck.tables import read_tables
from nntest.archives.measurements import save
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    known = [KnownPlatform(*platform) for platform in study.platform_names()]

    def warn(message: str) -> None:
        """Tell the user and the log."""
        for stream in (log, sys.stderr):
            print(f"warning: {message}", file=stream)

    for table, rows in read_tables(
        Path(snakemake.input.archive), known, warn, synthetic=study.config.synthetic_datasets
    ):
        save(rows, table, Path(snakemake.output.parquet).parent)
        print(f"{len(rows)} rows of {table.name}", file=log)
