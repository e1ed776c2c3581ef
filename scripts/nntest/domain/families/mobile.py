"""Networks of inverted residual blocks: MobileNet-v2 and -v3, EfficientNet-Lite0.

A block widens its input by a 1 x 1 convolution, filters each channel by itself, and narrows it by
another 1 x 1 convolution without an activation; its input is added where it has the same shape.
MobileNet-v2 is table 2 of Sandler et al. 2018 (arXiv:1801.04381), MobileNet-v3 tables 1 and 2 of
Howard et al. 2019 (arXiv:1905.02244), both with the layer names of TensorFlow's slim models and
their classifier, a 1 x 1 convolution on the pooled features.  EfficientNet-Lite0 is the
EfficientNet-B0 of Tan and Le 2019 (arXiv:1905.11946, table 1) without squeeze and excite and with
ReLU6 (github.com/tensorflow/tpu, models/official/efficientnet/lite).
"""

from __future__ import annotations

from dataclasses import dataclass

from nntest.domain.families.building import Building, divisible
from nntest.domain.networks import Network

_SQUEEZE = 4
"""A squeeze keeps one in so many channels."""


@dataclass(frozen=True)
class _Block:
    """An inverted residual block."""

    expanded: int
    """Channels in its middle."""
    channels: int
    """Channels of its output."""
    kernel: int
    stride: int
    activation: str = "relu6"
    squeezes: bool = False


def _add_block(net: Building, name: str, block: _Block) -> None:
    source = net.last
    if block.expanded != net.channels:
        net.conv(f"{name}/expand", block.expanded, activation=block.activation)
    net.depthwise(f"{name}/depthwise", block.kernel, block.stride, block.activation)
    if block.squeezes:
        _squeeze_and_excite(net, f"{name}/squeeze_excite")
    net.conv(f"{name}/project", block.channels)
    if net.shapes[source] == net.shapes[net.last]:
        net.join(f"{name}/add", "add", net.last, source)


def _squeeze_and_excite(net: Building, name: str) -> None:
    """Weigh each channel by a number that all of them together decide."""
    source, channels = net.last, net.channels
    net.mean(f"{name}/mean")
    net.conv(f"{name}/reduce", divisible(channels / _SQUEEZE), activation="relu", bias=True)
    weights = net.conv(f"{name}/expand", channels, activation="hard-sigmoid", bias=True)
    net.join(f"{name}/mul", "mul", source, weights)


def _block_name(index: int) -> str:
    return f"expanded_conv_{index}" if index else "expanded_conv"


# -- MobileNet-v2 --------------------------------------------------------------------------

# (expansion factor, output channels, blocks, stride of the first one).
_MOBILENET_V2 = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def mobilenet_v2(
    width: float, resolution: int, classes: int = 1001, *, single_nodes: bool = False
) -> Network:
    """MobileNet-v2 at a width multiplier, which widens the last convolution, and never narrows it.

    `resolution`: pixels; `single_nodes`: see `Building.network`.
    """
    net = Building(resolution)
    net.conv("Conv", divisible(32 * width), 3, 2, activation="relu6")
    index = 0
    for factor, channels, blocks, first_stride in _MOBILENET_V2:
        for number in range(blocks):
            block = _Block(
                expanded=factor * net.channels,
                channels=divisible(channels * width),
                kernel=3,
                stride=1 if number else first_stride,
            )
            _add_block(net, _block_name(index), block)
            index += 1
    net.conv("Conv_1", divisible(1280 * max(width, 1.0)), activation="relu6")
    _slim_classifier(net, classes)
    return net.network(f"mobilenet-v2-{float(width)}-{resolution}", single_nodes=single_nodes)


def _slim_classifier(net: Building, classes: int) -> None:
    net.conv("Logits/Conv2d_1c_1x1", classes, bias=True, source=_pooled(net))
    net.softmax("Predictions")


def _pooled(net: Building) -> str:
    """The mean of each channel; what is pooled already stays."""
    return net.last if net.shapes[net.last][1:] == (1, 1) else net.mean("Logits/AvgPool")


# -- MobileNet-v3 --------------------------------------------------------------------------

_RE, _HS = "relu", "hard-swish"
_MOBILENET_V3 = {
    "large": (
        _Block(16, 16, 3, 1, _RE), _Block(64, 24, 3, 2, _RE), _Block(72, 24, 3, 1, _RE),
        _Block(72, 40, 5, 2, _RE, True), _Block(120, 40, 5, 1, _RE, True),
        _Block(120, 40, 5, 1, _RE, True), _Block(240, 80, 3, 2, _HS), _Block(200, 80, 3, 1, _HS),
        _Block(184, 80, 3, 1, _HS), _Block(184, 80, 3, 1, _HS), _Block(480, 112, 3, 1, _HS, True),
        _Block(672, 112, 3, 1, _HS, True), _Block(672, 160, 5, 2, _HS, True),
        _Block(960, 160, 5, 1, _HS, True), _Block(960, 160, 5, 1, _HS, True),
    ),
    "small": (
        _Block(16, 16, 3, 2, _RE, True), _Block(72, 24, 3, 2, _RE), _Block(88, 24, 3, 1, _RE),
        _Block(96, 40, 5, 2, _HS, True), _Block(240, 40, 5, 1, _HS, True),
        _Block(240, 40, 5, 1, _HS, True), _Block(120, 48, 5, 1, _HS, True),
        _Block(144, 48, 5, 1, _HS, True), _Block(288, 96, 5, 2, _HS, True),
        _Block(576, 96, 5, 1, _HS, True), _Block(576, 96, 5, 1, _HS, True),
    ),
}  # fmt: skip
_MOBILENET_V3_LAST = {"large": (960, 1280), "small": (576, 1024)}
"""Channels of the last convolution before the pooling, and of the one behind it."""


def mobilenet_v3(
    size: str, resolution: int, classes: int = 1001, *, single_nodes: bool = False
) -> Network:
    """MobileNet-v3, `large` or `small`, of width 1.0."""
    net = Building(resolution)
    net.conv("Conv", 16, 3, 2, activation="hard-swish")
    for index, block in enumerate(_MOBILENET_V3[size]):
        _add_block(net, _block_name(index), block)
    before, behind = _MOBILENET_V3_LAST[size]
    net.conv("Conv_1", before, activation="hard-swish")
    net.mean("AvgPool")
    net.conv("Conv_2", behind, activation="hard-swish", bias=True)
    _slim_classifier(net, classes)
    return net.network(f"mobilenet-v3-{size}-{resolution}", single_nodes=single_nodes)


# -- EfficientNet-Lite0 --------------------------------------------------------------------

# (kernel, stride of the first block, expansion factor, output channels, blocks).
_EFFICIENTNET_B0 = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip


def efficientnet_lite0(
    resolution: int, classes: int = 1000, *, single_nodes: bool = False
) -> Network:
    """EfficientNet-Lite0 at an input resolution (pixels)."""
    net = Building(resolution)
    net.conv("stem", 32, 3, 2, activation="relu6")
    index = 0
    for kernel, first_stride, factor, channels, blocks in _EFFICIENTNET_B0:
        for number in range(blocks):
            stride = 1 if number else first_stride
            block = _Block(factor * net.channels, channels, kernel, stride)
            _add_block(net, f"blocks_{index}", block)
            index += 1
    net.conv("head", 1280, activation="relu6")
    net.mean("pool")
    net.fully_connected("dense", classes)
    net.softmax("softmax")
    return net.network(f"efficientnet-lite0-{resolution}", single_nodes=single_nodes)
