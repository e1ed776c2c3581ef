"""The tables that set libraries against each other."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, RATIO, SHARE, TEXT, Column, Table

RANKED_WITHIN = (
    shared.NETWORK, shared.PLATFORM, shared.BATCH_SIZE, shared.DATA_TYPE, shared.THREADS,
    shared.CORES,
)  # fmt: skip
"""What libraries are ranked within."""
_OVER_FASTEST = Column(
    "over_fastest", FLOAT, RATIO, label="times the fastest",
    meaning="its time over the fastest library's",
    interval=("over_fastest_ci_low", "over_fastest_ci_high"),
)  # fmt: skip

NETWORK_RANKING = Table(
    "network_ranking",
    (
        *RANKED_WITHIN,
        Column("rank", INT, meaning="1: the fastest; empty: a bound that nobody can deploy"),
        shared.LIBRARY,
        Column("choice", TEXT, label="settings", meaning="that the library ran it with"),
        Column("basis", TEXT, meaning="measured: the whole network in one process; estimated: the "
               "sum over its layers; bound: the fastest library for each layer"),
        *Column("time_us", FLOAT, "µs", label="time", meaning="median of the whole network",
                interval=shared.CI_US).with_ends,
        *shared.RUNS_OF_SUM,
        *_OVER_FASTEST.with_ends,
        shared.VERDICT.but(meaning="no difference: the interval of the ratio crosses 1; covers "
                           "other layers: the sums do not compare"),
        Column("estimate_us", FLOAT, "µs", label="sum of layers",
               meaning="beside a measured time: the sum over its layers at the same settings"),
        Column("error", FLOAT, SHARE, label="sum off by", meaning="sum over measured time, less 1"),
        Column("covered_layers", INT, label="layers", meaning="layers that its time covers"),
        shared.LAYER_COUNT.but(label="of"),
        Column("deployable", FLAG, meaning="whether one program can run the network so"),
    ),
    title="Libraries, by whole networks",
    caption="Which library runs each network fastest, and by how much. Every library is taken at "
    "the settings that ran the whole network fastest. The last row of a group cannot be "
    "deployed: it sums up the fastest library for each layer, pays nothing for going from one to "
    "the other, and bounds such sums from below.",
    made_by="library_ranking.network_ranking",
    needs=("networks", "padding", "seed"),
    optional=True,
    section="libraries",
    kept=("rank", "library", "choice", "basis", "verdict"),
    hidden=("deployable",),
)  # fmt: skip

LAYER_RANKING = Table(
    "layer_ranking",
    (
        *RANKED_WITHIN,
        shared.POSITION,
        shared.SPECIES,
        shared.TENSOR,
        shared.LAYERS,
        Column("repeats", INT, meaning="layers of the network that run the tensor"),
        shared.LIBRARY.but(meaning="the fastest library"),
        shared.OPERATOR,
        shared.TUNER.but(label="settings"),
        *Column("time_us", FLOAT, "µs", label="time", meaning="median of one run",
                interval=shared.CI_US).with_ends,
        *shared.RUNS,
        Column("second_library", TEXT, label="next library", meaning="the fastest other library"),
        Column("second_choice", TEXT, label="its settings", meaning="operator and tuner"),
        Column("second_us", FLOAT, "µs", label="its time", meaning="median of one run"),
        *_OVER_FASTEST.but(label="times the fastest",
                           meaning="the next library's time over the fastest one's").with_ends,
        shared.VERDICT.but(meaning="slower: the next library is; no difference: the interval of "
                           "the ratio crosses 1"),
        Column("libraries", INT, meaning="libraries that measured the tensor"),
        Column("share_of_roof", FLOAT, SHARE, meaning="of what the board's first roof allows"),
        Column("bound", TEXT, meaning="what bounds the layer there: compute or memory"),
        *shared.KERNEL_RAN,
    ),
    title="Libraries, by layer",
    caption="For each layer the fastest library with its settings, how far behind the next one is, "
    "and what share of the board's roof the fastest reaches.",
    made_by="library_ranking.layer_ranking",
    needs=("networks", "padding", "seed"),
    reads=("roofline",),
    optional=True,
    section="libraries",
    kept=("library", "tuner", "verdict"),
    last=("repeats", "libraries", "layers"),
)  # fmt: skip


_OF_SINGLE = "over fp32's time, more (or less) than in fp32"
AGAINST_FP32 = Table(
    "against_fp32",
    (
        *shared.KEY[:2],
        Column("single_library", TEXT, label="fp32 library", meaning="what it is compared with"),
        shared.DATA_TYPE,
        *shared.KEY[2:],
        shared.LAYERS,
        Column("single_us", FLOAT, "µs", label="fp32", meaning="median of one run in fp32"),
        Column("time_us", FLOAT, "µs", label="time", meaning="median of one run"),
        *Column("ratio", FLOAT, RATIO, meaning="its time over fp32's: below 1 it is faster",
                interval=shared.CI).with_ends,
        Column("p_adjusted", FLOAT, label="p", meaning="that the two do not differ by more than "
               "5 %, adjusted over the points of the pair of libraries"),
        shared.VERDICT.but(meaning="gains, loses: it differs significantly and by more than 5 %; "
                           "failed: it has no right output in the data type"),
        Column("why", TEXT, meaning="what computed it, in place of what in fp32; of a failure its "
               "status", shown="long"),
        Column("kernels_change", FLOAT, SHARE, label="kernels",
               meaning=f"nodes that compute, {_OF_SINGLE}"),
        Column("reorders_change", FLOAT, SHARE, label="reorders",
               meaning=f"nodes that only move data, {_OF_SINGLE}"),
        Column("outside_change", FLOAT, SHARE, label="outside of nodes",
               meaning=f"starting, waking threads, waiting, {_OF_SINGLE}"),
        Column("compared_runs", TEXT, label="runs", meaning="that are compared: clean, or all"),
        Column("single_n", INT, label="fp32 n", meaning="independent units of the test in fp32"),
        Column("n", INT, meaning="independent units of the test"),
        Column("single_computed_by", TEXT, label="fp32 by",
               meaning="kernels that computed it in fp32", shown="long"),
        Column("computed_by", TEXT, label="computed by", meaning="kernels that computed it",
               shown="long"),
    ),
    title="Layers and networks, against fp32",
    caption="The same library, version and settings on the same tensor in another data type and in "
    "fp32. A layer in int8 has integers for input and output, as inside of a network (on ncnn "
    "floats). The three changes add up to the ratio less 1, where the library's nodes were timed.",
    made_by="against_fp32.against_fp32",
    needs=("networks", "padding", "seed"),
    reads=("nodes",),
    optional=True,
    section="data_types",
    kept=("library", "ratio", "verdict", "why"),
    hidden=("species",),  # the operator says it
    last=(
        *("p_adjusted", "compared_runs", "single_n", "n"),
        *("single_computed_by", "computed_by", "layers"),
    ),
)  # fmt: skip
