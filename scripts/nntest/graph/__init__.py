"""What the rules of the workflow ask about a study: which jobs there are, what each depends on.

A `*_spec` function gives the part of the config that a rule uses, as plain data.  The rules keep
it as a param, so that a job runs again when, and only when, something that it uses has changed:
what is left out of a spec on purpose (a board's address, a description) re-runs nothing.
"""

from __future__ import annotations

from nntest.graph.archives import (
    imported_files,
    tidy_spec,
)
from nntest.graph.boards import (
    NETWORK_SCHEDULE_SOURCES,
    PROBE_SOURCES,
    board_of,
    board_resource,
    install_sources,
    install_spec,
    library_of,
    network_schedule_spec,
    probe_spec,
    sweep_of,
    sweep_sources,
    sweep_spec,
)
from nntest.graph.plots import (
    KERNEL_PLOTS,
    PLOTS,
    REPORT_FILES,
    SPEEDUP_STATISTICS,
    VIOLIN_BY,
    VIOLIN_QUANTITIES,
    analysis_plot_spec,
    plot_caption,
    plots_of,
    report_spec,
    speedup_spec,
    violin_spec,
)
from nntest.graph.tables import (
    LAYER_SUM_CHECK_TABLES,
    PROFILE_TABLES,
    TABLES,
    compared_runs,
    fails_on_regression,
    layer_sum_check_files,
    layer_sum_check_spec,
    more_tables,
    networks_spec,
    table_arguments,
    table_modules,
    table_spec,
)

__all__ = [
    "NETWORK_SCHEDULE_SOURCES",
    "KERNEL_PLOTS",
    "PLOTS",
    "LAYER_SUM_CHECK_TABLES",
    "PROBE_SOURCES",
    "PROFILE_TABLES",
    "REPORT_FILES",
    "SPEEDUP_STATISTICS",
    "TABLES",
    "VIOLIN_BY",
    "VIOLIN_QUANTITIES",
    "analysis_plot_spec",
    "board_of",
    "board_resource",
    "network_schedule_spec",
    "compared_runs",
    "fails_on_regression",
    "imported_files",
    "install_sources",
    "install_spec",
    "library_of",
    "more_tables",
    "networks_spec",
    "plot_caption",
    "plots_of",
    "layer_sum_check_files",
    "layer_sum_check_spec",
    "probe_spec",
    "report_spec",
    "speedup_spec",
    "sweep_of",
    "sweep_sources",
    "sweep_spec",
    "table_arguments",
    "table_modules",
    "table_spec",
    "tidy_spec",
    "violin_spec",
]
