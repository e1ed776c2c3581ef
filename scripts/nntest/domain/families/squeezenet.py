"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360), by the names of its Caffe files.

A fire module narrows its input by a 1 x 1 convolution and widens it by a 1 x 1 and a 3 x 3 one,
whose outputs are put one behind the other.  Pools take a last window that the input does not fill
(Caffe's rounding up); no convolution has a batch normalisation.
"""

from __future__ import annotations

from typing import Literal

from nntest.domain.families.building import Building
from nntest.domain.networks import Network

Version = Literal["1.0", "1.1"]

_FIRST: dict[Version, tuple[int, int]] = {"1.0": (96, 7), "1.1": (64, 3)}
"""Channels and kernel of the first convolution."""
_POOLED_BEFORE: dict[Version, tuple[int, ...]] = {"1.0": (2, 5, 9), "1.1": (2, 4, 6)}
"""Fire modules behind a pool; they are numbered from 2."""
# (channels of the squeeze, of each of the two expanding convolutions).
_FIRES = (
    (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256),
)  # fmt: skip


def squeezenet(
    version: Version, resolution: int = 224, classes: int = 1000, *, single_nodes: bool = False
) -> Network:
    """SqueezeNet of a version at an input resolution (pixels)."""
    net = Building(resolution)
    channels, kernel = _FIRST[version]
    net.conv("conv1", channels, kernel, 2, activation="relu", pad=0, bias=True)
    pools = 0
    for number, (squeezed, expanded) in enumerate(_FIRES, start=2):
        if number in _POOLED_BEFORE[version]:
            pools += 1
            _pool(net, f"pool{pools}")
        _fire(net, f"fire{number}", squeezed, expanded)
    net.conv("conv10", classes, activation="relu", bias=True)
    net.mean("pool10")
    net.softmax("prob")
    return net.network(f"squeezenet-{version}-{resolution}", single_nodes=single_nodes)


def _pool(net: Building, name: str) -> None:
    size = net.shapes[net.last][1]
    missing = (3 - size) % 2 if size > 3 else 3 - size  # to a last whole window of 3, strides of 2
    net.max_pool(name, 3, 2, (0, missing, 0, missing))


def _fire(net: Building, name: str, squeezed: int, expanded: int) -> None:
    source = net.conv(f"{name}/squeeze1x1", squeezed, activation="relu", bias=True)
    ones = net.conv(f"{name}/expand1x1", expanded, activation="relu", bias=True)
    threes = net.conv(
        f"{name}/expand3x3", expanded, 3, activation="relu", pad=1, bias=True, source=source
    )
    net.join(f"{name}/concat", "concat", ones, threes)
