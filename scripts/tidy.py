"""Rule tidy: the merged archive becomes the measurement table, and those of kernels and nodes."""

import sys
from pathlib import Path

from nntest.archives.ck import (
    KnownPlatform,
    read_accuracy_rows,
    read_counter_rows,
    read_energy_rows,
    read_kernel_rows,
    read_launch_rows,
    read_memory_rows,
    read_node_rows,
    read_rows,
    read_stream_rows,
    read_sustained_rows,
)
from nntest.archives.measurements import save, to_frame
from nntest.domain.tables.accuracy import ACCURACY_RUNS
from nntest.domain.tables.energy import ENERGY_RUNS
from nntest.domain.tables.frames import frame_of, write_table
from nntest.domain.tables.measurements import COUNTERS, KERNELS, LAUNCHES, NODES
from nntest.domain.tables.memory import MEMORY_RUNS
from nntest.domain.tables.streams import STREAM_RUNS
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS
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
    for table, read, to in (
        (KERNELS, read_kernel_rows, to_frame),
        (LAUNCHES, read_launch_rows, frame_of),
        (COUNTERS, read_counter_rows, frame_of),
        (NODES, read_node_rows, frame_of),
        (ENERGY_RUNS, read_energy_rows, frame_of),
        (MEMORY_RUNS, read_memory_rows, frame_of),
        (STREAM_RUNS, read_stream_rows, frame_of),
        (SUSTAINED_WINDOWS, read_sustained_rows, frame_of),
        (ACCURACY_RUNS, read_accuracy_rows, frame_of),
    ):
        profile = to(read(archive, known, silent, synthetic=synthetic), table)
        write_table(profile, Path(snakemake.output.parquet).parent, table.name)
        print(f"{len(profile)} rows of {table.name}", file=log)
