"""What the rules of the workflow ask about a study: which jobs there are, what each depends on.

A `*_spec` function gives the part of the config that a rule uses, as plain data.  The rules keep
it as a param, so that a job runs again when, and only when, something that it uses has changed:
what is left out of a spec on purpose (a board's address, a description) re-runs nothing.
"""

from __future__ import annotations

from nntest.graph.archives import (
    imported_files,
    known_platforms,
    tidy_spec,
)
from nntest.graph.boards import (
    CHOOSE_SOURCES,
    PROBE_SOURCES,
    board_of,
    board_resource,
    choose_spec,
    install_sources,
    install_spec,
    library_of,
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
    OPTIONAL_TABLES,
    PREDICTION_CHECK_TABLES,
    PROFILE_TABLES,
    TABLES,
    Table,
    compared_runs,
    fails_on_regression,
    more_tables,
    networks_spec,
    prediction_check_files,
    prediction_check_spec,
    table_arguments,
    table_modules,
    table_spec,
)

__all__ = [
    "CHOOSE_SOURCES",
    "KERNEL_PLOTS",
    "OPTIONAL_TABLES",
    "PLOTS",
    "PREDICTION_CHECK_TABLES",
    "PROBE_SOURCES",
    "PROFILE_TABLES",
    "REPORT_FILES",
    "SPEEDUP_STATISTICS",
    "TABLES",
    "Table",
    "VIOLIN_BY",
    "VIOLIN_QUANTITIES",
    "analysis_plot_spec",
    "board_of",
    "board_resource",
    "choose_spec",
    "compared_runs",
    "fails_on_regression",
    "imported_files",
    "install_sources",
    "install_spec",
    "known_platforms",
    "library_of",
    "more_tables",
    "networks_spec",
    "plot_caption",
    "plots_of",
    "prediction_check_files",
    "prediction_check_spec",
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
