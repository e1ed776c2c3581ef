"""Rule merge: the sweeps' archives and the imported ones become one CK archive."""

import sys
from pathlib import Path

from nntest.archives.ck import has_rows, merge
from nntest.archives.missing import missing_lines, missing_sweeps
from nntest.errors import UserError, user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    config = study.config
    missing = missing_sweeps(study, Path(snakemake.output.archive).parent)
    sweeps = [path for path in snakemake.input.sweeps if Path(path).stem not in missing]
    if missing and not sweeps and not config.imports:
        raise UserError("nothing was measured", "\n  ".join(missing_lines(study, missing)))
    for path in snakemake.input.imports:
        if not has_rows(Path(path), synthetic=config.synthetic_datasets):
            raise UserError(
                f"config: imports: {path} yields no row",
                f"nntest ck check {path} says what is wrong with it"
                + ("" if config.synthetic_datasets else "; synthetic_datasets: true reads those"),
            )
    warnings: list[str] = []
    report = merge(
        [Path(path) for path in (*sweeps, *snakemake.input.imports)],
        Path(snakemake.output.archive),
        keep_both=config.merge == "keep-both",
        warn=warnings.append,
    )
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)
    print(report, file=log)
    Path(snakemake.output.remarks).write_text("".join(f"{line}\n" for line in warnings), "utf-8")
