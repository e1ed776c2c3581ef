"""Rule merge: the sweeps' archives and the imported ones become one CK archive."""

import sys
from pathlib import Path

from nntest.archives.ck import merge
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    keep_both = study_of(snakemake).config.merge == "keep-both"
    warnings: list[str] = []
    report = merge(
        [Path(path) for path in (*snakemake.input.sweeps, *snakemake.input.imports)],
        Path(snakemake.output.archive),
        keep_both=keep_both,
        warn=warnings.append,
    )
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
    print(report, file=log)
    Path(snakemake.output.remarks).write_text("".join(f"{line}\n" for line in warnings), "utf-8")
