"""What joins layers, and networks with branches, against sums written out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

SHAPE = (2, 3, 4, 5)


def given(*shapes: tuple[int, ...]) -> list[np.ndarray[Any, Any]]:
    generator = np.random.default_rng(7)
    return [generator.uniform(-4, 4, shape) for shape in shapes]


def test_sums_products_and_concatenations(common: SimpleNamespace) -> None:
    join = common.joins.JoinPoint.of
    a, b = given(SHAPE, SHAPE)
    total = join("add", (SHAPE, SHAPE), "none").expected([a, b])
    product = join("mul", (SHAPE, SHAPE), "none").expected([a, b])
    for place in np.ndindex(*SHAPE):
        assert total[place] == a[place] + b[place]
        assert product[place] == a[place] * b[place]
    wide = (2, 2, 4, 5)
    both = join("concat", (SHAPE, wide), "none")
    assert both.out_shape == (2, 5, 4, 5)
    c = given(wide)[0]
    joined = both.expected([a, c])
    assert (joined[:, :3] == a).all() and (joined[:, 3:] == c).all()


def test_a_number_for_each_channel(common: SimpleNamespace) -> None:
    weights = (2, 3, 1, 1)
    a, b = given(SHAPE, weights)
    point = common.joins.JoinPoint.of("mul", (SHAPE, weights), "none")
    made = point.expected([a, b.reshape(2, 3)])  # a fully connected layer gives rows
    assert point.out_shape == SHAPE
    for n, c, y, x in np.ndindex(*SHAPE):
        assert made[n, c, y, x] == a[n, c, y, x] * b[n, c, 0, 0]


@pytest.mark.parametrize(
    ("activation", "value", "right"),
    [
        ("relu", -1, 0), ("relu6", 7, 6), ("hard-swish", 1, 4 / 6), ("hard-sigmoid", 1, 4 / 6),
        ("hard-sigmoid", -4, 0), ("hard-sigmoid", 4, 1), ("sigmoid", 0, 0.5),
    ],
)  # fmt: skip
def test_activations_alone(
    common: SimpleNamespace, activation: str, value: float, right: float
) -> None:
    point = common.joins.JoinPoint.of("activation", ((1, 1, 1, 1),), activation)
    assert point.expected([np.full((1, 1, 1, 1), float(value))]) == pytest.approx(right)


@pytest.mark.parametrize(
    ("kind", "shapes", "activation"),
    [
        ("add", (SHAPE, (2, 3, 1, 1)), "none"),
        ("add", (SHAPE,), "none"),
        ("mul", ((2, 3, 1, 1), SHAPE), "none"),
        ("concat", (SHAPE, (2, 3, 4, 6)), "none"),
        ("activation", (SHAPE, SHAPE), "relu"),
        ("activation", (SHAPE,), "gelu"),
        ("activation", (SHAPE,), "none"),
        ("add", (SHAPE, SHAPE), "relu"),
    ],
)
def test_what_does_not_fit_is_refused(
    common: SimpleNamespace, kind: str, shapes: Any, activation: str
) -> None:
    with pytest.raises(common.failures.NotSupported, match=f"{kind} {activation} does not take"):
        common.joins.JoinPoint.of(kind, shapes, activation)


def conv(name: str, channels: int, **more: Any) -> dict[str, Any]:
    env = {
        "CK_IN_SHAPE_C": channels, "CK_IN_SHAPE_H": 6, "CK_IN_SHAPE_W": 6, "CK_CONV_KERNEL": 3,
        "CK_OUT_SHAPE_C": 4, "CK_CONV_PAD": 1,
    }  # fmt: skip
    return {"name": name, "operator": "conv", "tuner": "NONE", "env": env, **more}


def join(name: str, operator: str, *inputs: int, **env: Any) -> dict[str, Any]:
    return {
        "name": name, "operator": operator, "tuner": "NONE", "env": env, "inputs": list(inputs),
    }  # fmt: skip


RESIDUAL = [conv("a", 3), conv("b", 4), join("sum", "add", 1, 0), conv("c", 4)]


def read(common: SimpleNamespace, folder: Path, layers: list[dict[str, Any]]) -> Any:
    path = folder / "network.json"
    path.write_text(json.dumps({"network": "n", "layers": layers}))
    layer = common.layers.ConvolutionPoint.from_environment
    return common.network_point.NetworkPoint.from_environment(
        {"NNTEST_NETWORK": str(path)}, lambda _, __, environment: layer(environment)
    )


def test_a_residual_network_is_what_its_layers_give(
    common: SimpleNamespace, tmp_path: Path
) -> None:
    network = read(common, tmp_path, RESIDUAL)
    network.check_shapes()
    assert not network.is_chain
    drawn = network.draw(42)
    points = [layer.point for layer in network.layers]
    a = points[0].expected(drawn[0])
    b = points[1].expected(replace(drawn[1], input=a))
    right = points[3].expected(replace(drawn[3], input=a + b))
    np.testing.assert_array_equal(network.expected(drawn), right)
    with pytest.raises(common.failures.NotSupported, match="'sum' does not read the layer before"):
        network.check_chain()


def test_a_sum_that_is_missing_shows_in_the_output(common: SimpleNamespace, tmp_path: Path) -> None:
    network = read(common, tmp_path, RESIDUAL)
    drawn = network.draw(42)
    without = replace(network.layers[3], inputs=(1,))
    other = replace(network, layers=(*network.layers[:3], without))
    right = network.expected(drawn)
    assert np.abs(other.expected(drawn) - right).max() > 10 * network.tolerance(0.001, right)


def test_sums_do_not_pile_up(common: SimpleNamespace, tmp_path: Path) -> None:
    """Weights behind a sum make up for it: thirty residual blocks keep the input's size."""
    layers = [conv("first", 3)]
    for block in range(30):
        start = len(layers) - 1
        layers.append(conv(f"{block}", 4))
        layers.append(join(f"{block}/sum", "add", start + 1, start))
        layers.append(conv(f"{block}/narrow", 4))
    network = read(common, tmp_path, layers)
    spread = network.expected(network.draw(42)).std()
    assert 0.02 < spread < 5


def test_chains_are_drawn_as_ever(common: SimpleNamespace, tmp_path: Path) -> None:
    network = read(common, tmp_path, [conv("a", 3), conv("b", 4)])
    assert network.is_chain
    plain = network.layers[1].point.draw(43)
    drawn = network.draw(42)[1]
    np.testing.assert_array_equal(drawn.weights, plain.weights * np.float32(3.0**0.5))


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([conv("a", 3), conv("b", 4, inputs=[1])], "numbers of layers before it, from 0"),
        ([conv("a", 3), conv("b", 4, inputs=["a"])], "not \\['a'\\]"),
        ([conv("a", 3), conv("b", 4, inputs=[0, 0])], "conv cannot read 2 outputs"),
        ([conv("a", 3), join("b", "add")], "add cannot read 0 outputs"),
        ([join("a", "activation", -1)], "activation cannot read 1 outputs"),
    ],
)
def test_inputs_that_cannot_be_are_named(
    common: SimpleNamespace, tmp_path: Path, layers: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(common.failures.BadValue, match=words):
        read(common, tmp_path, layers)


def test_a_branch_of_another_shape_is_named(common: SimpleNamespace, tmp_path: Path) -> None:
    network = read(common, tmp_path, [conv("a", 3), conv("b", 4), conv("c", 4, inputs=[-1])])
    with pytest.raises(common.failures.NotSupported, match="the network's input, gives 3x6x6"):
        network.check_shapes()
