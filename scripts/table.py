"""Rule table: one of the tables that follow from the measurements."""

from importlib import import_module  # noqa: TID251 - the rule names the module
from pathlib import Path

import pandas as pd
from nntest.archives.measurements import load
from nntest.archives.runs import read_run
from nntest.domain.tables.csv_files import write_csv
from nntest.errors import user_errors_end_the_process
from nntest.graph.arguments import table_arguments
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    module, function, needs = (snakemake.params[key] for key in ("module", "function", "needs"))
    study = study_of(snakemake)
    arguments = table_arguments(study)
    if "run" in needs:
        arguments["run"] = read_run(study, [Path(path) for path in snakemake.input.run], log)
    make = getattr(import_module(module), function)
    frame = make(
        load(Path(snakemake.input.measurements)),
        *(pd.read_parquet(path) for path in snakemake.input.profiles),
        **{need: arguments[need] for need in needs},
    )
    frame.to_parquet(snakemake.output.parquet, index=False)
    write_csv(frame, Path(snakemake.output.csv))
    print(f"{len(frame)} rows", file=log)
