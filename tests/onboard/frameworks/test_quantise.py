"""int8: scales, integers and the right output, against plain loops; and that faults are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nntest.config.library import INT8_NETWORK_TOLERANCE, INT8_TOLERANCE
from onboard.frameworks.libraries import POINTS, write_network

Graph = Any
WEIGHTED = [
    name
    for name, (operator, env) in POINTS.items()
    if "pool" not in operator and env.get("NNTEST_ACTIVATION") != "hard-sigmoid"  # it has no scales
][:12]
assert all(POINTS[name][0] != "softmax" for name in WEIGHTED)


def read(frameworks: SimpleNamespace, point: str, seed: int = 42, **integers: Any) -> Graph:
    operator, env = POINTS[point]
    return _read(frameworks, operator, {**env, "CK_SEED": seed}, **integers)


def read_network(
    frameworks: SimpleNamespace, folder: Path, seed: int = 42, **integers: Any
) -> Graph:
    """A network in the manner of MobileNet, without its softmax."""
    path = write_network(folder)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "layers": content["layers"][:-1]}))
    env = {"NNTEST_NETWORK": path, "CK_SEED": seed}
    return _read(frameworks, "network", env, **integers)


def _read(
    frameworks: SimpleNamespace, operator: str, env: dict[str, Any], **integers: Any
) -> Graph:
    environment = {name: str(value) for name, value in env.items()} | {"NNTEST_DATA_TYPE": "int8"}
    settings = frameworks.measurement.Settings.from_environment(environment)
    settings = frameworks.measurement.with_threshold(settings, operator, environment)
    kind = frameworks.integers.Integers(**integers)
    return frameworks.quantise.read_in_data_type(operator, environment, settings, kind)


def right_output(frameworks: SimpleNamespace, graph: Graph) -> np.ndarray[Any, Any]:
    values = graph.input.astype(np.float64)
    for node in graph.nodes:
        values = frameworks.quantise.expected(node, values)
    return values


class TestSteps:
    VALUES = np.array([-0.7, 0.0, 0.1, 2.3])

    @pytest.mark.parametrize("kind", ["int8", "uint8"])
    def test_they_cover_all_values_and_have_zero(
        self, frameworks: SimpleNamespace, kind: str
    ) -> None:
        steps = frameworks.integers.Steps.covering(self.VALUES, frameworks.integers.Integers(kind))
        integers = steps.quantise(self.VALUES)
        assert integers.dtype == kind
        assert np.abs(steps.numbers(integers) - self.VALUES).max() <= steps.scale * 0.501
        assert steps.numbers(steps.quantise(np.zeros(1))) == 0
        assert steps.scale == pytest.approx(3.0 / 255)
        assert steps.scale == np.float32(steps.scale)

    def test_symmetric_ones_have_no_zero_point(self, frameworks: SimpleNamespace) -> None:
        kind = frameworks.integers.Integers(symmetric=True)
        steps = frameworks.integers.Steps.covering(self.VALUES, kind)
        assert (steps.zero, steps.scale) == (0, pytest.approx(2.3 / 127))
        assert steps.quantise(np.array([-9.0, 9.0])).tolist() == [-127, 127]

    def test_a_tensor_of_zeros(self, frameworks: SimpleNamespace) -> None:
        steps = frameworks.integers.Steps.covering(np.zeros(3), frameworks.integers.Integers())
        assert steps.numbers(steps.quantise(np.zeros(3))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_the_reference_is_what_plain_loops_on_integers_give(
    frameworks: SimpleNamespace, kind: str
) -> None:
    graph = read(frameworks, "3x3, padded, relu", kind=kind)
    [node] = graph.nodes
    own = node.quantised
    integers = own.source.quantise(graph.input).astype(int)[0]
    channels, height, width = integers.shape
    for place in ((0, 0, 0), (3, 4, 7), (5, 8, 11)):
        output, row, column = place
        total = int(own.bias[output])
        for channel in range(channels):
            for y in range(3):
                for x in range(3):
                    i, j = row + y - 1, column + x - 1
                    if 0 <= i < height and 0 <= j < width:
                        seen = int(integers[channel, i, j]) - own.source.zero
                        total += seen * int(own.weights[output, channel, y, x])
        linear = total * own.source.scale * float(own.weight_scales[output])
        nearest = round(max(linear, 0.0) / own.target.scale) + own.target.zero
        right = graph.expected[(0, *place)] / own.target.scale + own.target.zero
        assert round(right) == pytest.approx(right, abs=1e-9)
        assert round(right) == min(nearest, np.iinfo(kind).max)


@pytest.mark.parametrize("point", WEIGHTED)
def test_it_is_near_to_what_it_quantises(frameworks: SimpleNamespace, point: str) -> None:
    operator, env = POINTS[point]
    environment = {name: str(value) for name, value in env.items()}
    settings = frameworks.measurement.Settings.from_environment(environment)
    exact = frameworks.graph.read_graph(operator, environment, settings).expected
    error = read(frameworks, point).expected - exact
    assert 10 * np.log10((exact**2).mean() / (error**2).mean()) > 25  # dB: noise of 7 and 8 bits


@pytest.mark.parametrize("point", WEIGHTED)
def test_no_pair_of_products_can_saturate(frameworks: SimpleNamespace, point: str) -> None:
    weights = read(frameworks, point).nodes[0].quantised.weights.astype(int)
    assert 2 * 255 * np.abs(weights).max() <= 2**15 - 1
    assert (np.abs(weights).reshape(len(weights), -1).max(axis=1) == 64).all()


ACTIVATIONS = {"none": lambda sums: sums, "relu6": lambda sums: np.maximum(sums, 0)}
"""Before rounding; the upper end is the output's range."""


