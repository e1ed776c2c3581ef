"""Rules predict and read_published: the tables that follow from the config and its files."""

from pathlib import Path

from nntest.analysis.study_tables import published_tables, roofline_tables
from nntest.archives.measurements import load
from nntest.domain.tables.csv_files import write_csv
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    if snakemake.rule == "predict":
        frames = roofline_tables(study, load(Path(snakemake.input.measurements)))
    else:
        frames = published_tables(study)
    for path in map(Path, snakemake.output.tables):
        frame = frames[path.stem]
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
            print(f"{path.stem}: {len(frame)} rows", file=log)
        else:
            write_csv(frame, path)
