"""Rule layer_sum_check: published layer times against published network times."""

from pathlib import Path

from nntest.analysis.layer_sum_check import layer_sum_check, read_layer_times, read_measured
from nntest.errors import user_errors_end_the_process
from nntest.graph import LAYER_SUM_CHECK_TABLES
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.layer_sum_check import layer_sum_check_plot

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    layers, networks = Path(snakemake.input.layer_times), Path(snakemake.input.measured)
    made = layer_sum_check(
        read_layer_times(layers), read_measured(networks, config.layer_sum_check.system)
    )
    folder = Path(snakemake.output.tables[0]).parent
    for name, table in zip(LAYER_SUM_CHECK_TABLES, made, strict=True):
        table.to_parquet(folder / f"{name}.parquet", index=False)
        table.to_csv(folder / f"{name}.csv", index=False)
    layer_sum_check_plot(
        made[0],
        config.plots.layer_sum_check,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        sources=f"{layers.name}, {networks.name}",
    )
