"""What the columns and tables of rooflines and published tables are called and mean."""

from __future__ import annotations

from nntest.report.table_info import Column, TableInfo

COLUMNS: dict[str, Column] = {
    "layers_frames_per_s": Column(
        "frames/s, layer by layer", "number", "every layer bound by its own intensity"
    ),
    "traffic_model": Column("traffic model", meaning="what is taken to come from memory"),
    "intensity_ops_per_byte": Column("operations a byte", "number", "intensity"),
    "ridge_ops_per_byte": Column("ridge", "number", "operations a byte where peak meets memory"),
    "ceiling": Column("ceiling", meaning="what the peak is: a data sheet's, measured, …"),
    "rank": Column("rank", "count", "0: the ceiling of predictions"),
    "peak_gops": Column("peak GOP/s", "number"),
    "bandwidth_gb_s": Column("memory GB/s", "number"),
    "attainable_gops": Column("attainable GOP/s", "number", "min(peak, memory x intensity)"),
    "achieved_gops": Column("achieved GOP/s", "number", "operations really executed, per median"),
    "best_gops": Column("best GOP/s", "number", "the same for the fastest repetition"),
    "share_of_roof": Column("share of the roof", "share", "achieved over attainable"),
    "bound": Column("bound by", meaning="what limits: computing or memory"),
    "gop": Column("GOP", "number", "operations of a batch"),
    "frames_per_s": Column("frames/s", "number"),
    "peak_frames_per_s": Column("peak frames/s", "number", "were memory free"),
    "predicted_frames_per_s": Column("predicted frames/s", "number"),
    "measured_over_predicted": Column("measured / predicted", "ratio"),
    "pruning_percent": Column("kept %", "number", "share of the channels that a pruning keeps"),
    "typical_factor": Column(
        "typical factor", "number", "exp(mean |ln ratio|): off by, either way"
    ),
    "above_roof": Column("above the roof", "count", "ratios that no roof allows"),
    "latency_ms": Column("latency ms", "number", "of a whole batch"),
    "energy_per_frame_j": Column("J/frame", "number", "full power over frames a second"),
    "difference_percent": Column("off by %", "number"),
    "line": Column("line", "count", "of the file, its heading being line 1"),
    "message": Column("what is wrong", "long"),
    "why": Column("why", "long"),
}

TABLES: dict[str, TableInfo] = {
    "roofline": TableInfo(
        "Measured points under the roofs",
        "A row for each point and ceiling of its board.",
        kept=("operator", "tuner", "ceiling"),
        hidden=("board", "rank"),
    ),
    "roofs": TableInfo("Ceilings of the platforms", "Each figure with its source."),
    "prediction": TableInfo(
        "Predicted frames a second", "What the roofline model allows; no measurement."
    ),
    "intensities": TableInfo("Operations a byte, by network and layer"),
    "published": TableInfo("Published measurements", "Imported; not measured by this study."),
    "published_overview": TableInfo(
        "What was published", "Configurations by platform and network, counted in the table."
    ),
    "published_filters": TableInfo("Rows that each filter leaves"),
    "published_findings": TableInfo(
        "What is wrong in the published tables",
        "Repaired only where the config says so.",
        "failures",
    ),
    "measured_over_predicted": TableInfo("Published measurements over predictions"),
    "prediction_errors": TableInfo(
        "How far predictions are off",
        "By traffic model: for every row, and for the best batch of each network alone.",
        kept=("of",),
    ),
    "page_errors": TableInfo(
        "Errors of the published page", "Its own figures, beside what is right."
    ),
}
