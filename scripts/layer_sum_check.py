"""Rule layer_sum_check: published layer times against published network times."""

from pathlib import Path

from nntest.analysis.layer_sum_check import layer_sum_check, read_layer_times, read_measured
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of, write_tables
from nntest.pictures.plots.layer_sum_check import prediction_plot

with user_errors_end_the_process(), job_log(snakemake) as log:
    config = study_of(snakemake).config
    layers, networks = Path(snakemake.input.layer_times), Path(snakemake.input.measured)
    made = layer_sum_check(
        read_layer_times(layers), read_measured(networks, config.layer_sum_check.system)
    )
    tables = dict(zip(("layer_sum_check", "layer_sum_summary"), made, strict=True))
    write_tables(tables, snakemake.output.tables, log)
    prediction_plot(
        made[0],
        config.plots.layer_sum_check,
        Path(snakemake.output.svg),
        Path(snakemake.output.png),
        sources=f"{layers.name}, {networks.name}",
    )
