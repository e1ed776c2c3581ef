"""Memory traffic of work: bytes for each image under a named traffic model.

| model | memory traffic of an image |
|---|---|
| weights-per-image | every weight once for each image; activations are free (QuTiBench's page) |
| weights-per-batch | every weight once for each batch; activations are free |
| on-chip | none: weights and activations stay on the chip |
| weights-and-activations | weights once for each batch, each layer's input and output once |
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from nntest.domain.data_types import BITS
from nntest.domain.networks import Network
from nntest.domain.tensors import Tensor

TrafficModel = Literal[
    "weights-per-image", "weights-per-batch", "on-chip", "weights-and-activations"
]
TRAFFIC_MODELS: tuple[TrafficModel, ...] = get_args(TrafficModel)


@dataclass(frozen=True)
class Work:
    """Operations for one image, and the values (not bytes) that they touch."""

    operations: int
    weights: int
    inputs: int
    outputs: int

    def bytes_per_image(self, data_type: str, traffic: TrafficModel, batch_size: int = 1) -> float:
        """Memory traffic in bytes for each image of a batch of `batch_size`."""
        values = 0.0
        if traffic == "weights-per-image":
            values = self.weights
        elif traffic == "weights-per-batch":
            values = self.weights / batch_size
        elif traffic == "weights-and-activations":
            values = self.weights / batch_size + self.inputs + self.outputs
        return values * BITS[data_type] / 8

    def intensity(self, data_type: str, traffic: TrafficModel, batch_size: int = 1) -> float:
        """Operations for each byte of memory traffic; infinite where there is no traffic."""
        size = self.bytes_per_image(data_type, traffic, batch_size)
        return self.operations / size if size else math.inf


def tensor_work(tensor: Tensor) -> Work:
    """The work of one operator on one image.

    Operations are those executed (`Tensor.executed_flops`), weights without biases, of which
    there is one for each output channel.
    """
    return Work(
        operations=tensor.executed_flops(1),
        weights=tensor_weights(tensor),
        inputs=math.prod(tensor.in_shape),
        outputs=math.prod(tensor.out_shape),
    )


def tensor_weights(tensor: Tensor) -> int:
    """Weights of an operator, without its biases; 0 for the species that have none.

    Of an ONNX node all its parameters.
    """
    if tensor.node is not None:
        return tensor.node.parameters
    in_c, in_h, in_w = tensor.in_shape
    out_c, out_h, out_w = tensor.out_shape
    if tensor.species == "conv":
        return in_c * tensor.kernel**2 * out_c
    if tensor.species == "depthwiseconv":
        return in_c * tensor.kernel**2
    if tensor.species == "fullyconnected":
        return in_c * in_h * in_w * out_c * out_h * out_w
    if tensor.species == "gemm":
        return in_w * out_w
    return 0


def total_work(works: Iterable[Work]) -> Work:
    """The work of several things, one after the other."""
    listed = list(works)
    return Work(
        operations=sum(work.operations for work in listed),
        weights=sum(work.weights for work in listed),
        inputs=sum(work.inputs for work in listed),
        outputs=sum(work.outputs for work in listed),
    )


def network_work(network: Network) -> Work:
    """The work of a whole network on one image.

    Operations are two for each multiply-accumulate, as published figures count them: pooling and
    softmax are left out here (in MobileNet-v1 1.0-224 they are 0.005 % of all).
    """
    total = total_work(tensor_work(layer.tensor) for layer in network.layers)
    return replace(total, operations=2 * network.macs)


def layer_works(network: Network) -> Iterable[tuple[str, str, str, Work]]:
    """(layer, species, tensor, work) of each layer in order."""
    for layer in network.layers:
        yield layer.name, layer.species, layer.tensor.name, tensor_work(layer.tensor)
