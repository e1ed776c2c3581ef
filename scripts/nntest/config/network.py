"""A network file: a generated family, a layer list of one's own, an ONNX or a TFLite file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from nntest.config.accuracy import Accuracy
from nntest.config.families import AnyFamily, Family
from nntest.config.fields import Name, Strict
from nntest.domain.networks import Layer, Network
from nntest.domain.tensor_suffixes import NO_ACTIVATION
from nntest.domain.tensors import SPECIES, Tensor
from nntest.errors import UserError

if TYPE_CHECKING:
    from nntest.domain.onnx_files.whole_model import WholeModel

Size = Annotated[int, Field(ge=1)]


GRAPH_FILES = {".onnx": "onnx", ".tflite": "tflite"}
"""The family of a file of others, by the ending of its name."""


class GraphFile(Strict):
    """A network's file in a format of others."""

    file: Path = Field(description="path, relative to the folder of this file")
    leave_out: list[str] = Field(
        default_factory=list,
        description="nodes that no operator can compute and that the network is used without",
    )

    @field_validator("file")
    @classmethod
    def _beside_the_network_file(cls, file: Path, info: ValidationInfo) -> Path:
        return Path((info.context or {}).get("folder", "")) / file


class TfliteFile(GraphFile):
    """Layers read from a TFLite file."""

    family: Literal["tflite"]


class OnnxFile(GraphFile):
    """Layers read from an ONNX file."""

    family: Literal["onnx"]
    inputs: dict[str, list[Size]] = Field(
        default_factory=dict,
        description="sizes of inputs, e.g. x: [1, 3, 480, 640], where the file leaves them open",
    )
    weights: Literal["file", "drawn"] = Field(
        default="file",
        description="when it runs whole: its own weights, or drawn ones, for a file without any",
    )
    ranges: dict[str, tuple[int, int]] = Field(
        default_factory=dict,
        description="when it runs whole: smallest and largest value of inputs of integers, e.g. "
        "ids: [0, 30521]; default: 0 and 1",
    )

    @field_validator("ranges")
    @classmethod
    def _ascending(cls, ranges: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (least, largest) in ranges.items():
            if least > largest:
                raise ValueError(f"{name}: {least} is above {largest}")
        return ranges

    def whole_model(self) -> WholeModel:
        """The file as it runs whole."""
        from nntest.domain.onnx_files.whole_model import WholeModel  # as in `NetworkFile.build`

        return WholeModel(self.file, self.inputs, self.weights, self.ranges)


class LayerLine(Strict):
    """One layer of a layer list."""

    name: str = Field(min_length=1)
    species: str = Field(description=f"one of {', '.join(SPECIES)}")
    tensor: str = Field(
        description="in CK-NNTest's naming; padding by side as top_bottom_left_right; behind it "
        "the layer's activation, as +relu6"
    )


class LayerList(Strict):
    """Layers as the user lists them, in the order in which they run."""

    family: Literal["layers"]
    layers: list[LayerLine] = Field(min_length=1)


class NetworkFile(Strict):
    """One network; the file's name without `.yaml` is its name."""

    name: Name
    description: str = ""
    definition: Annotated[
        AnyFamily | OnnxFile | TfliteFile | LayerList, Field(discriminator="family")
    ]
    dataset: str | None = Field(
        default=None,
        description="CK-NNTest's data set with the network's convolutions, for CK archives",
    )
    accuracy: Accuracy | None = None

    @model_validator(mode="after")
    def _has_weights_that_classify(self) -> Self:
        if self.accuracy is None or not self.accuracy.is_measured:
            return self
        if not isinstance(self.definition, OnnxFile):
            raise ValueError(
                f"accuracy.images: a network of `family: {self.definition.family}` has drawn "
                "weights, so it classifies nothing: give your model's ONNX file as `family: onnx`"
            )
        if self.definition.weights == "drawn":
            raise ValueError(
                "accuracy.images: with `weights: drawn` it classifies nothing: take that out"
            )
        return self

    def build(self, *, single_nodes: bool = False) -> Network:
        """The network by its layers; `UserError` for a wrong tensor name or file.

        With `single_nodes` what no operator of CK-NNTest's species computes is a layer of the
        species onnx.
        """
        definition = self.definition
        if isinstance(definition, LayerList):
            return Network(self.name, self._listed(definition))
        if isinstance(definition, Family):
            made = definition.build(single_nodes=single_nodes)
        elif isinstance(definition, TfliteFile):
            from nntest.domain.tflite_files.reading import read_tflite  # as below

            made = read_tflite(definition.file, definition.leave_out)
        else:
            # Not at the top: importing onnx takes half a second, and few networks need it.
            from nntest.domain.onnx_files.reading import read_onnx

            made = read_onnx(
                definition.file,
                definition.leave_out,
                definition.inputs,
                single_nodes=single_nodes,
            )
        return replace(made, name=self.name)

    def _listed(self, definition: LayerList) -> tuple[Layer, ...]:
        layers = []
        for line in definition.layers:
            try:
                tensor = Tensor.parse(line.species, line.tensor)
            except UserError as error:
                raise UserError(
                    f"network {self.name}, layer {line.name}: {error.message}", error.hint
                ) from None
            plain = replace(tensor, activation=NO_ACTIVATION)
            parameters = _parameters(tensor)
            layers.append(Layer(line.name, plain, parameters, activation=tensor.activation))
        return tuple(layers)


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