def rescaled_in_single_precision(
    graph: Graph, activation: Callable[[Any], Any] = ACTIVATIONS["none"]
) -> np.ndarray[Any, Any]:
    """The output as a kernel rescales it: float32 throughout, as ONNX Runtime and oneDNN do."""
    [node] = graph.nodes
    own = node.quantised
    single = replace(node.point, activation="none")
    integers = own.source.quantise(graph.input).astype(np.float64) - own.source.zero
    operands = SimpleNamespace(input=integers, weights=own.weights, bias=own.bias)
    factors = np.float32(own.source.scale) * own.weight_scales / np.float32(own.target.scale)
    sums = single.expected(operands).astype(np.float32) * factors[:, None, None]
    return np.clip(np.rint(activation(sums)) + own.target.zero, *own.target.integers.limits)


@pytest.mark.parametrize("seed", range(4))
def test_a_network_rescaled_in_single_precision_passes(
    frameworks: SimpleNamespace, tmp_path: Path, seed: int
) -> None:
    graph = read_network(frameworks, tmp_path, seed)
    values = graph.input.astype(np.float64)
    for node in graph.nodes:
        if node.weights is None or node.operator == "fullyconnected":
            values = frameworks.quantise.expected(node, values)
        else:
            one = replace(graph, nodes=(node,), input=values)
            integers = rescaled_in_single_precision(one, ACTIVATIONS[node.point.activation])
            values = node.out_steps.numbers(integers)
    assert np.abs(values - graph.expected).max() <= graph.tolerance


def test_single_precision_is_at_most_a_step_off(frameworks: SimpleNamespace) -> None:
    """Which is the tolerance of a layer, and why it is not 0."""
    off = []
    for seed in range(300):
        graph = read(frameworks, "pointwise", seed)
        steps = graph.nodes[-1].out_steps
        right = graph.expected / steps.scale + steps.zero
        off.append(np.abs(rescaled_in_single_precision(graph) - right))
    assert {0, 1} >= set(np.rint(np.unique(off)).astype(int).tolist())


def test_the_tolerances_are_those_of_a_library_s_file(frameworks: SimpleNamespace) -> None:
    own = frameworks.quantise
    assert (own.LAYER_STEPS, own.NETWORK_SPREADS) == (INT8_TOLERANCE, INT8_NETWORK_TOLERANCE)


def test_where_only_convolutions_have_integers(frameworks: SimpleNamespace, tmp_path: Path) -> None:
    """As in ncnn: convolution to convolution, and what is between floats quantises for itself."""
    graph = read_network(frameworks, tmp_path, symmetric=True, everywhere=False)
    handed_on = {node.name: node.out_steps is not None for node in graph.nodes}
    assert handed_on == {
        "first": True, "depthwise": True, "pointwise": False, "largest": False, "dense": False,
        "last": False,
    }  # fmt: skip
    assert {node.name for node in graph.nodes if node.quantised is None} == {"largest"}
    assert all(node.in_steps.zero == 0 for node in graph.nodes if node.quantised)
    exact = np.abs(graph.expected).max()
    assert 0.001 * exact < graph.tolerance < 0.2 * exact


# -- what would be wrong must be found ---------------------------------------------------------


def _bias_missed(own: Any) -> Any:
    return replace(own, bias=np.zeros_like(own.bias))


def _bias_of_neighbour(own: Any) -> Any:
    return replace(own, bias=np.roll(own.bias, 1))


def _one_scale_for_all(own: Any) -> Any:
    return replace(own, weight_scales=np.full_like(own.weight_scales, own.weight_scales.mean()))


