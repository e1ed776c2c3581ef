"""A whole ONNX model of the user's, with inputs and right outputs that were made for it.

Two files hold it: NNTEST_MODEL the model, NNTEST_MODEL_TENSORS an archive of NumPy with an array
for each input (``in:NAME``) and each right output (``out:NAME``), names under which a library may
run nodes, and which layer of the network each is of (``names``, ``layers``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue
from reference import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from point import Environment, Settings, Shape

    Array = np.ndarray[Any, Any]

MODEL, TENSORS = "NNTEST_MODEL", "NNTEST_MODEL_TENSORS"


@dataclass(frozen=True)
class ModelGraph:
    """A model with inputs and right outputs, by name."""

    name: str
    layer_of: Mapping[str, str]
    data_type: str
    model: bytes
    inputs: Mapping[str, Array]
    """A library reads these arrays in each run."""
    expected: Mapping[str, Array]
    threshold: float  # of an output's largest value
    is_chain = False

    @property
    def in_shape(self) -> Shape:
        """Shape of the first input, as four dimensions."""
        return _four(next(iter(self.inputs.values())))

    @property
    def out_shape(self) -> Shape:
        """Shape of the first output, as four dimensions."""
        return _four(next(iter(self.expected.values())))

    def layers_named(self, names: Iterable[str]) -> list[str] | None:
        """Return the layers that a node of the library computes, by all names that it has."""
        known = [name for name in names if name in self.layer_of]
        return list(dict.fromkeys(self.layer_of[name] for name in known)) or None

    def described(self) -> list[dict[str, str]]:
        """Return its layers by name."""
        return [{"name": name} for name in dict.fromkeys(self.layer_of.values())]

    def join(self, outputs: list[Array]) -> Array:
        """Return all outputs one after the other, float64, in the order of `expected`."""
        return np.concatenate([array.astype(np.float64).ravel() for array in outputs])

    def part(self, joined: Array, name: str) -> Array:
        """Return one output of those that were joined; raises BadValue for another name."""
        start = 0
        for output, right in self.expected.items():
            if output == name:
                return joined[start : start + right.size].reshape(right.shape)
            start += right.size
        raise BadValue(f"the model has no output {name!r}")

    def check(self, joined: Array) -> Comparison:
        """Compare outputs that were joined: floats by their output's largest value, others exactly.

        What is returned is of the worst output, its differences as shares of what it may be off.
        """
        worst = Comparison(True, 0.0, self.threshold, "")
        for name, right in self.expected.items():
            given = self.part(joined, name)
            if right.size == 0:
                continue
            exact = not np.issubdtype(right.dtype, np.floating)
            wanted = right.astype(np.float64)
            # An output of nothing but zeros has no scale of its own.
            scale = 1.0 if exact else float(np.abs(wanted).max()) or 1.0
            limit = 0.0 if exact else self.threshold
            found = compare(given / scale, wanted / scale, limit)
            if not found.ok:
                how = "" if exact else ", as a share of its largest value"
                text = f"output {name!r}{how}: {found.explanation}"
                return Comparison(False, found.max_abs_diff, limit, text)
            if found.max_abs_diff > worst.max_abs_diff:
                worst = found
        return worst


def _four(array: Array) -> Shape:
    """Return the dimensions of an array as four: ones in front, or the last ones as one."""
    dims = [1] * (4 - array.ndim) + list(array.shape)
    first, second, third = dims[:3]
    return first, second, third, int(np.prod(dims[3:]))


def read_model_graph(environment: Environment, settings: Settings) -> ModelGraph:
    """Read both files; raises BadValue."""
    path, tensors = environment[MODEL], environment.get(TENSORS, "")
    try:
        with open(path, "rb") as file:
            model = file.read()
    except OSError as error:
        raise BadValue(f"{MODEL}={path!r} cannot be read: {error.strerror}") from None
    try:
        with np.load(tensors, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        layer_of = dict(zip(arrays["names"].tolist(), arrays["layers"].tolist()))
    except (OSError, ValueError, KeyError) as error:
        raise BadValue(f"{TENSORS}={tensors!r} cannot be read: {error}") from None
    return ModelGraph(
        settings.dataset_filename[len("shape-") :],
        layer_of,
        settings.data_type,
        model,
        _beginning("in:", arrays),
        _beginning("out:", arrays),
        settings.threshold,
    )


def _beginning(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    found = {
        name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)
    }
    if not found:
        raise BadValue(f"{TENSORS}: holds no array {prefix}NAME")
    return found
