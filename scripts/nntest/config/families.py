"""Families of networks that are generated: what a network file says of one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nntest.config.fields import Strict
from nntest.domain.families.mobile import efficientnet_lite0, mobilenet_v2, mobilenet_v3
from nntest.domain.families.resnet import resnet
from nntest.domain.families.squeezenet import squeezenet
from nntest.domain.networks import Network, cnv, mlp, mobilenet_v1

Classes = Annotated[int, Field(ge=2)]
Resolution = Annotated[int, Field(ge=64, le=2048, description="input pixels, a side")]
AsText = BeforeValidator(str)
"""YAML reads a version without quotes as a number."""


class Family(Strict):
    """What all families are built by."""

    def build(self, *, single_nodes: bool) -> Network:
        """The network; `single_nodes`: see `nntest.domain.families.building.Building.network`."""
        raise NotImplementedError


class MobileNetV1(Family):
    """Layers generated from the width multiplier and the input resolution."""

    family: Literal["mobilenet-v1"]
    width: float = Field(gt=0, le=4)
    resolution: int = Field(ge=32, le=2048, multiple_of=32, description="input pixels, a side")
    classes: Classes = 1001

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`; it is a chain."""
        return mobilenet_v1(self.width, self.resolution, self.classes)


class Pruned(Family):
    """QuTiBench's CNV (CIFAR-10) or MLP (MNIST), with a share of each layer's channels."""

    family: Literal["cnv", "mlp"]
    keep_percent: float = Field(
        default=100, gt=0, le=100, description="share of the channels that a pruning keeps"
    )
    classes: Classes = 10

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`; it is a chain."""
        return {"cnv": cnv, "mlp": mlp}[self.family](self.keep_percent, self.classes)


class MobileNetV2(Family):
    """Inverted residual blocks, by width multiplier and input resolution."""

    family: Literal["mobilenet-v2"]
    width: float = Field(gt=0, le=4)
    resolution: Resolution
    classes: Classes = 1001

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`."""
        return mobilenet_v2(self.width, self.resolution, self.classes, single_nodes=single_nodes)


class MobileNetV3(Family):
    """Inverted residual blocks with squeeze and excite, of width 1.0."""

    family: Literal["mobilenet-v3"]
    size: Literal["small", "large"]
    resolution: Resolution
    classes: Classes = 1001

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`."""
        return mobilenet_v3(self.size, self.resolution, self.classes, single_nodes=single_nodes)


class EfficientNetLite0(Family):
    """EfficientNet-B0 without squeeze and excite, with ReLU6."""

    family: Literal["efficientnet-lite0"]
    resolution: Resolution
    classes: Classes = 1000

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`."""
        return efficientnet_lite0(self.resolution, self.classes, single_nodes=single_nodes)


class ResNet(Family):
    """ResNet-18 or -50."""

    family: Literal["resnet"]
    depth: Literal[18, 50]
    version: Annotated[Literal["1", "1.5"], AsText] = Field(
        default="1.5",
        description="of depth 50: where a block strides, in its first convolution as in the paper "
        "(1), or in its 3 x 3 one as in torchvision and MLPerf (1.5)",
    )
    resolution: Resolution = 224
    classes: Classes = 1000

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`."""
        return resnet(
            self.depth, self.version, self.resolution, self.classes, single_nodes=single_nodes
        )


class SqueezeNet(Family):
    """SqueezeNet 1.0, or 1.1 with 2.4 times less work."""

    family: Literal["squeezenet"]
    version: Annotated[Literal["1.0", "1.1"], AsText]
    resolution: Resolution = 224
    classes: Classes = 1000

    def build(self, *, single_nodes: bool) -> Network:
        """See `Family.build`."""
        return squeezenet(self.version, self.resolution, self.classes, single_nodes=single_nodes)


AnyFamily = (
    MobileNetV1 | Pruned | MobileNetV2 | MobileNetV3 | EfficientNetLite0 | ResNet | SqueezeNet
)
