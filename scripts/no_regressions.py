"""Rule no_regressions: ends a run with an error where a point is slower than its baseline."""

from pathlib import Path

import pandas as pd
from nntest.analysis.comparison_text import refuse_regressions
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake):
    found = pd.read_parquet(snakemake.input.comparison)
    limit = float(study_of(snakemake).config.compare.fail_on_regression)
    refuse_regressions(
        found, limit,
        f"{snakemake.input.report} shows them; compare.fail_on_regression: false lets them pass",
    )  # fmt: skip
    Path(snakemake.output.result).write_text(
        f"none of {len(found)} points is more than {limit:g} % slower\n", encoding="utf-8"
    )
