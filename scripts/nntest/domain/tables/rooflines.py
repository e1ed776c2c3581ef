"""The tables of the roofline model."""

from __future__ import annotations

from nntest.domain.tables.column import FLOAT, INT, SHARE, TEXT, Column, Table
from nntest.domain.tables.shared import (
    ACHIEVED,
    ATTAINABLE,
    BANDWIDTH,
    BATCH_SIZE,
    BOARD,
    BOUND,
    CEILING,
    DATA_TYPE,
    FRAMES,
    INTENSITY,
    KEY,
    LATENCY,
    LAYER,
    LAYERS,
    MINIMUM,
    NETWORK,
    OPERATIONS,
    PEAK,
    PLATFORM,
    PLATFORM_FILE,
    RANK,
    RIDGE,
    SPECIES,
    TENSOR,
    TRAFFIC_MODEL,
    WEIGHTS,
)

ROOFLINE = Table(
    "roofline",
    (
        *KEY, BOARD, DATA_TYPE, LAYERS,
        Column("median_us", FLOAT, "µs", label="median", meaning="median of the repetitions"),
        MINIMUM,
        Column("gop", FLOAT, "GOP", label="", meaning="operations of a batch"),
        ACHIEVED,
        Column("best_gops", FLOAT, "GOP/s", label="best",
               meaning="the same for the fastest repetition"),
        TRAFFIC_MODEL, INTENSITY, CEILING, RANK, PEAK, BANDWIDTH, ATTAINABLE, BOUND,
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
        PLATFORM, PLATFORM_FILE, DATA_TYPE, CEILING, RANK, PEAK, BANDWIDTH,
        Column("bandwidth_kind", TEXT, meaning="what the bandwidth is: a data sheet's, measured, "
               "…"),
        RIDGE,
        Column("peak_source", TEXT, meaning="where the peak is from"),
        Column("bandwidth_source", TEXT, meaning="where the bandwidth is from"),
    ),
    title="Ceilings of the platforms",
    caption="Each figure with its source.",
    rule="predict",
)  # fmt: skip

PREDICTION = Table(
    "prediction",
    (
        NETWORK, PLATFORM, PLATFORM_FILE, DATA_TYPE, CEILING, RANK, TRAFFIC_MODEL, BATCH_SIZE,
        OPERATIONS, WEIGHTS, INTENSITY, RIDGE, ATTAINABLE, BOUND, FRAMES, LATENCY,
        Column("peak_frames_per_s", FLOAT, "frames/s", label="peak", meaning="were memory free"),
        Column("layers_frames_per_s", FLOAT, "frames/s", label="layer by layer",
               meaning="every layer bound by its own intensity"),
    ),
    title="Predicted frames a second",
    caption="What the roofline model allows each network on each platform and data type; no "
    "measurement.",
    rule="predict",
)  # fmt: skip

INTENSITIES = Table(
    "intensities",
    (
        NETWORK,
        LAYER.but(meaning="empty: the whole network"),
        SPECIES, TENSOR, DATA_TYPE, TRAFFIC_MODEL, BATCH_SIZE, OPERATIONS, WEIGHTS,
        Column("activations", INT, meaning="values of the layers' inputs and outputs, one image"),
        Column("bytes_per_image", FLOAT, "bytes an image", label="", meaning="memory traffic"),
        INTENSITY,
    ),
    title="Operations a byte, by network and layer",
    rule="predict",
)  # fmt: skip
