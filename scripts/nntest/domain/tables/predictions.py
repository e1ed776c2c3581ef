"""The tables of networks that were not measured in all their layers."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, SHARE, TEXT, Column, Table

_ENDS = ("low_us", "high_us")

PREDICTED_LAYERS = Table(
    "predicted_layers",
    (
        shared.NETWORK, *shared.GROUP, shared.POSITION, shared.LAYER, shared.SPECIES, shared.TENSOR,
        Column("is_predicted", FLAG, label="predicted", meaning="no: it was measured"),
        *Column("time_us", FLOAT, "µs", label="time", interval=_ENDS,
                meaning="median of the fastest choice, or predicted from other layers",
                ends_are="the ends of its interval: of 95 % if it was measured, 90 % if it is "
                "predicted").with_ends,
        Column("fitted_on", INT, meaning="measured layers of its kind that it is predicted from"),
    ),
    title="Layers of predicted networks",
    caption="Layers that a library has not measured are predicted from those of their species that "
    "it has, by operations, values touched and shape (docs/layer-prediction.md).",
    made_by="layer_prediction.predicted_layers",
    needs=("networks", "predict", "padding", "seed"),
    optional=True,
    kept=("layer", "is_predicted"),
)  # fmt: skip

PREDICTED_NETWORKS = Table(
    "predicted_networks",
    (
        shared.NETWORK, *shared.GROUP,
        shared.LAYER_COUNT.but(label="layers"),
        Column("predicted_layers", INT, label="predicted", meaning="of these, not measured"),
        *Column("total_us", FLOAT, "µs", label="predicted time", interval=_ENDS,
                meaning="sum over all layers, measured and predicted",
                ends_are="the sums of the layers' ends").with_ends,
        Column("predicted_share", FLOAT, SHARE, meaning="of the time, in predicted layers"),
        Column("not_predicted", TEXT, shown="long",
               meaning="layers of whose kind too few were measured"),
        Column("measure_next", TEXT, shown="long",
               meaning="tensors whose measurement would narrow the interval the most"),
    ),
    title="Predicted networks",
    caption="Networks of which a library has not measured all layers: no measurement. A sum over "
    "layers is longer or shorter than the network as a whole, which the estimates show where both "
    "were measured; the interval does not contain that.",
    made_by="layer_prediction.predicted_networks",
    reads=("predicted_layers",),
    optional=True,
    section="first",
    kept=("network", "library", "predicted_layers", "measure_next"),
)  # fmt: skip
