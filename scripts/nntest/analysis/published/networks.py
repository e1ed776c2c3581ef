"""The networks that published tables name, as layer lists."""

from __future__ import annotations

from collections.abc import Mapping

from nntest.domain.networks import Network, cnv, mlp, mobilenet_v1
from nntest.domain.traffic import network_work

Published = Mapping[tuple[str, float], Network]
"""Networks by (name in the published table, percent of the channels that a pruning keeps)."""


def published_networks() -> dict[tuple[str, float], Network]:
    """Those of QuTiBench's networks whose layers are known: CNV, MLP, and MobileNet-v1 unpruned."""
    found: dict[tuple[str, float], Network] = {}
    for keep_percent in (100.0, 50.0, 25.0, 12.5):
        found["CNV", keep_percent] = cnv(keep_percent)
        found["MLP", keep_percent] = mlp(keep_percent)
    return {**found, ("MNv1", 100.0): mobilenet_v1(1.0, 224)}


def operations_of(networks: Published) -> dict[tuple[str, float], float]:
    """Operations of each network for one image, two for each multiply-accumulate."""
    return {key: float(network_work(network).operations) for key, network in networks.items()}


def label(network: str, pruning_percent: float) -> str:
    """A network and its pruning, e.g. 'CNV 12.5 %'."""
    return f"{network} {pruning_percent:g} %"
