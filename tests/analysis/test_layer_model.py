"""Predicted layers where the truth is known: errors, how often intervals hold, and their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nntest.analysis.layer_model import FEWEST, LEVEL, LayerModel, features, kind_of
from nntest.domain.networks import mobilenet_v1
from nntest.domain.tensors import Tensor


def convolutions() -> list[Tensor]:
    """The distinct convolutions of the sixteen MobileNets-v1."""
    found: dict[Tensor, None] = {}
    for width in (0.25, 0.5, 0.75, 1.0):
        for size in (128, 160, 192, 224):
            found.update(dict.fromkeys(mobilenet_v1(width, size).repeats("conv")))
    return list(found)


ALL = convolutions()


def power_law(tensor: Tensor) -> float:
    """A time that grows with a power of operations and of the output's size."""
    logs = features(tensor)
    return float(np.exp(0.8 * logs[0] - 0.1 * logs[2]))


def noisy(tensors: list[Tensor], seed: int, spread: float = 0.1) -> dict[Tensor, float]:
    generator = np.random.default_rng(seed)
    errors = np.exp(generator.normal(0, spread, len(tensors)))
    return {t: power_law(t) * error for t, error in zip(tensors, errors, strict=True)}


def test_a_power_law_is_found() -> None:
    kept, left_out = ALL[::2], ALL[1::2]
    model = LayerModel.fit({tensor: power_law(tensor) for tensor in kept})
    assert model is not None and model.measured == len(kept)
    errors = [abs(model.predict(tensor).value / power_law(tensor) - 1) for tensor in left_out]
    assert np.median(errors) < 0.01


def test_the_unit_of_the_times_does_not_matter() -> None:
    times = noisy(ALL[:40], 1)
    one, other = (LayerModel.fit({t: k * time for t, time in times.items()}) for k in (1, 1e3))
    assert one is not None and other is not None
    said, in_thousandths = one.predict(ALL[50]), other.predict(ALL[50])
    assert in_thousandths.value == pytest.approx(1e3 * said.value)
    assert in_thousandths.high == pytest.approx(1e3 * said.high)


@pytest.mark.parametrize("count", [12, 40])
def test_intervals_hold_as_often_as_they_say(count: int) -> None:
    inside = []
    for seed in range(60):
        order = np.random.default_rng(seed).permutation(len(ALL))[: count + 20]
        times = noisy([ALL[index] for index in order], seed)
        kept = dict([*times.items()][:count])
        model = LayerModel.fit(kept)
        assert model is not None
        for tensor, time in [*times.items()][count:]:
            said = model.predict(tensor)
            inside.append(said.low <= time <= said.high)
    assert LEVEL - 0.05 < np.mean(inside) < LEVEL + 0.06


def test_few_layers_have_no_interval_and_fewer_no_model() -> None:
    times = [*noisy(ALL, 1).items()]
    assert LayerModel.fit(dict(times[: FEWEST - 1])) is None
    few, enough = (LayerModel.fit(dict(times[:count])) for count in (8, 9))
    assert few is not None and enough is not None
    said = few.predict(ALL[20])
    assert said.value > 0 and math.isnan(said.low) and math.isnan(said.high)
    said = enough.predict(ALL[20])
    assert said.low < said.value < said.high


def test_far_from_what_was_measured_it_is_less_sure() -> None:
    model = LayerModel.fit(noisy(ALL, 1))
    assert model is not None

    def width(name: str) -> float:
        said = model.predict(Tensor.parse("conv", name))
        return said.high / said.low

    among = width("256-14-14-1-256-1-0")
    assert width("256-14-14-7-256-1-3") > 1.2 * among  # no kernel was so large
    assert width("8192-112-112-1-8192-1-0") > 1.2 * among


def test_a_measured_layer_is_predicted_near_its_time() -> None:
    times = noisy(ALL, 2, spread=0.02)
    model = LayerModel.fit(times)
    assert model is not None
    errors = [abs(model.predict(tensor).value / time - 1) for tensor, time in times.items()]
    assert np.median(errors) < 0.03


def test_nodes_are_predicted_from_nodes_of_their_operator() -> None:
    add, mul = (Tensor.parse("onnx", f"{kind}@14:1x8x4x4,1x8x4x4") for kind in ("Add", "Mul"))
    assert (kind_of(add), kind_of(mul)) == ("onnx Add", "onnx Mul")
    assert len(features(add)) == 2
    assert kind_of(ALL[0]) == "conv"
