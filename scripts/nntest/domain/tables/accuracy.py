"""The tables of accuracy: what whole networks made of the images that they were given."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, Column, Table
from nntest.domain.tables.measurements import EMULATED, PROCESS, WARMUP

IMAGES = Column("images", INT, meaning="that were classified")
_PERCENT = "%"
_WILSON = "the ends of Wilson's 95 % interval"

ACCURACY_RUNS = Table(
    "accuracy_runs",
    (
        *shared.REPETITION,
        PROCESS,
        IMAGES,
        Column("top1", INT, meaning="of these, with the right class as the first guess"),
        Column("top5", INT, meaning="of these, with the right class among the first five"),
        shared.STATUS,
        shared.REASON,
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Classified images",
    caption="One row for each part of the images of a network's `accuracy`.",
    rule="tidy",
    optional=True,
    hidden=("process_id",),
)  # fmt: skip

ACCURACY = Table(
    "accuracy",
    (
        shared.NETWORK, shared.PLATFORM, shared.LIBRARY, shared.DATA_TYPE, shared.TUNER,
        IMAGES,
        *Column("top1_percent", FLOAT, _PERCENT, label="top-1",
                meaning="the right class is the first guess", ends_are=_WILSON,
                interval=("top1_low_percent", "top1_high_percent")).with_ends,
        *Column("top5_percent", FLOAT, _PERCENT, label="top-5",
                meaning="the right class is among the first five guesses", ends_are=_WILSON,
                interval=("top5_low_percent", "top5_high_percent")).with_ends,
        Column("top1_published_percent", FLOAT, _PERCENT, label="published top-1",
               meaning="in this data type; of fp16 that of fp32"),
        Column("top5_published_percent", FLOAT, _PERCENT, label="published top-5",
               meaning="of the network in fp32"),
        shared.NOTE,
    ),
    title="Accuracy",
    caption="What each library made of the images in the network's `accuracy`. The interval is of "
    "the accuracy on all images of which these are a sample; the published one is of another set, "
    "unless the images are that set.",
    made_by="accuracy.accuracy",
    needs=("accuracies",),
    reads=("accuracy_runs",),
    optional=True,
    section="first",
    kept=("network", "library", "tuner", "images"),
)  # fmt: skip
