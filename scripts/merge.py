"""Rule merge: the sweeps' archives and the imported ones become one CK archive."""

from pathlib import Path

from nntest.ck import merge
from nntest.errors import user_errors_end_the_process
from nntest.job import job_log

with user_errors_end_the_process(), job_log(snakemake) as log:
    told: list[str] = []
    report = merge(
        [Path(path) for path in (*snakemake.input.sweeps, *snakemake.input.imports)],
        Path(snakemake.output.archive),
        warn=told.append,
    )
    print(report, file=log)
    Path(snakemake.output.told).write_text("".join(f"{line}\n" for line in told), "utf-8")
