"""Rule prediction_check: published layer times against published network times."""

from pathlib import Path

from nntest.errors import user_errors_end_the_process
from nntest.graph import PREDICTION_CHECK_TABLES
from nntest.job import job_log, study_of
from nntest.plots.prediction_check import prediction_plot
from nntest.prediction import prediction_check, read_layer_times, read_measured

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    layers, networks = Path(snakemake.input.layer_times), Path(snakemake.input.measured)
    made = prediction_check(
        read_layer_times(layers), read_measured(networks, config.prediction_check.system)
    )
    folder = Path(snakemake.output.tables[0]).parent
    for name, table in zip(PREDICTION_CHECK_TABLES, made, strict=True):
        table.to_parquet(folder / f"{name}.parquet", index=False)
        table.to_csv(folder / f"{name}.csv", index=False)
    prediction_plot(
        made[0],
        config.plots.prediction_check,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        sources=f"{layers.name}, {networks.name}",
    )
