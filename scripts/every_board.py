"""Rule every_board: ends a run with an error where a board, or a library on one, was left out."""

import sys
from pathlib import Path

from nntest.archives.missing import missing_sweeps, refuse_missing
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import headline_text

with user_errors_end_the_process(), job_log(snakemake):
    study = study_of(snakemake)
    results = Path(snakemake.output.result).parent
    missing = missing_sweeps(study, results)
    if missing:
        # A run that fails does not come to print it.
        print(headline_text(results), file=sys.stderr)
    refuse_missing(study, missing)
    Path(snakemake.output.result).write_text("every sweep has results\n", encoding="utf-8")