def _scale_a_little_off(own: Any) -> Any:
    return replace(own, weight_scales=own.weight_scales * np.float32(1.02))


def _scale_off(own: Any) -> Any:
    return replace(own, weight_scales=own.weight_scales * np.float32(1.1))


def _zero_point_a_little_off(own: Any) -> Any:
    return replace(own, source=replace(own.source, zero=own.source.zero + 3))


def _zero_point_off(own: Any) -> Any:
    return replace(own, source=replace(own.source, zero=own.source.zero + 16))


def _weights_shifted(own: Any) -> Any:
    return replace(own, weights=np.roll(own.weights, 1, axis=0))


FAULTS: list[Callable[[Any], Any]] = [
    _bias_missed, _bias_of_neighbour, _one_scale_for_all, _scale_off, _zero_point_off,
    _weights_shifted,
]  # fmt: skip
SMALL_FAULTS = [_scale_a_little_off, _zero_point_a_little_off]
"""Which a single layer shows; a network's tolerance may hide them, so each layer runs alone too."""


@pytest.mark.parametrize("fault", [*FAULTS, *SMALL_FAULTS])
@pytest.mark.parametrize("point", ["pointwise", "3x3, padded, relu", "depthwise"])
def test_a_fault_in_a_layer_is_found(
    frameworks: SimpleNamespace, point: str, fault: Callable[[Any], Any]
) -> None:
    graph = read(frameworks, point)
    assert np.abs(right_output(frameworks, graph) - graph.expected).max() == 0
    [node] = graph.nodes
    faulty = replace(graph, nodes=(replace(node, quantised=fault(node.quantised)),))
    assert np.abs(_fed(frameworks, faulty, graph) - graph.expected).max() > graph.tolerance


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_an_output_that_is_not_written_is_wrong_everywhere(
    frameworks: SimpleNamespace, kind: str
) -> None:
    class Idle(frameworks.base.OwnOutputs):  # type: ignore[misc,name-defined]
        def build(self, *_: Any) -> None: ...
        def run(self) -> None: ...

    graph = read(frameworks, "3x3, padded, relu", kind=kind)
    idle = Idle()
    (written,) = frameworks.onnx_model.onnx_model(graph).outputs.values()
    idle.own(graph, [written])
    assert written.dtype == kind
    idle.clear()
    difference = np.abs(idle.output() - graph.expected)
    assert difference.min() == pytest.approx(128 * graph.nodes[-1].out_steps.scale)
    written[...] = graph.nodes[-1].out_steps.quantise(graph.expected)
    assert (idle.output() == graph.expected).all()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(4))
def test_a_fault_in_every_layer_of_a_network_is_found(
    frameworks: SimpleNamespace, tmp_path: Path, seed: int, fault: Callable[[Any], Any]
) -> None:
    graph = read_network(frameworks, tmp_path, seed)
    nodes = [
        node if node.weights is None else replace(node, quantised=fault(node.quantised))
        for node in graph.nodes
    ]
    faulty = replace(graph, nodes=tuple(nodes))
    assert np.abs(_fed(frameworks, faulty, graph) - graph.expected).max() > graph.tolerance


def _fed(frameworks: SimpleNamespace, faulty: Graph, graph: Graph) -> np.ndarray[Any, Any]:
    """The output for the integers that the right graph has everywhere a tensor is handed on."""
    values = graph.input.astype(np.float64)
    for node, right in zip(faulty.nodes, graph.nodes, strict=True):
        source = right.quantised.source
        handed_on = source.quantise(values)
        values = frameworks.quantise.expected(node, node.quantised.source.numbers(handed_on))
    return values


# -- the file ----------------------------------------------------------------------------------


def test_every_tensor_between_layers_is_quantised_in_the_file(
    frameworks: SimpleNamespace, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    graph = read_network(frameworks, tmp_path)
    model = onnx.load_from_string(frameworks.onnx.write_onnx(graph))
    onnx.checker.check_model(model, full_check=True)
    made_by = {node.output[0]: node.op_type for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm", "MaxPool"):
            computed = [name for name in node.input if name]
            assert all(made_by[name] in ("DequantizeLinear", "Reshape") for name in computed)
    from onnx.reference import ReferenceEvaluator

    model.opset_import[0].version = 19  # the oldest that the evaluator has these nodes of
    source = graph.model_input()
    [output] = ReferenceEvaluator(model).run(None, {"input": source})
    difference = (
        graph.nodes[-1].out_steps.numbers(output).reshape(graph.expected.shape) - graph.expected
    )
    assert np.abs(difference).max() <= graph.tolerance
