"""ResNet-18 and ResNet-50 of He et al. 2015 (arXiv:1512.03385, table 1), by torchvision's names.

A block's output is the sum of what its convolutions make of its input and of the input itself,
which a 1 x 1 convolution brings into shape where the block changes it (the paper's option B).
"""

from __future__ import annotations

from typing import Literal

from nntest.domain.families.building import Building
from nntest.domain.networks import Network

Depth = Literal[18, 50]
Version = Literal["1", "1.5"]
"""Where a block of three convolutions strides: in its first one, as in the paper, or in its 3 x 3
one, as in torchvision and MLPerf, which is more work and more accurate."""

_BLOCKS: dict[Depth, tuple[int, ...]] = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
_WIDEN = 4
"""Channels of a block of three convolutions, over those of its 3 x 3 one."""


def resnet(
    depth: Depth,
    version: Version = "1.5",
    resolution: int = 224,
    classes: int = 1000,
    *,
    single_nodes: bool = False,
) -> Network:
    """ResNet of a depth at an input resolution (pixels); a depth of 18 has one version."""
    net = Building(resolution)
    net.conv("conv1", 64, 7, 2, activation="relu", pad=3)
    net.max_pool("maxpool", 3, 2, (1, 1, 1, 1))
    for stage, blocks in enumerate(_BLOCKS[depth]):
        for number in range(blocks):
            stride = 2 if stage and not number else 1
            name, channels = f"layer{stage + 1}.{number}", 64 * 2**stage
            source = net.last
            if depth == 18:
                _two_convolutions(net, name, channels, stride)
            else:
                _three_convolutions(net, name, channels, stride, version)
            made, shortcut = net.last, source
            if net.shapes[source] != net.shapes[made]:
                out = net.shapes[made][0]
                shortcut = net.conv(f"{name}.downsample", out, stride=stride, pad=0, source=source)
            net.join(f"{name}.add", "add", made, shortcut)
            net.activation(f"{name}.relu", "relu")
    net.mean("avgpool")
    net.fully_connected("fc", classes)
    net.softmax("softmax")
    suffix = f"-v{version}" if depth == 50 else ""
    return net.network(f"resnet-{depth}{suffix}-{resolution}", single_nodes=single_nodes)


def _two_convolutions(net: Building, name: str, channels: int, stride: int) -> None:
    net.conv(f"{name}.conv1", channels, 3, stride, activation="relu", pad=1)
    net.conv(f"{name}.conv2", channels, 3, pad=1)


def _three_convolutions(
    net: Building, name: str, channels: int, stride: int, version: Version
) -> None:
    first, second = (stride, 1) if version == "1" else (1, stride)
    net.conv(f"{name}.conv1", channels, 1, first, activation="relu", pad=0)
    net.conv(f"{name}.conv2", channels, 3, second, activation="relu", pad=1)
    net.conv(f"{name}.conv3", _WIDEN * channels, pad=0)
