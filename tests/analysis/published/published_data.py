"""QuTiBench's tables and the shipped platforms, for the tests of rooflines and imports."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from nntest.config.platform import Platform
from nntest.domain.networks import Layer, Network, mobilenet_v1
from nntest.domain.tensors import Tensor

HOME = Path(__file__).parents[3]
SHARED = HOME.parent / "shared" / "data"
QUTIBENCH = SHARED / "qutibench"
needs_data = pytest.mark.skipif(
    not QUTIBENCH.is_dir(), reason="needs ../shared/data/qutibench, which is not committed"
)


def platform(name):
    content = yaml.safe_load((HOME / f"config/platforms/{name}.yaml").read_text("utf-8"))
    return Platform.model_validate({"name": name, **content})


def shipped():
    names = sorted(path.stem for path in (HOME / "config/platforms").glob("*.yaml"))
    return [platform(name) for name in names]


def derived_networks():
    """CNV and MLP as the data folder's derived layer list has them."""
    rows = pd.read_csv(QUTIBENCH / "expected/cnv_mlp_layers_derived.csv")
    networks = []
    for name, layers in rows.groupby("network", sort=False):
        made = []
        for row in layers.itertuples():
            if row.layer.startswith("conv"):
                shape = (row.c_in, row.hw_in, row.hw_in, row.kernel, row.c_out, 1)
                tensor = Tensor.conv(*shape, (0, 0, 0, 0))
            else:
                tensor = Tensor("fullyconnected", (row.c_in, 1, 1, row.c_out, 1, 1))
            made.append(Layer(row.layer, tensor, row.params))
        networks.append(Network(name, tuple(made)))
    return networks


def published_networks():
    """The same by the names of the measurement table, and its MobileNet."""
    found = {}
    for network in derived_networks():
        name, pruning = network.name.split(" ")
        found[name, float(pruning.rstrip("%"))] = network
    return {**found, ("MNv1", 100.0): mobilenet_v1(1.0, 224)}
