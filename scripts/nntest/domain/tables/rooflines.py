"""The tables of the roofline model."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, SHARE, TEXT, Column, Table

ROOFLINE = Table(
    "roofline",
    (
        *shared.KEY, shared.BOARD, shared.DATA_TYPE, shared.LAYERS,
        Column("median_us", FLOAT, "µs", label="median", meaning="median of the repetitions"),
        shared.MINIMUM,
        Column("gop", FLOAT, "GOP", label="", meaning="operations of a batch"),
        shared.ACHIEVED,
        Column("best_gops", FLOAT, "GOP/s", label="best",
               meaning="the same for the fastest repetition"),
        shared.TRAFFIC_MODEL, shared.INTENSITY, shared.CEILING, shared.RANK, shared.PEAK,
        shared.BANDWIDTH, shared.ATTAINABLE, shared.BOUND,
        Column("share_of_roof", FLOAT, SHARE, label="share of the roof",
               meaning="achieved over attainable"),
    ),
    title="Measured points under the roofs",
    caption="A row for each point and ceiling of its board; a point without a ceiling has one row.",
    made_by="roofline.measured.roofline_points",
    needs=("networks", "padding", "roofs", "traffic_model", "seed"),
    kept=("operator", "tuner", "ceiling"),
    hidden=("board", "rank"),
)  # fmt: skip

ROOFS = Table(
    "roofs",
    (
        shared.PLATFORM, shared.PLATFORM_FILE, shared.DATA_TYPE, shared.CEILING,
        shared.RANK, shared.PEAK, shared.BANDWIDTH,
        Column("bandwidth_kind", TEXT, meaning="what the bandwidth is: a data sheet's, measured, "
               "…"),
        shared.RIDGE,
        Column("peak_source", TEXT, meaning="where the peak is from"),
        Column("bandwidth_source", TEXT, meaning="where the bandwidth is from"),
    ),
    title="Ceilings of the platforms",
    caption="A row for each ceiling; each figure with its source.",
)  # fmt: skip

PREDICTION = Table(
    "prediction",
    (
        shared.NETWORK, shared.PLATFORM, shared.PLATFORM_FILE, shared.DATA_TYPE,
        shared.CEILING, shared.RANK, shared.TRAFFIC_MODEL, shared.BATCH_SIZE,
        shared.OPERATIONS, shared.WEIGHTS, shared.INTENSITY, shared.RIDGE,
        shared.ATTAINABLE, shared.BOUND, shared.FRAMES, shared.LATENCY,
        Column("peak_frames_per_s", FLOAT, "frames/s", label="peak", meaning="were memory free"),
        Column("layers_frames_per_s", FLOAT, "frames/s", label="layer by layer",
               meaning="every layer bound by its own intensity"),
    ),
    title="Predicted frames a second",
    caption="What the roofline model allows each network on each platform and data type; no "
    "measurement.",
)  # fmt: skip

INTENSITIES = Table(
    "intensities",
    (
        shared.NETWORK,
        shared.LAYER.but(meaning="empty: the whole network"),
        shared.SPECIES, shared.TENSOR, shared.DATA_TYPE, shared.TRAFFIC_MODEL,
        shared.BATCH_SIZE, shared.OPERATIONS, shared.WEIGHTS,
        Column("activations", INT, meaning="values of the layers' inputs and outputs, one image"),
        Column("bytes_per_image", FLOAT, "bytes an image", label="", meaning="memory traffic"),
        shared.INTENSITY,
    ),
    title="Operations a byte, by network and layer",
    caption="A row for each network (empty layer) and layer, data type, traffic model, batch.",
)  # fmt: skip
