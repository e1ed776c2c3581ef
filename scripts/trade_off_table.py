"""Rule configurations: what a study and published tables say of whole networks, in one table."""

from pathlib import Path

import pandas as pd
from nntest.analysis.trade_offs import joined, of_estimates, of_published
from nntest.domain.tables.csv_files import write_csv
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake):
    found = joined(
        of_estimates(pd.read_parquet(snakemake.input.estimate), study_of(snakemake).top1_percent()),
        *(of_published(pd.read_parquet(path)) for path in snakemake.input.published),
    )
    found.to_parquet(Path(snakemake.output.parquet), index=False)
    write_csv(found, Path(snakemake.output.csv))
