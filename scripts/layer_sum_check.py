"""Rule layer_sum_check: published layer times against published network times."""

from pathlib import Path

from nntest.analysis.layer_sum_check import layer_sum_check, read_layer_times, read_measured
from nntest.domain.tables.frames import write_table
from nntest.domain.tables.networks import LAYER_SUM_CHECK, LAYER_SUM_SUMMARY
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.layer_sum_check import layer_sum_check_plot

with user_errors_end_the_process(), job_log(snakemake):
    config = study_of(snakemake).config
    layers, networks = Path(snakemake.input.layer_times), Path(snakemake.input.measured)
    made = layer_sum_check(
        read_layer_times(layers), read_measured(networks, config.layer_sum_check.system)
    )
    folder = Path(snakemake.output.tables[0]).parent
    for table, frame in zip((LAYER_SUM_CHECK, LAYER_SUM_SUMMARY), made, strict=True):
        write_table(frame, folder, table.name)
    layer_sum_check_plot(
        made[0],
        config.plots.layer_sum_check,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        sources=f"{layers.name}, {networks.name}",
    )
