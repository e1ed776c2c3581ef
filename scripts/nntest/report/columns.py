"""What the columns and tables of the report are called, mean, and look like."""

from __future__ import annotations

from nntest.measurements import SCHEMA
from nntest.report.rooflines import COLUMNS as ROOFLINE_COLUMNS
from nntest.report.rooflines import TABLES as ROOFLINE_TABLES
from nntest.report.table_info import Column, Kind, TableInfo

__all__ = ["COLUMNS", "TABLES", "Column", "Kind", "TableInfo", "column"]

_INTERVAL = "with the ends of its 95 % interval"

COLUMNS: dict[str, Column] = {
    "network": Column("network"),
    "platform": Column("platform", meaning="what ran it"),
    "library": Column("library"),
    "operator": Column("operator"),
    "tensor": Column("tensor", meaning="shape, in CK-NNTest's naming"),
    "batch_size": Column("batch", "count", "images in a batch"),
    "data_type": Column("data type"),
    "tuner": Column("tuner", meaning="local-work-size tuner"),
    "species": Column("species", meaning="kind of operator"),
    "choice": Column("choice", meaning="best: each tensor at its fastest; else one for all layers"),
    "others": Column("the rest", "long", "what runs the layers that the choice does not name"),
    "measured_us": Column("measured µs", "number", f"the whole network, {_INTERVAL}"),
    "measured_min_us": Column("measured min µs", "number", "fastest run of the whole network"),
    "error": Column("error", "share", f"estimate over measured time, less 1, {_INTERVAL}"),
    "error_min": Column("error, min", "share", "the same by minima"),
    "within_band": Column("within ±10 %", "flag", "whether the error is"),
    "calibrated_us": Column(
        "calibrated µs", "number", "the sum, and for each layer a cost fitted on other networks"
    ),
    "calibrated_error": Column("calibrated error", "share", "the calibrated one's"),
    "layer_cost_us": Column("cost of a layer µs", "number", "as fitted on other networks"),
    "calibrated_on": Column("fitted on", "count", "other networks"),
    "study_us": Column("study's sum µs", "number", f"by median, {_INTERVAL}"),
    "study_min_us": Column("by minimum µs", "number", "each tensor at its fastest by minimum"),
    "conv_layers": Column("convolutions", "count", "that the sum covers"),
    "of_conv_layers": Column("of", "count", "convolutions of the network"),
    "tensors": Column("tensors", "count", "distinct ones"),
    "chosen": Column("chosen", "long", "what was fastest, for how many layers"),
    "conv_not_covered": Column("not covered", "long", "convolutions that were not measured"),
    "layer": Column("layer"),
    "layer_operator": Column("run by"),
    "layer_tuner": Column("with tuner"),
    "macs_share": Column("share of MACs", "share", "of the network's multiply-accumulates"),
    "n": Column("n", "count", "repetitions that succeeded"),
    "processes": Column("processes", "count", "processes that the repetitions come from"),
    "min_us": Column("min µs", "number", "fastest repetition"),
    "median_us": Column("median µs", "number", f"median of the repetitions, {_INTERVAL}"),
    "mean_us": Column("mean µs", "number"),
    "sd_us": Column("sd µs", "number", "standard deviation of the repetitions"),
    "cv": Column("cv", "share", "standard deviation over mean"),
    "GFLOPS": Column("GFLOPS", "number", "operations as the 2018 study counts them, per time"),
    "throttled": Column("throttled", "count", "repetitions while the device was throttled"),
    "failed": Column("failed", "count", "repetitions that did not succeed"),
    "baseline": Column("baseline", meaning="what the speedup is over"),
    "baseline_median_us": Column("baseline median µs", "number"),
    "baseline_min_us": Column("baseline min µs", "number"),
    "speedup_median": Column("speedup, median", "ratio", f"ratio of the medians, {_INTERVAL}"),
    "speedup_min": Column("speedup, min", "ratio", f"ratio of the minima, {_INTERVAL}"),
    "verdict": Column("verdict", meaning="no difference: the interval crosses 1"),
    "verdict_min": Column("verdict, min", meaning="the same for the minima"),
    "note": Column("note"),
    "default_median_us": Column("DEFAULT µs", "number", "median with the DEFAULT tuner"),
    "none_median_us": Column("NONE µs", "number", "median without a tuner"),
    "tuner_speedup": Column("tuner's speedup", "ratio", f"NONE over DEFAULT, {_INTERVAL}"),
    "exception": Column("exception", "flag", "DEFAULT slower than NONE, or failed alone"),
    "position": Column("layer", "count", "where the tensor first runs, from 1"),
    "layers": Column("layers", "long", "the network's layers that run the tensor"),
    "repeats": Column("repeats", "count", "layers of the network that run the tensor"),
    "time_us": Column("time µs", "number", f"one run, {_INTERVAL} where one is given"),
    "total_us": Column("total µs", "number", "all repeats together"),
    "share": Column("share", "share", "of the sum over the measured layers"),
    "runner_up": Column("runner-up", meaning="the next fastest operator and tuner"),
    "runner_up_us": Column("its median µs", "number"),
    "runner_up_ratio": Column("over the best", "ratio", f"its median over the best's, {_INTERVAL}"),
    "distinguishable": Column("told apart", "flag", "whether that interval excludes 1"),
    "total_min_us": Column("by minimum µs", "number", "sum of minima of the same choices"),
    "complete": Column("complete", "flag", "no: lacks layers that another choice has measured"),
    "covered_layers": Column("layers covered", "count", "layers that the sum covers"),
    "covered_macs_share": Column("MACs covered", "share", "of all multiply-accumulates"),
    "extrapolated_total_us": Column(
        "extrapolated µs", "number",
        "not measured: all layers, the others at the covered layers' operations per second",
    ),
    "missing_layers": Column("lacks", "long", "layers that another choice has measured"),
    "not_covered": Column("not covered", "long", "layers that the sum leaves out"),
    "status": Column("status"),
    "reason": Column("reason", "long"),
    "kernel": Column("kernel"),
    "repetitions": Column("repetitions", "count"),
    "first_repetition": Column("first", "count", "first repetition that failed, from 0"),
    "rows": Column("repetitions", "count"),
    "clock_min_mhz": Column("lowest clock MHz", "number"),
    "clock_max_mhz": Column("highest clock MHz", "number"),
    "temperature_min_c": Column("coolest °C", "number"),
    "temperature_max_c": Column("hottest °C", "number"),
    "not_read": Column("not read", meaning="what could not be read, so is not known"),
    "not_set": Column("not set", meaning="what was asked of the device and could not be had"),
    "first_started_at": Column("first start"),
    "last_started_at": Column("last start"),
    **ROOFLINE_COLUMNS,
}  # fmt: skip


