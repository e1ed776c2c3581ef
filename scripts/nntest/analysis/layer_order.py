"""Every layer of every network in its order, with all that is known of it, for its picture."""

from __future__ import annotations

import pandas as pd

from nntest.analysis.uniform_schedules import BEST
from nntest.domain.blocks import blocks, name_in_block
from nntest.domain.tables.column import names
from nntest.domain.tables.shared import GROUP, KEY

_GROUP = ["network", *names(GROUP)]
_POINT = [*names(KEY)]


def layers_in_order(
    layer_times: pd.DataFrame,
    summary: pd.DataFrame,
    roofline: pd.DataFrame,
    network_layers: pd.DataFrame,
) -> pd.DataFrame:
    """The rows of the table `layer_times` at the best schedule, in network order.

    Further columns: `block` and `name` within it; `kernel_ran`; `inside_us`, the layer's nodes in
    the whole network; `share_of_roof`, `bound` and `ceiling` under the first ceiling of the board,
    and `roof_us`, the time that this roof allows.  What is not known is null, or empty.
    """
    best = layer_times[layer_times["choice"] == BEST]
    best = best.drop(columns=["choice", "operator", "tuner"]).rename(
        columns={"layer_operator": "operator", "layer_tuner": "tuner"}
    )
    first = roofline[roofline["rank"].isna() | (roofline["rank"] == 0)]
    under = first.drop_duplicates(_POINT)[[*_POINT, "share_of_roof", "bound", "ceiling"]]
    ran = summary.drop_duplicates(_POINT)[[*_POINT, "kernel_ran"]]
    inside = network_layers[network_layers["choice"] == BEST]
    inside = inside.drop_duplicates([*_GROUP, "position"])[[*_GROUP, "position", "inside_us"]]
    found = best.merge(under, "left", _POINT).merge(ran, "left", _POINT)
    found = found.merge(inside, "left", [*_GROUP, "position"])
    found["roof_us"] = found["time_us"] * found["share_of_roof"]
    texts = ["kernel_ran", "bound", "ceiling"]
    found[texts] = found[texts].fillna("")
    named = [_named(rows) for _, rows in found.groupby("network", sort=False)]
    return pd.concat(named) if named else found.assign(block="", name="")


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one network, with the block of each layer and its name within it."""
    layers = rows.drop_duplicates("position").sort_values("position")
    block_of = dict(zip(layers["position"], blocks(list(layers["layer"])), strict=True))
    block = [block_of[position] for position in rows["position"]]
    name = [name_in_block(*pair) for pair in zip(rows["layer"], block, strict=True)]
    return rows.assign(block=block, name=name).sort_values("position", kind="stable")
