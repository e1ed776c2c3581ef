"""Rule choose: what each layer of the networks is to run with, when they run as a whole."""

import sys
from dataclasses import asdict
from pathlib import Path

from nntest.choose import choose, measured_medians, warmup_of
from nntest.errors import user_errors_end_the_process
from nntest.graph import library_of
from nntest.job import job_log, study_of
from nntest.network_points import left_out_lines, save_chosen

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    library = library_of(study, snakemake.wildcards.library)
    sweeps = [Path(path) for path in snakemake.input.sweeps]
    medians = measured_medians(sweeps, warmup_of(study, library))
    points, left_out = choose(study, library, medians)
    chosen = Path(snakemake.output.chosen)
    save_chosen(
        chosen,
        points,
        [asdict(item) for item in left_out],
        board=snakemake.wildcards.board,
        library=snakemake.wildcards.library,
    )
    for line in left_out_lines(chosen):
        for stream in (log, sys.stderr):
            print(line, file=stream)
