"""Rule tidy: the merged archive becomes the measurement table, and the tables of its profiles."""

import sys
from pathlib import Path

import pandas as pd
from nntest.archives.ck import (
    COUNTER_COLUMNS,
    LAUNCH_COLUMNS,
    TIMES,
    KnownPlatform,
    read_counter_rows,
    read_kernel_rows,
    read_launch_rows,
    read_rows,
)
from nntest.archives.measurements import KERNEL_SCHEMA, save, to_frame
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    archive = Path(snakemake.input.archive)
    known = [KnownPlatform(*platform) for platform in study.platform_names()]
    synthetic = study.config.synthetic_datasets

    def warn(message: str) -> None:
        """Tell the user and the log."""
        for stream in (log, sys.stderr):
            print(f"warning: {message}", file=stream)

    def silent(message: str) -> None:
        """Say nothing: the same archive has been warned of already."""

    frame = to_frame(read_rows(archive, known, warn, synthetic=synthetic))
    save(frame, Path(snakemake.output.parquet), Path(snakemake.output.csv))
    print(f"{len(frame)} rows", file=log)
    profiles = (
        to_frame(read_kernel_rows(archive, known, silent, synthetic=synthetic), KERNEL_SCHEMA),
        pd.DataFrame(
            read_launch_rows(archive, known, silent, synthetic=synthetic),
            columns=list(LAUNCH_COLUMNS),
        ).astype(dict.fromkeys(TIMES, "Int64")),
        pd.DataFrame(
            read_counter_rows(archive, known, silent, synthetic=synthetic),
            columns=list(COUNTER_COLUMNS),
        ),
    )
    for name, table in zip(("kernels", "launches", "counters"), profiles, strict=True):
        stem = Path(snakemake.output.parquet).with_name(name)
        table.to_parquet(stem.with_suffix(".parquet"), index=False)
        table.to_csv(stem.with_suffix(".csv"), index=False)
        print(f"{len(table)} rows of {name}", file=log)