_TIME_CI = ("ci_low_us", "ci_high_us")

TABLES: dict[str, TableInfo] = {
    "estimate": TableInfo(
        "Estimate",
        "The sum over the measured layers, each as often as the network runs it. In the interval "
        "each tensor's repetitions are resampled once and counted with its repeats; the choice "
        "stays. Measured is the whole network in one run, where it was; the extrapolated column "
        "is no measurement.",
        "first",
        {
            "total_us": _TIME_CI,
            "measured_us": ("measured_ci_low_us", "measured_ci_high_us"),
            "error": ("error_ci_low", "error_ci_high"),
            "total_min_us": ("min_ci_low_us", "min_ci_high_us"),
        },
        {
            "total_us": Column("sum µs", "number", f"sum of medians, {_INTERVAL}"),
            "layers": Column("of layers", "count", "layers of the network"),
        },
        kept=("choice", "covered_layers", "layers", "covered_macs_share", "complete"),
        hidden=("operator", "tuner"),
    ),
    "end_to_end": TableInfo(
        "Estimated against measured",
        "Networks that were measured as a whole. The calibrated estimate adds one cost for each "
        "layer, fitted on the other networks only.",
        "first",
        {
            "measured_us": ("measured_ci_low_us", "measured_ci_high_us"),
            "error": ("error_ci_low", "error_ci_high"),
        },
        {
            "total_us": Column("estimate µs", "number", "sum of medians"),
            "layers": Column("layers", "count", "layers of the network"),
        },
        kept=("network", "choice", "within_band"),
    ),
    "study_figure": TableInfo(
        "The study's own figure",
        "Convolutions alone, each at the faster of conv and directconv with or without the tuner, "
        "as often as the network runs it: what the 2018 notebook ended with.",
        "first",
        {"study_us": _TIME_CI},
        kept=("network", "conv_layers", "of_conv_layers"),
    ),
    "schedule": TableInfo(
        "Best schedule",
        "For each tensor of the network, the operator and tuner with the smallest median, and "
        "whether the next best can be told apart from it.",
        "first",
        {
            "time_us": _TIME_CI,
            "runner_up_ratio": ("runner_up_ci_low", "runner_up_ci_high"),
        },
        kept=("repeats", "operator", "tuner", "distinguishable"),
        last=("GFLOPS", "layers"),
    ),
    "speedup": TableInfo(
        "Speedup over the baseline",
        "A difference counts only where the 95 % interval lies on one side of 1.",
        "tables",
        {
            "speedup_median": ("median_ci_low", "median_ci_high"),
            "speedup_min": ("min_ci_low", "min_ci_high"),
        },
        kept=("operator", "tuner", "verdict"),
    ),
    "tuner_check": TableInfo(
        "Tuner check: is DEFAULT at least as good as NONE?",
        "Exceptions come first.",
        "tables",
        {"tuner_speedup": ("ci_low", "ci_high")},
        kept=("operator", "verdict", "exception"),
    ),
    "layer_times": TableInfo(
        "Every layer of every estimate",
        "In layer order; a layer that was not measured has no time.",
        "tables",
        {"time_us": _TIME_CI},
        {
            "share": Column("share", "share", "of the sum over the covered layers"),
            "min_us": Column("min µs", "number", "fastest run"),
        },
        kept=("layer", "layer_operator", "layer_tuner"),
        hidden=("operator", "tuner"),
    ),
    "summary": TableInfo("Summary of every point", "", "tables", {"median_us": _TIME_CI}),
    "failed": TableInfo("What did not succeed", "", "failures"),
    "device_state": TableInfo(
        "The device while it measured",
        "Extremes of the readings before and after each repetition.",
        "device",
        columns={"throttled": Column("throttled", "count", "repetitions while throttled")},
    ),
    "measurements": TableInfo(
        "Every repetition",
        "The measurement table that all else follows from.",
        "tables",
        columns={"throttled": Column("throttled", "flag", "measured while throttled")},
    ),
    **ROOFLINE_TABLES,
}
"""The tables that the report knows, in the order of the page."""


def column(table: str, name: str, kind: Kind) -> Column:
    """How a column of a table is shown; one that nobody described keeps its name and `kind`."""
    info = TABLES.get(table)
    if info is not None and name in info.columns:
        return info.columns[name]
    if name in COLUMNS:
        return COLUMNS[name]
    meaning = ""
    if table == "measurements" and name in SCHEMA.names:
        meaning = (SCHEMA.field(name).metadata or {}).get(b"meaning", b"").decode()
    return Column(name.replace("_", " "), kind, meaning)
