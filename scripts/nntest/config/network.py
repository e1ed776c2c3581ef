"""A network file: a MobileNet-v1 by width and resolution, or a layer list of one's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nntest.config.fields import Name, Strict
from nntest.errors import UserError
from nntest.networks import Layer, Network, mobilenet_v1
from nntest.tensors import SPECIES, Tensor


class Accuracy(Strict):
    """Published accuracy on the network's data set."""

    top1_percent: float = Field(ge=0, le=100)
    top5_percent: float | None = Field(default=None, ge=0, le=100)
    source: str = Field(min_length=3)


class MobileNetV1(Strict):
    """Layers generated from the width multiplier and the input resolution."""

    family: Literal["mobilenet-v1"]
    width: float = Field(gt=0, le=4)
    resolution: int = Field(ge=32, le=2048, multiple_of=32, description="input pixels, a side")
    classes: int = Field(default=1001, ge=2)


class LayerLine(Strict):
    """One layer of a layer list."""

    name: str = Field(min_length=1)
    species: str = Field(description=f"one of {', '.join(SPECIES)}")
    tensor: str = Field(
        description="in CK-NNTest's naming; padding by side as top_bottom_left_right"
    )


class LayerList(Strict):
    """Layers as the user lists them, in the order in which they run."""

    family: Literal["layers"]
    layers: list[LayerLine] = Field(min_length=1)


class NetworkFile(Strict):
    """One network; the file's name without `.yaml` is its name."""

    name: Name
    description: str = ""
    definition: Annotated[MobileNetV1 | LayerList, Field(discriminator="family")]
    dataset: str | None = Field(
        default=None,
        description="CK-NNTest's data set with the network's convolutions, for CK archives",
    )
    accuracy: Accuracy | None = None

    def build(self) -> Network:
        """The network by its layers; `UserError` for a tensor name that is none."""
        if isinstance(self.definition, MobileNetV1):
            definition = self.definition
            network = mobilenet_v1(definition.width, definition.resolution, definition.classes)
            return Network(self.name, network.layers)
        layers = []
        for line in self.definition.layers:
            try:
                tensor = Tensor.parse(line.species, line.tensor)
            except UserError as error:
                raise UserError(
                    f"network {self.name}, layer {line.name}: {error.message}", error.hint
                ) from None
            layers.append(Layer(line.name, tensor, _parameters(tensor)))
        return Network(self.name, tuple(layers))


def _parameters(tensor: Tensor) -> int:
    """Weights and biases of a layer that is known by its tensor alone."""
    out_c, out_h, out_w = tensor.out_shape
    in_c, in_h, in_w = tensor.in_shape
    if tensor.species == "conv":
        return in_c * tensor.kernel**2 * out_c + out_c
    if tensor.species == "depthwiseconv":
        return in_c * tensor.kernel**2 + in_c
    if tensor.species == "fullyconnected":
        outputs = out_c * out_h * out_w
        return in_c * in_h * in_w * outputs + outputs
    return 0
