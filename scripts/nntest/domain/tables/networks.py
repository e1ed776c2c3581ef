"""The tables about whole networks."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, RATIO, SHARE, TEXT, Column, Table

_NEEDS = ("networks", "padding", "seed")
_MEDIAN_TIME = shared.TIME.but(meaning="median of one run", interval=shared.CI_US)
_WHERE = (
    shared.NETWORK, *shared.GROUP, shared.CHOICE,
    shared.OPERATOR.but(meaning="of the choice; empty: several"),
    shared.TUNER.but(meaning="of the choice; empty: several"),
)  # fmt: skip

ESTIMATE = Table(
    "estimate",
    (
        *_WHERE,
        *shared.TOTAL.with_ends,
        Column("optimism_us", FLOAT, "µs", label="of it optimism",
               meaning="part of the sum: what it would be too short by, on average, for choosing "
               "the fastest of several noisy medians"),
        *shared.RUNS_OF_SUM,
        shared.QUEUED,
        *shared.MEASURED.with_ends,
        *shared.ERROR.with_ends,
        shared.TOTAL_MIN,
        Column("complete", FLAG, meaning="no: lacks layers that another choice has measured"),
        Column("covered_layers", INT, label="layers covered",
               meaning="layers that the sum covers"),
        shared.LAYER_COUNT.but(label="of layers"),
        Column("covered_macs_share", FLOAT, SHARE, label="MACs covered",
               meaning="of all multiply-accumulates"),
        Column("extrapolated_total_us", FLOAT, "µs", label="extrapolated",
               meaning="not measured: all layers, the others at the covered layers' operations per "
               "second"),
        Column("others", TEXT, label="the rest",
               meaning="what runs the layers that the choice does not name", shown="long"),
        Column("missing_layers", TEXT, label="lacks",
               meaning="layers that another choice has measured", shown="long"),
        Column("not_covered", TEXT, meaning="layers that the sum leaves out", shown="long"),
    ),
    title="Estimate",
    caption="Time of each network as the sum over the measured layers, each as often as the "
    "network runs it, for the best schedule and for each fixed choice. The fastest of several "
    "noisy medians is too short on average; the sum and its interval are corrected for that. "
    "Measured is the whole network in one run, where it was; the extrapolated column is not a "
    "measurement.",
    made_by="estimate.estimate",
    needs=_NEEDS,
    section="first",
    kept=("choice", "clean", "covered_layers", "layers", "covered_macs_share", "complete"),
    hidden=("operator", "tuner"),
)  # fmt: skip

SCHEDULE = Table(
    "schedule",
    (
        shared.NETWORK, *shared.GROUP, shared.POSITION, shared.SPECIES, shared.TENSOR,
        shared.LAYERS,
        Column("repeats", INT, meaning="layers of the network that run the tensor"),
        shared.OPERATOR, shared.TUNER,
        *_MEDIAN_TIME.with_ends,
        shared.GFLOPS,
        Column("total_us", FLOAT, "µs", label="total", meaning="all repeats together"),
        shared.SHARE_OF_SUM,
        Column("runner_up", TEXT, label="runner-up",
               meaning="the next fastest operator and tuner"),
        Column("runner_up_us", FLOAT, "µs", label="its median"),
        *Column("runner_up_ratio", FLOAT, RATIO, label="over the best",
                meaning="its median over the best's",
                interval=("runner_up_ci_low", "runner_up_ci_high")).with_ends,
        Column("distinguishable", FLAG, meaning="whether that interval excludes 1"),
    ),
    title="Best schedule",
    caption="For each tensor of the network, the operator and tuner with the smallest median, and "
    "whether the next best differs from it.",
    made_by="schedule.schedule",
    needs=_NEEDS,
    section="first",
    kept=("repeats", "operator", "tuner", "distinguishable"),
    last=("GFLOPS", "layers"),
)  # fmt: skip

CALIBRATED = (
    *Column("calibrated_us", FLOAT, "µs", label="calibrated",
            meaning="the estimate with one term that was fitted on other networks; empty: "
            "fewer than three of these",
            interval=("calibrated_ci_low_us", "calibrated_ci_high_us"),
            ends_are="the ends of the 95 % interval of what the network takes as a whole, by "
            "how far the others are from the fit").with_ends,
    *Column("calibrated_error", FLOAT, SHARE, meaning="calibrated over measured time, less 1",
            interval=("calibrated_error_ci_low", "calibrated_error_ci_high")).with_ends,
    Column("layer_cost_us", FLOAT, "µs", label="cost of a layer",
           meaning="the term, if it is added for each layer"),
    Column("sum_factor", FLOAT, RATIO, label="factor of the sum",
           meaning="the term, if the sum is multiplied by it"),
    Column("calibrated_on", INT, label="fitted on", meaning="other networks"),
)  # fmt: skip
"""What is known of an estimate by the measured times of other networks."""

END_TO_END = Table(
    "end_to_end",
    (
        shared.NETWORK, *shared.GROUP, shared.CHOICE, shared.LAYER_COUNT,
        *shared.TOTAL.but(label="estimate").with_ends,
        *shared.MEASURED.with_ends,
        *shared.ERROR.with_ends,
        Column("within_band", FLAG, label="within ±10 %", meaning="whether the error is"),
        shared.TOTAL_MIN,
        Column("measured_min_us", FLOAT, "µs", label="measured min",
               meaning="fastest run of the whole network"),
        Column("error_min", FLOAT, SHARE, label="error, min", meaning="the same by minima"),
        shared.QUEUED,
        Column("queued_error", FLOAT, SHARE, label="its error",
               meaning="of 'at least', over measured, less 1"),
        *CALIBRATED,
    ),
    title="Estimated against measured",
    caption="Networks that were measured as a whole. An operator alone is waited for after each "
    "run, a network once, so the sum is too long; 'at least' takes off what waiting for an empty "
    "kernel costs, which is more than a layer in a queue saves. The calibrated estimate has one "
    "term for each library, fitted on the other networks only: a cost for each layer, or a factor "
    "of the sum, whichever suits these better.",
    made_by="end_to_end.end_to_end",
    needs=_NEEDS,
    optional=True,
    section="first",
    kept=("network", "choice", "within_band"),
)  # fmt: skip

SUM_ERROR = Table(
    "sum_error",
    (
        shared.NETWORK, *shared.GROUP, shared.CHOICE, shared.LAYER_COUNT,
        *shared.TOTAL.but(meaning="plain sum of the layers' times alone").with_ends,
        Column("outside_alone_us", FLOAT, "µs", label="outside of nodes",
               meaning="of that: what one-node graphs take beside their nodes, for starting, "
               "waking threads and waiting"),
        Column("reorders_alone_us", FLOAT, "µs", label="reorders",
               meaning="of that: moving data at the ends of one-node graphs; empty: not timed, or "
               "within the nodes' times"),
        Column("own_us", FLOAT, "µs", label="own times",
               meaning="sum of the layers' own times: the nodes that compute them, alone"),
        Column("difference_us", FLOAT, "µs", label="slower alone",
               meaning="own times less the same layers' nodes inside: caches, kernels, tensors"),
        Column("inside_us", FLOAT, "µs", label="nodes inside",
               meaning="what the layers' nodes take in the network"),
        Column("reorders_inside_us", FLOAT, "µs", label="reorders inside",
               meaning="moving data in the network; empty as for one-node graphs"),
        Column("outside_inside_us", FLOAT, "µs", label="rest of the network",
               meaning="what the measured network takes beside its nodes: starting, waiting"),
        Column("measured_us", FLOAT, "µs", label="measured", meaning="the whole network"),
        *shared.ERROR.but(meaning="sum of layers over measured time, less 1").with_ends,
        Column("outside_error", FLOAT, SHARE, label="of it outside of nodes",
               meaning="alone less in the network, over measured time"),
        Column("reorders_error", FLOAT, SHARE, label="of it reorders",
               meaning="alone less in the network, over measured time"),
        Column("nodes_error", FLOAT, SHARE, label="of it the nodes",
               meaning="alone less in the network, over measured time"),
        Column("own_error", FLOAT, SHARE, label="error of the own times",
               meaning="sum of the layers' own times over measured time, less 1"),
        Column("timed_by", TEXT, meaning="how nodes were timed: the library's profile; calls; "
               "outputs; an empty kernel's wait; empty: not at all"),
    ),
    title="The error of the sum, taken apart",
    caption="Why the sum over layers measured alone is not the network's time. A graph of one node "
    "pays for its start, for waking threads and for reordering its ends each time, a network once. "
    "Nodes' times are the least of 15 runs, whole times are medians, so what varies from run to "
    "run counts as outside of nodes. The three parts add up to the error where all are known.",
    made_by="sum_error.sum_error",
    needs=_NEEDS,
    reads=("nodes",),
    optional=True,
    section="first",
    kept=("network", "library", "choice", "timed_by"),
)  # fmt: skip

NETWORK_LAYERS = Table(
    "network_layers",
    (
        shared.NETWORK, *shared.GROUP, shared.CHOICE,
        shared.POSITION.but(meaning="where it stands in the network, from 1"),
        shared.LAYER, shared.SPECIES, shared.TENSOR,
        shared.TUNER.but(meaning="of the layer"),
        *_MEDIAN_TIME.but(label="alone", meaning="median of its graph of one node").with_ends,
        Column("own_us", FLOAT, "µs", label="its own time alone",
               meaning="nodes of that graph that compute it"),
        Column("reorders_us", FLOAT, "µs", label="reorders alone",
               meaning="nodes of that graph that only move data"),
        Column("outside_us", FLOAT, "µs", label="outside of nodes", meaning="the rest of it"),
        Column("inside_us", FLOAT, "µs", label="inside",
               meaning="the layer's nodes in the whole network"),
        Column("own_over_inside", FLOAT, RATIO, label="alone over inside",
               meaning="its own time alone over that inside"),
        Column("kernel_alone", TEXT, meaning="kernels of the layer in its graph of one node"),
        Column("kernel_inside", TEXT, meaning="kernels of the layer in the network"),
        Column("fused_with", TEXT, meaning="layer whose nodes compute it, too, and have its time"),
    ),
    title="Layers alone and inside the network",
    caption="Each layer of the networks that were measured as a whole: as a graph of one node, and "
    "by the library's own account of the network. Empty: the library does not say.",
    made_by="sum_error.network_layers",
    needs=_NEEDS,
    reads=("nodes",),
    optional=True,
    kept=("layer", "kernel_alone", "kernel_inside"),
)  # fmt: skip

STUDY_FIGURE = Table(
    "study_figure",
    (
        shared.NETWORK, *shared.GROUP,
        *Column("study_us", FLOAT, "µs", label="study's sum", meaning="by median",
                interval=shared.CI_US).with_ends,
        Column("study_min_us", FLOAT, "µs", label="by minimum",
               meaning="each tensor at its fastest by minimum"),
        Column("conv_layers", INT, label="convolutions", meaning="that the sum covers"),
        Column("of_conv_layers", INT, label="of", meaning="convolutions of the network"),
        Column("tensors", INT, meaning="distinct ones"),
        Column("chosen", TEXT, meaning="what was fastest, for how many layers", shown="long"),
        Column("conv_not_covered", TEXT, label="not covered",
               meaning="convolutions that were not measured", shown="long"),
    ),
    title="The study's own figure",
    caption="Convolutions alone, each at the faster of conv and directconv with or without the "
    "tuner, as often as the network runs it: what the 2018 notebook ended with.",
    made_by="study_figure.study_figure",
    needs=_NEEDS,
    section="first",
    kept=("network", "conv_layers", "of_conv_layers"),
)  # fmt: skip

LAYER_TIMES = Table(
    "layer_times",
    (
        *_WHERE,
        shared.POSITION.but(meaning="where it stands in the network, from 1"),
        shared.LAYER, shared.SPECIES, shared.TENSOR,
        Column("layer_operator", TEXT, label="run by", meaning="operator of the layer"),
        Column("layer_tuner", TEXT, label="with tuner", meaning="tuner of the layer"),
        *_MEDIAN_TIME.with_ends,
        shared.MINIMUM.but(meaning="fastest run"),
        shared.SHARE_OF_SUM.but(meaning="of the sum over the covered layers"),
        Column("macs_share", FLOAT, SHARE, label="share of MACs",
               meaning="of the network's multiply-accumulates"),
    ),
    title="Every layer of every estimate",
    caption="In layer order; a layer that was not measured has no time.",
    made_by="estimate.layer_times",
    needs=_NEEDS,
    kept=("layer", "layer_operator", "layer_tuner"),
    hidden=("operator", "tuner"),
)  # fmt: skip

LAYER_SUM_CHECK = Table(
    "layer_sum_check",
    (
        shared.SYSTEM, shared.NETWORK, shared.MODEL,
        Column("half", TEXT, meaning="fitted on the other one"),
        Column("macs", INT, label="MACs", meaning="multiply-accumulates", shown="number"),
        Column("measured_ms", FLOAT, "ms", label="measured", meaning="as published"),
        Column("estimated_ms", FLOAT, "ms", label="estimated", meaning="from published layers"),
        Column("error", FLOAT, SHARE, meaning="estimate over measured time, less 1"),
        Column("scale", FLOAT, meaning="the one factor, as fitted on the other half"),
        Column("interpolated_share", FLOAT, SHARE, label="interpolated",
               meaning="of the estimate"),
    ),
    title="Layer-sum check, network by network",
    caption="Each network estimated by a factor that was fitted on the other half of them.",
    rule="layer_sum_check",
    kept=("network", "model"),
)  # fmt: skip

LAYER_SUM_SUMMARY = Table(
    "layer_sum_summary",
    (
        shared.SYSTEM, shared.MODEL,
        Column("networks", INT, meaning="that were measured and estimated"),
        Column("mean_error", FLOAT, SHARE, meaning="of networks that the fit did not see"),
        Column("largest_error", FLOAT, SHARE, meaning="among them"),
        Column("mean_error_all_splits", FLOAT, SHARE, label="over all halvings",
               meaning="mean error", interval=("splits_low", "splits_high"),
               ends_are="the 5 % and 95 % quantiles"),
        Column("splits_low", FLOAT, SHARE, meaning="5 % quantile over all halvings"),
        Column("splits_high", FLOAT, SHARE, meaning="95 % quantile over all halvings"),
        Column("fitted_error", FLOAT, SHARE, label="fitted to all",
               meaning="mean error of a fit that saw its answers"),
        Column("interpolation_error", FLOAT, SHARE, label="interpolating a layer",
               meaning="mean error for a timed convolution, from the others"),
    ),
    title="Layer-sum check",
    caption="Published network times against sums of published layer times; docs/layer-sums.md "
    "says how.",
    rule="layer_sum_check",
    kept=("model",),
)  # fmt: skip

CONFIGURATIONS = Table(
    "configurations",
    (
        shared.NETWORK,
        Column("variant", TEXT, meaning="network within its family: a pruning, a width and "
               "resolution"),
        shared.HARDWARE.but(meaning="platform, library and threads, or as the published table "
                            "calls it"),
        shared.PLATFORM, shared.LIBRARY, shared.THREADS,
        shared.DATA_TYPE,
        shared.MODE.but(meaning="clock or power mode, or the choice of operators"),
        Column("batch", INT, meaning="images in a batch, or threads or streams where a platform "
               "has these instead"),
        Column("streams", INT, meaning="requests at once; null: one after the other, or unknown"),
        shared.LATENCY.but(meaning="of a whole batch, the median"),
        shared.FRAMES,
        *shared.TOP1.but(meaning="accuracy of the first guess, measured here or else published",
                         interval=("top1_low_percent", "top1_high_percent")).with_ends,
        Column("top1_published_percent", FLOAT, "%", label="published",
               meaning="the published one in this data type; of fp16 that of fp32"),
        Column("power_w", FLOAT, "W", label="power", meaning="while it runs"),
        Column("energy_mj_per_frame", FLOAT, "mJ/frame", label="energy",
               meaning="power over frames a second"),
        Column("memory_mb", FLOAT, "MB", label="memory",
               meaning="peak that the model adds to what its process has resident"),
        Column("kind", TEXT, meaning="measured, estimated or published"),
        Column("source", TEXT, meaning="where the row is from"),
    ),
    title="Configurations",
    caption="Configurations of whole networks: measured end to end, estimated, or published by "
    "others.",
)  # fmt: skip
