"""Rule pages: the interactive pages beside the report."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.charts import pages
from nntest.pictures.charts.page import write_page

with user_errors_end_the_process(), job_log(snakemake):
    study = study_of(snakemake)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    frames = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input}
    prediction = frames["prediction"]
    made = {
        "rooflines": pages.rooflines(
            frames["roofline"],
            frames["roofs"],
            prediction[prediction["traffic_model"] == study.config.traffic_model],
            study.name,
            made_at,
        ),
        "trade-offs": pages.trade_offs(
            frames["configurations"], study.name, made_at, study.config.latency_limit_ms
        ),
    }
    for path in map(Path, snakemake.output):
        write_page(path, made[path.stem])
