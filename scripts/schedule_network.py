"""Rule schedule_network: what each layer of a network runs with when it runs whole."""

import sys
from dataclasses import asdict
from pathlib import Path

from nntest.analysis.network_schedule import measured_medians, schedule_network, warmup_of
from nntest.archives.missing import Missing, read_results, write_missing
from nntest.domain.network_points import left_out_lines, save_chosen
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    library = study.library(snakemake.wildcards.library)
    sweeps = [Path(path) for path in snakemake.input.sweeps]
    chosen = Path(snakemake.output.chosen)
    try:
        for sweep in sweeps:
            read_results(sweep.with_suffix(".state.json"))
        medians = measured_medians(sweeps, warmup_of(study, library))
        points, left_out = schedule_network(study, library, medians)
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
    except Missing as missing:
        print(f"left out: {missing}", file=log)
        write_missing(chosen, missing.message)
