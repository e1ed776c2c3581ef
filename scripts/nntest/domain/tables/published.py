"""The tables of what others published."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, RATIO, TEXT, Column, Table

_NETWORK = shared.NETWORK.but(meaning="as the table calls it")

PUBLISHED = Table(
    "published",
    (
        shared.FILE, shared.LINE, _NETWORK, shared.PRUNING, shared.HARDWARE, shared.MODE,
        shared.PLATFORM.but(meaning="title of the platform's file; empty: no file knows it"),
        shared.PLATFORM_FILE,
        Column("precision", TEXT, meaning="as the table writes it"),
        shared.DATA_TYPE.but(meaning="null where the precision is not a data type"),
        shared.BATCH_SIZE.but(meaning="the batch, or the threads, or the streams"),
        shared.LATENCY, shared.FRAMES,
        Column("system_frames_per_s", FLOAT, "frames/s", label="system", meaning="of the system"),
        Column("gops", FLOAT, "GOP/s", label="", meaning="throughput"),
        Column("system_gops", FLOAT, "GOP/s", label="system", meaning="throughput of the system"),
        shared.TOP1,
        Column("top5_percent", FLOAT, "%", label="top-5",
               meaning="accuracy of the first five guesses"),
        Column("base_power_w", FLOAT, "W", label="base power"),
        Column("idle_power_w", FLOAT, "W", label="idle power"),
        Column("full_power_w", FLOAT, "W", label="full power"),
        Column("gop_per_batch", FLOAT, "GOP a batch", label="", meaning="operations"),
        Column("energy_per_frame_j", FLOAT, "J/frame", label="",
               meaning="full power over frames a second"),
        Column("level", TEXT, meaning="as the table writes it"),
        Column("group", TEXT, meaning="of the page's charts"),
        Column("facet", TEXT, meaning="of the page's charts"),
        Column("measured", FLAG, meaning="has a latency"),
        Column("repaired", TEXT, meaning="cells that the config has repaired"),
    ),
    title="Published measurements",
    caption="Imported; not measured by this study.",
    rule="read_published",
)  # fmt: skip

PUBLISHED_OVERVIEW = Table(
    "published_overview",
    (
        shared.HARDWARE, shared.MODE, shared.PLATFORM, _NETWORK,
        Column("data_types", TEXT, meaning="that were measured; na: none"),
        Column("prunings_percent", TEXT, label="prunings %",
               meaning="that were measured; na: none"),
        Column("batch_thread_stream", TEXT, meaning="that were measured; na: none"),
        shared.LISTED, shared.WITH_LATENCY, shared.WITH_ACCURACY,
    ),
    title="What was published",
    caption="Configurations by platform and network, counted in the table.",
    rule="read_published",
)  # fmt: skip

PUBLISHED_FILTERS = Table(
    "published_filters",
    (
        shared.FILE,
        Column("step", TEXT, meaning="a filter of the page"),
        Column("rows", INT, meaning="that it leaves"),
    ),
    title="Rows that each filter leaves",
    caption="The filters are those of the published page.",
    rule="read_published",
)

PUBLISHED_FINDINGS = Table(
    "published_findings",
    (
        shared.FILE, shared.LINE,
        Column("kind", TEXT, meaning="kind of finding, see docs/rooflines.md"),
        Column("column", TEXT, meaning="of the file"),
        Column("value", TEXT, meaning="what the cell holds"),
        Column("expected", TEXT, meaning="what it should hold; empty: nothing here can say"),
        Column("message", TEXT, label="what is wrong", shown="long"),
        Column("repaired", FLAG, meaning="whether the config has it repaired"),
    ),
    title="What is wrong in the published tables",
    caption="Repaired only where the config says so.",
    rule="read_published",
    section="failures",
)  # fmt: skip

MEASURED_OVER_PREDICTED = Table(
    "measured_over_predicted",
    (
        shared.FILE, shared.LINE, _NETWORK, shared.PRUNING,
        Column("network_file", TEXT, meaning="the network by the name of its layers' file"),
        shared.PLATFORM, shared.PLATFORM_FILE, shared.DATA_TYPE, shared.BATCH_SIZE,
        shared.CEILING, shared.RANK, shared.TRAFFIC_MODEL, shared.INTENSITY,
        shared.ACHIEVED.but(meaning="the network's operations at the frames a second measured"),
        shared.ATTAINABLE, shared.BOUND, shared.FRAMES,
        Column("predicted_frames_per_s", FLOAT, "frames/s", label="predicted"),
        Column("measured_over_predicted", FLOAT, RATIO, label="measured / predicted",
               meaning="the share of the roof"),
    ),
    title="Published measurements over predictions",
    caption="One row for each measured row of the table, ceiling of its platform and traffic "
    "model.",
    rule="read_published",
)  # fmt: skip

PREDICTION_ERRORS = Table(
    "prediction_errors",
    (
        shared.PLATFORM, shared.DATA_TYPE, shared.CEILING, shared.TRAFFIC_MODEL,
        Column("of", TEXT, meaning="every row, or the best batch of each network and pruning"),
        Column("n", INT, meaning="rows"),
        Column("lowest", FLOAT, meaning="measured over predicted"),
        Column("median", FLOAT, meaning="measured over predicted"),
        Column("highest", FLOAT, meaning="measured over predicted"),
        Column("geometric_mean", FLOAT, meaning="measured over predicted"),
        Column("typical_factor", FLOAT, meaning="exp(mean |ln ratio|): off by, either way"),
        Column("above_roof", INT, label="above the roof", meaning="ratios that no roof allows"),
    ),
    title="How far predictions are off",
    caption="By traffic model: for every row, and for the best batch of each network alone.",
    rule="read_published",
    kept=("of",),
)  # fmt: skip

PAGE_ERRORS = Table(
    "page_errors",
    (
        Column("table", TEXT, meaning="of the page"),
        shared.LINE.but(meaning="of its file; null for what the page computes"),
        Column("what", TEXT, meaning="which figure"),
        Column("given", FLOAT, meaning="as the page has it"),
        Column("right", FLOAT, meaning="null where the page contradicts itself and nothing here "
               "can tell"),
        Column("difference_percent", FLOAT, "%", label="off by"),
        Column("why", TEXT, shown="long"),
    ),
    title="Errors of the published page",
    caption="Its own figures, beside what is right.",
    rule="read_published",
)  # fmt: skip
