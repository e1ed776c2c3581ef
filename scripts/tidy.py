"""Rule tidy: the merged archive becomes the measurement table."""

import sys
from pathlib import Path

from nntest.ck import KnownPlatform, read_rows
from nntest.errors import user_errors_end_the_process
from nntest.graph import known_platforms
from nntest.job import job_log, study_of
from nntest.measurements import save, to_frame

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    known = [KnownPlatform(*platform) for platform in known_platforms(study)]

    def warn(message: str) -> None:
        """Tell the user and the log."""
        for stream in (log, sys.stderr):
            print(f"warning: {message}", file=stream)

    frame = to_frame(read_rows(Path(snakemake.input.archive), known, warn))
    save(frame, Path(snakemake.output.parquet), Path(snakemake.output.csv))
    print(f"{len(frame)} rows", file=log)
