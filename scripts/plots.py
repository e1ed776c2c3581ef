"""Rule plots: the pictures of matplotlib and seaborn."""

from pathlib import Path

import pandas as pd
from nntest.analysis.kernels import timed_kernels
from nntest.archives.measurements import load
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.pictures.plots.columns import PLOTTED
from nntest.pictures.plots.comparison import comparison_plot
from nntest.pictures.plots.drift import drift_plot
from nntest.pictures.plots.end_to_end import end_to_end_plot
from nntest.pictures.plots.kernel_stack import kernel_stack
from nntest.pictures.plots.layer_bars import layer_bars
from nntest.pictures.plots.scaling import scaling_plot
from nntest.pictures.plots.speedup_bars import speedup_bars
from nntest.pictures.plots.sustained import sustained_plot
from nntest.pictures.plots.violin import violin

with user_errors_end_the_process(), job_log(snakemake):
    options = study_of(snakemake).config.plots
    measurements = load(Path(snakemake.input.measurements), PLOTTED)
    tables = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.tables}
    for svg, png in zip(
        map(Path, snakemake.output.svg), map(Path, snakemake.output.png), strict=True
    ):
        match svg.stem.split("."):
            case ["violin", by, quantity]:
                violin(measurements, options.violin, svg, png, by=by, quantity=quantity)
            case ["speedup", statistic]:
                speedup_bars(
                    tables["speedup"], measurements, options.speedup, svg, png, statistic=statistic
                )
            case ["layers"]:
                layer_bars(
                    tables["layer_times"],
                    tables["estimate"],
                    measurements,
                    options.layers,
                    svg,
                    png,
                )
            case ["end_to_end"]:
                end_to_end_plot(tables["end_to_end"], measurements, options.end_to_end, svg, png)
            case ["scaling"]:
                scaling_plot(tables["thread_scaling"], measurements, options.scaling, svg, png)
            case ["drift"]:
                drift_plot(tables["drift"], measurements, options.drift, svg, png)
            case ["sustained"]:
                sustained_plot(
                    tables["sustained_windows"], tables["sustained"], measurements,
                    options.sustained, svg, png,
                )  # fmt: skip
            case ["comparison"]:
                comparison_plot(tables["comparison"], measurements, options.comparison, svg, png)
            case ["kernels", "violin"]:
                kernels = timed_kernels(tables["kernels"])
                violin(kernels, options.violin, svg, png, by="kernel", quantity="time_us")
            case ["kernels", "stack"]:
                kernel_stack(tables["kernel_share"], tables["kernels"], options.violin, svg, png)
            case _:
                raise AssertionError(f"{svg.name}: nothing draws it")
