"""The tensor that stands for an operator of a TFLite file, where an operator of ours computes it.

Images are NHWC in the file, CHW in a tensor.  A layer's output shape by our formula must be the one
that the file says.  The operators' meaning: https://www.tensorflow.org/mlir/tfl_ops
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from nntest.domain.networks import Layer, same_padding
from nntest.domain.node_sorting import NO_OPERATOR, Unsupported, refuse_other_output, size_text
from nntest.domain.tensor_suffixes import Pads
from nntest.domain.tensors import Tensor
from nntest.domain.tflite_files.model_file import Operator, TfliteGraph
from nntest.domain.tflite_files.work import RECURRENT

HEAVY = ("TRANSPOSE_CONV", "CONV_3D", "CONV_3D_TRANSPOSE", "L2_POOL_2D", *RECURRENT)
"""Operators that do much work and that no operator of ours computes."""

_NO_PADS = (0, 0, 0, 0)
_PADDED = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")
"""Operators that a PAD before them is part of."""
_IMAGE_AXES = (1, 2)
"""Height and width."""


class LayerMaker:
    """Makes layers of the operators of a graph."""

    def __init__(self, graph: TfliteGraph) -> None:
        self._graph = graph
        self._through: dict[str, str] = {}
        """The value that a reshaped one has the elements of."""
        self._padded: dict[str, tuple[str, Pads]] = {}
        """What a padded value was before, and its padding."""

    def pass_through(self, source: str, output: str) -> None:
        """Note that a value has the elements of another one, in their order."""
        self._through[output] = source

    def pad(self, operator: Operator, reader: Operator) -> bool:
        """Note a PAD as padding of the one operator that reads it, if it can be that."""
        if len(operator.inputs) < 2 or not operator.outputs:
            return False
        output = operator.outputs[0]
        rows = self._graph.values[operator.inputs[1]].numbers
        if (
            reader.kind not in _PADDED
            or reader.is_same
            or reader.inputs[0] != output
            or rows is None
            or rows.shape != (4, 2)
            or rows.min() < 0
            or rows[[0, 3]].any()
        ):
            return False
        (top, bottom), (left, right) = rows[1:3].tolist()
        if reader.kind == "MAX_POOL_2D":
            sides = (reader.options.get(f"Filter{side}", 0) for side in ("Height", "Width"))
            if max(top, bottom, left, right) >= min(sides):
                return False
        self._padded[output] = (operator.inputs[0], (top, bottom, left, right))
        return True

    def source(self, operator: Operator) -> str:
        """What a layer reads, before its padding."""
        return self._padded.get(operator.inputs[0], (operator.inputs[0], _NO_PADS))[0]

    def layer(self, operator: Operator) -> Layer | None:
        """The layer of an operator; None if it is not a layer.

        Raises `Unsupported` if it does much work, and no operator of ours computes it.
        """
        makers: dict[str, Callable[[Operator], tuple[Tensor | None, int]]] = {
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "FULLY_CONNECTED": self._fully_connected,
            "AVERAGE_POOL_2D": self._pool,
            "MAX_POOL_2D": self._pool,
            "MEAN": self._mean,
            "SOFTMAX": self._softmax,
        }
        if operator.kind in HEAVY and not operator.is_custom:
            raise Unsupported(NO_OPERATOR)
        if operator.is_custom or operator.kind not in makers:
            return None
        try:
            tensor, parameters = makers[operator.kind](operator)
            output = self._graph.values[operator.outputs[0]].shape
        except (IndexError, KeyError):
            raise Unsupported("it lacks an input, an output or an option") from None
        if tensor is None:
            return None
        is_image = len(output) == 4
        refuse_other_output(tensor, _chw(output) if is_image else output[1:], is_image)
        return Layer(operator.name, tensor, parameters)

    # -- shapes and options ----------------------------------------------------------------

    def _known(self, value: str) -> tuple[int, ...]:
        shape = self._graph.values[value].shape
        if min(shape, default=1) < 1:
            raise Unsupported("the sizes of its inputs are not known")
        return shape

    def _image(self, value: str) -> tuple[int, int, int]:
        """(channels, height, width) of a value."""
        shape = self._known(value)
        if len(shape) != 4:
            raise Unsupported(f"its input has {len(shape)} dimensions, not 4")
        return _chw(shape)

    def _filters(self, operator: Operator) -> tuple[int, int, int, int]:
        """The four dimensions of a convolution's weights."""
        shape = self._known(operator.inputs[1])
        if len(shape) != 4:
            raise Unsupported(f"its weights have {len(shape)} dimensions, not 4")
        outer, height, width, inner = shape
        return outer, height, width, inner

    def _bias(self, operator: Operator) -> int:
        """How many numbers are added to the output."""
        given = operator.inputs[2:3]
        return prod(self._known(given[0])) if given and given[0] else 0

    def _window(
        self, operator: Operator, kernel: tuple[int, int]
    ) -> tuple[tuple[int, int, int], int, Pads]:
        """(channels, height, width) before any padding, stride and padding."""
        options = operator.options
        strides = options["StrideH"], options["StrideW"]
        dilations = options.get("DilationHFactor", 1), options.get("DilationWFactor", 1)
        if dilations != (1, 1):
            raise Unsupported(f"dilations {list(dilations)}, not 1")
        if kernel[0] != kernel[1]:
            raise Unsupported(f"its kernel is {size_text(kernel)}, not square")
        if strides[0] != strides[1]:
            raise Unsupported(f"its strides are {size_text(strides)}, not the same")
        if strides[0] < 1 or kernel[0] < 1:
            raise Unsupported(f"it has a stride of {strides[0]} and a kernel of {kernel[0]}")
        source, pads = self._padded.get(operator.inputs[0], (operator.inputs[0], _NO_PADS))
        image = self._image(source)
        if operator.is_same:
            rows, columns = (same_padding(size, kernel[0], strides[0]) for size in image[1:])
            pads = (*rows, *columns)
        return image, strides[0], pads

    # -- layers ----------------------------------------------------------------------------

    def _convolution(self, operator: Operator) -> tuple[Tensor, int]:
        out_c, rows, columns, taken = self._filters(operator)
        (channels, height, width), stride, pads = self._window(operator, (rows, columns))
        if channels != taken:
            raise Unsupported(f"its weights take {taken} of {channels} channels: grouped")
        tensor = Tensor.conv(channels, height, width, rows, out_c, stride, pads)
        return tensor, out_c * rows * columns * taken + self._bias(operator)

    def _depthwise(self, operator: Operator) -> tuple[Tensor, int]:
        _, rows, columns, out_c = self._filters(operator)
        (channels, height, width), stride, pads = self._window(operator, (rows, columns))
        parameters = rows * columns * out_c + self._bias(operator)
        if channels == 1:  # so it is a convolution
            return Tensor.conv(1, height, width, rows, out_c, stride, pads), parameters
        if out_c != channels:
            raise Unsupported(f"a depth multiplier of {out_c / channels:g}, not 1")
        return Tensor.depthwise(channels, height, width, rows, stride, pads), parameters

    def _fully_connected(self, operator: Operator) -> tuple[Tensor | None, int]:
        value, weights = operator.inputs[:2]
        if weights not in self._graph.constants:
            return None, 0  # a product of two activations
        given, shape = self._known(value), self._known(weights)
        if len(shape) != 2:
            raise Unsupported(f"its weights have {len(shape)} dimensions, not 2")
        outputs, taken = shape
        batch = given[0] if len(given) > 1 else 1
        rows = prod(given) // taken
        if rows != batch or prod(given) % taken:
            raise Unsupported(f"a product with {rows} rows, not with one for each image")
        image = self._before_flattening(value, taken)
        return Tensor("fullyconnected", (*image, outputs, 1, 1)), (
            outputs * taken + self._bias(operator)
        )

    def _before_flattening(self, value: str, elements: int) -> tuple[int, int, int]:
        """The image that a row of elements was; itself if it was none."""
        for _ in self._through:  # no longer: a damaged file may have a circle
            if value in self._through and len(self._graph.values[value].shape) != 4:
                value = self._through[value]
        shape = self._graph.values[value].shape
        if len(shape) == 4 and prod(shape[1:]) == elements:
            return _chw(shape)
        return elements, 1, 1

    def _pool(self, operator: Operator) -> tuple[Tensor, int]:
        kernel = operator.options["FilterHeight"], operator.options["FilterWidth"]
        (channels, height, width), stride, pads = self._window(operator, kernel)
        species = "maxpool" if operator.kind == "MAX_POOL_2D" else "avgpool"
        if any(pads) and species == "avgpool":
            raise Unsupported(f"a mean with padding {size_text(pads)} (top, bottom, left, right)")
        values = (channels, height, width, kernel[0], stride)
        return Tensor(species, values, pads if any(pads) else None), 0

    def _mean(self, operator: Operator) -> tuple[Tensor | None, int]:
        axes = self._graph.values[operator.inputs[1]].numbers
        rank = len(self._graph.values[operator.inputs[0]].shape)
        if axes is None or rank != 4:
            return None, 0
        if tuple(sorted(int(axis) % rank for axis in axes.ravel())) != _IMAGE_AXES:
            return None, 0
        channels, height, width = self._image(operator.inputs[0])
        if height != width:
            raise Unsupported(f"its input is {height} x {width}, not square")
        return Tensor("avgpool", (channels, height, width, height, 1)), 0

    def _softmax(self, operator: Operator) -> tuple[Tensor, int]:
        shape = self._known(operator.inputs[0])
        if len(shape) == 2:
            return Tensor("softmax", (shape[1], 1, 1)), 0
        return Tensor("softmax", self._image(operator.inputs[0])), 0


def _chw(shape: tuple[int, ...]) -> tuple[int, int, int]:
    _, height, width, channels = shape
    return channels, height, width
