"""Rule record_history: a run's times in the history, beside those of earlier runs."""

import json
from pathlib import Path

import pandas as pd
from nntest.analysis.history import run_of
from nntest.archives.history import write_run
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log

with user_errors_end_the_process(), job_log(snakemake) as log:
    run = run_of(
        **json.loads(snakemake.params.spec),
        estimate=pd.read_parquet(snakemake.input.estimate),
        device_state=pd.read_parquet(snakemake.input.device_state),
    )
    path = write_run(run, Path(snakemake.params.folder))
    said = f"{path}: written" if path else "no network has a time: nothing for the history"
    print(said, file=log)
    Path(snakemake.output.recorded).write_text(f"{said}\n", encoding="utf-8")
