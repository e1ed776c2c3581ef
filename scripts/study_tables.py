"""Rules predict and read_published: the tables that follow from the config and its files."""

from pathlib import Path

from nntest.errors import user_errors_end_the_process
from nntest.job import job_log, study_of
from nntest.roofline.study import published_tables, roofline_tables

MAKERS = {"predict": roofline_tables, "read_published": published_tables}

with user_errors_end_the_process(), job_log(snakemake) as log:
    frames = MAKERS[snakemake.rule](study_of(snakemake))
    for path in map(Path, snakemake.output.tables):
        frame = frames[path.stem]
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
            print(f"{path.stem}: {len(frame)} rows", file=log)
        else:
            frame.to_csv(path, index=False)
