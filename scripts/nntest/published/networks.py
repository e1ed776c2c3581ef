"""The networks that published tables name, as layer lists."""

from __future__ import annotations

from collections.abc import Mapping

from nntest.networks import Network
from nntest.roofline.traffic import network_work

Published = Mapping[tuple[str, float], Network]
"""Networks by (name in the published table, percent of the channels that a pruning keeps)."""


def operations_of(networks: Published) -> dict[tuple[str, float], float]:
    """Operations of each network for one image, two for each multiply-accumulate."""
    return {key: float(network_work(network).operations) for key, network in networks.items()}


def label(network: str, pruning_percent: float) -> str:
    """A network and its pruning, e.g. 'CNV 12.5 %'."""
    return f"{network} {pruning_percent:g} %"
