"""Rule read_published: tables that others published, checked, and held against the roofs."""

from pathlib import Path

from nntest.analysis.study_tables import published_tables
from nntest.domain.tables.frames import write_table
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    folder = Path(snakemake.output.tables[0]).parent
    for name, frame in published_tables(study_of(snakemake)).items():
        write_table(frame, folder, name)
        print(f"{name}: {len(frame)} rows", file=log)
