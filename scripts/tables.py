"""Rule tables: everything that follows from the measurements."""

from graphlib import TopologicalSorter
from importlib import import_module  # noqa: TID251 - the rule lists the modules
from pathlib import Path

import pandas as pd
from nntest.analysis.study_tables import roofline_tables
from nntest.analysis.trade_offs import joined, of_estimates, of_published, of_streams
from nntest.archives.measurements import load
from nntest.archives.runs import read_run
from nntest.domain.tables.accuracy import ACCURACY
from nntest.domain.tables.all import made_by_rule
from nntest.domain.tables.energy import ENERGY
from nntest.domain.tables.frames import write_table
from nntest.domain.tables.memory import MEMORY
from nntest.domain.tables.networks import CONFIGURATIONS, ESTIMATE
from nntest.domain.tables.streams import THROUGHPUT
from nntest.errors import user_errors_end_the_process
from nntest.graph.arguments import table_arguments
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    measurements = load(Path(snakemake.input.measurements))
    arguments = table_arguments(study)
    arguments["run"] = read_run(study, [Path(path) for path in snakemake.input.run], log)
    profiles = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.profiles}
    tables = {name: table for name, table in made_by_rule("tables").items() if table.made_by}
    made: dict[str, pd.DataFrame] = {}
    for name in TopologicalSorter(
        {name: table.reads for name, table in tables.items()}
    ).static_order():
        if name not in profiles:
            table = tables[name]
            make = getattr(import_module(table.module), table.function)
            read = (profiles[other] if other in profiles else made[other] for other in table.reads)
            made[name] = make(
                measurements, *read, **{need: arguments[need] for need in table.needs}
            )
    made |= roofline_tables(study, measurements)
    accuracies = study.accuracies()
    made[CONFIGURATIONS.name] = joined(
        of_estimates(
            made[ESTIMATE.name],
            accuracies,
            made[ENERGY.name],
            made[ACCURACY.name],
            made[MEMORY.name],
        ),
        of_streams(made[THROUGHPUT.name], accuracies, made[ACCURACY.name]),
        *(of_published(pd.read_parquet(path)) for path in snakemake.input.published),
    )
    folder = Path(snakemake.output.parquet[0]).parent
    for name, frame in made.items():
        write_table(frame, folder, name)
        print(f"{name}: {len(frame)} rows", file=log)
