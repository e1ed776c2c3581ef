"""What the columns and tables of the report are called, mean, and look like."""

from __future__ import annotations

from nntest.archives.measurements import SCHEMA
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
    "queued_us": Column(
        "at least µs", "number", "the sum less an empty kernel's wait for each layer"
    ),
    "queued_error": Column("its error", "share", "of 'at least', over measured, less 1"),
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
    "other": Column("compared", meaning="what is compared with the baseline"),
    "baseline_us": Column("baseline µs", "number", "median"),
    "other_us": Column("compared µs", "number", "median"),
    "ratio": Column("ratio", "ratio", f"compared over baseline median, {_INTERVAL}"),
    "regression": Column("regression", "flag", "slower by more than the study allows, or failed"),
    "p_value": Column("p", "number", "that they differ by no more than the smallest effect"),
    "p_adjusted": Column("p adjusted", "number", "for the number of points"),
    "min_effect": Column("smallest effect", "share", "that counts as a difference"),
    "unit": Column("unit", meaning="of what the test counts independent values"),
    "baseline_n": Column("baseline n", "count", "units"),
    "other_n": Column("compared n", "count", "units"),
    "system": Column("system"),
    "model": Column("estimated by"),
    "half": Column("half", meaning="fitted on the other one"),
    "macs": Column("MACs", "number", "multiply-accumulates"),
    "measured_ms": Column("measured ms", "number"),
    "estimated_ms": Column("estimated ms", "number"),
    "scale": Column("scale", "number", "the one factor, as fitted on the other half"),
    "interpolated_share": Column("interpolated", "share", "of the estimate"),
    "networks": Column("networks", "count"),
    "mean_error": Column("mean error", "share", "of networks that the fit did not see"),
    "largest_error": Column("largest error", "share"),
    "mean_error_all_splits": Column(
        "over all halvings", "share", "mean error, with the 5 % and 95 % quantiles"
    ),
    "fitted_error": Column("fitted to all", "share", "mean error of a fit that saw its answers"),
    "interpolation_error": Column(
        "interpolating a layer", "share", "mean error for a timed convolution, from the others"
    ),
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
    "end_to_end": TableInfo(
        "Estimated against measured",
        "Networks that were measured as a whole. An operator alone is waited for after each run, a "
        "network once, so the sum is too long; 'at least' takes off what waiting for an empty "
        "kernel costs, which is more than a layer in a queue saves. The calibrated estimate adds "
        "one cost for each layer, fitted on the other networks only.",
        "first",
        {
            "total_us": _TIME_CI,
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
    "comparison": TableInfo(
        "Comparison with the baseline",
        "Ratios above 1 are slower. A verdict needs Mann and Whitney's test over processes to say "
        "that the times differ by more than the smallest effect, at a rate of 5 % for false "
        "differences over all points.",
        "first",
        {"ratio": ("ci_low", "ci_high")},
        kept=("operator", "tensor", "verdict", "regression"),
        last=("layers", "note"),
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
    "layer_sum_summary": TableInfo(
        "Prediction check",
        "Published network times against sums of published layer times.",
        "tables",
        {"mean_error_all_splits": ("splits_low", "splits_high")},
        kept=("model",),
    ),
    "layer_sum_check": TableInfo(
        "Prediction check, network by network", "", "tables", kept=("network", "model")
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
    "protocol_check": TableInfo(
        "Two warm-ups: always, and with the tuner only as in 2018",
        "Every point measured both ways. The programs of 2018 warmed up with the tuner only, so "
        "that a cold NONE is compared with a warm DEFAULT; the last two columns show what that "
        "makes of the tuner's speedup.",
        "tables",
        {
            "cold_over_warm": ("ratio_ci_low", "ratio_ci_high"),
            "speedup_always": ("always_ci_low", "always_ci_high"),
            "speedup_tuner_only": ("tuner_only_ci_low", "tuner_only_ci_high"),
        },
        {
            "median_always_us": Column("warm µs", "number", "median, warm-up always"),
            "median_tuner_only_us": Column("cold µs", "number", "median, warm-up with tuner only"),
            "cold_over_warm": Column("cold over warm", "ratio", f"of the medians, {_INTERVAL}"),
            "speedup_always": Column("tuner's speedup, warm", "ratio", f"over NONE, {_INTERVAL}"),
            "speedup_tuner_only": Column("as in 2018", "ratio", f"over NONE, {_INTERVAL}"),
        },
        kept=("operator", "tuner", "verdict"),
    ),
    "kernel_share": TableInfo(
        "Kernels' share of the time",
        "Of profiled points: what the kernels of a run take together, as a share of the time "
        "that the same point takes without a profiler, and of the profiled runs' own.",
        "tables",
        {"share": ("ci_low", "ci_high")},
        {
            "kernels": Column("kernels", "count", "different kernels in a run"),
            "profiled_runs": Column("profiled runs", "count"),
            "kernels_us": Column("kernels µs", "number", "their sum, median of the runs"),
            "wall_us": Column("wall µs", "number", "median without a profiler"),
            "share": Column("share", "share", f"kernels over wall, {_INTERVAL}"),
            "between_us": Column("between µs", "number", "wall less kernels"),
            "profiled_wall_us": Column("profiled wall µs", "number", "median of the runs"),
            "share_profiled": Column("share of that", "share", "median of the runs' own shares"),
        },
        kept=("operator", "tuner"),
    ),
    "kernels": TableInfo(
        "Kernels of the profiled runs",
        "One row for each kernel, phase and repetition. Only the phase run is part of a "
        "repetition's time; in profiles of CK itself, which tell no phases (all), the reshaping "
        "of weights and tuner runs are in the sums.",
        columns={
            "phase": Column("phase", meaning="run, warmup, tuning, setup; all: not told"),
            "launches": Column("launches", "count", "in that phase"),
            "time_us": Column("time µs", "number", "all launches together"),
            "wall_us": Column("wall µs", "number", "the whole operator in that run"),
        },
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
