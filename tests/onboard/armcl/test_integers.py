"""The integers of the C++ operator programs in int8, held against NumPy.

Layers stand in for the library's: the headers that choose the integers and compute the right output
need no Arm Compute Library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from onboard.armcl.compiled_programs import COMPILER, compiled, run

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

PROGRAM = """
#include "nntest/chain.h"
#include "nntest/convolution_point.h"
#include "nntest/json.h"
#include <cstdio>
#include <memory>
using namespace nntest;

// A convolution, whose bias may be lost in the integers.
struct Convolution
{
    ConvolutionPoint point = ConvolutionPoint::from(Variables::environment());
    Operands         operands;
    IntegerOperands  integers;
    Steps            source = { ACTIVATIONS, 1, 0 };
    bool             scales_of_channels = read_text("SCALES") == "channels";
    bool             loses_bias         = false;

    Form in_form() const
    {
        return Form{ point.in, Order::NCHW, Element::INT8 };
    }
    void draw(Random &random, const Settings &)
    {
        operands = point.draw(random);
    }
    std::vector<double> expected(const std::vector<double> &input) const
    {
        return convolve(point, input, operands);
    }
    Steps quantise(const Steps &given, const std::vector<double> &exact)
    {
        source   = given;
        integers = IntegerOperands::of(operands, given, scales_of_channels);
        return Steps::covering(exact, given.integers);
    }
    std::vector<double> expected_of_integers(const std::vector<double> &input) const
    {
        Operands exact = integers.exact();
        exact.bias.assign(exact.bias.size(), 0);
        const Operands given = loses_bias ? exact : integers.exact();
        const std::vector<double> sums = convolve(point, source.distances(input), given);
        return integers.numbers(sums, point.out.n, source);
    }
};

Json json_of(const Steps &steps)
{
    return JsonObject().add("scale", steps.scale).add("zero", steps.zero)
        .add("least", steps.integers.least).add("most", steps.integers.most).done();
}

int main()
{
    try
    {
        const Settings settings = Settings::from_environment();
        std::vector<std::unique_ptr<Convolution>> owned;
        std::vector<Convolution *>                layers;
        for(int i = 0; i < read_integer("LAYERS", 1); ++i)
        {
            owned.emplace_back(new Convolution());
            layers.push_back(owned.back().get());
        }
        Chain<Convolution> chain;
        chain.draw(layers, settings);
        const std::vector<double> expected  = chain.expected();
        const double              tolerance = chain.tolerance(settings.threshold, expected);
        std::vector<Json>         steps, each;
        for(size_t i = 0; i < layers.size(); ++i)
        {
            std::vector<Json> weight_steps;
            for(const Steps &one : layers[i]->integers.steps)
            {
                weight_steps.push_back(json_of(one));
            }
            steps.push_back(json_of(chain.steps(i + 1).front()));
            each.push_back(JsonObject()
                .add("weights", json_list(layers[i]->integers.weights))
                .add("bias", json_list(layers[i]->integers.bias))
                .add("steps", json_list(weight_steps))
                .add("drawn weights", json_list(layers[i]->operands.weights))
                .add("drawn bias", json_list(layers[i]->operands.bias)).done());
        }
        layers.front()->loses_bias = true;
        std::printf("%s\\n", JsonObject()
            .add("input", json_list(chain.input()))
            .add("source", json_of(chain.steps(0).front()))
            .add("steps", json_list(steps))
            .add("layers", json_list(each))
            .add("expected", json_list(expected))
            .add("tolerance", tolerance)
            .add("without bias", json_list(chain.expected()))
            .done().text.c_str());
    }
    catch(const Failure &failure)
    {
        std::fprintf(stderr, "%s: %s\\n", failure.status, failure.what());
        return failure.exit_status;
    }
}
"""
POINT = {
    **{"CK_IN_SHAPE_N": 2, "CK_IN_SHAPE_C": 4, "CK_IN_SHAPE_H": 7, "CK_IN_SHAPE_W": 6},
    **{"CK_OUT_SHAPE_C": 4, "CK_CONV_KERNEL": 3, "CK_CONV_STRIDE": 1, "CK_CONV_PAD": 1},
    **{"NNTEST_DATA_TYPE": "int8", "LAYERS": 1, "SCALES": "channels"},
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("integers"), "integers", PROGRAM)


def answer(program: Path, **variables: Any) -> Any:
    done = run(program, **{**POINT, **variables})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def convolved(data: Any, weights: Any, bias: Any) -> np.ndarray[Any, Any]:
    """The convolution of POINT, in float64."""
    padded = np.pad(np.asarray(data, float).reshape(2, 4, 7, 6), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
    sums = np.einsum("nchwij,kcij->nkhw", windows, np.reshape(weights, (4, 4, 3, 3)))
    return np.asarray(sums + np.asarray(bias, float)[:, None, None])


def nearest(values: Any, steps: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The nearest integers, less the zero point."""
    integers = np.rint(np.asarray(values) / steps["scale"]) + steps["zero"]
    return np.asarray(np.clip(integers, steps["least"], steps["most"]) - steps["zero"])


@pytest.mark.parametrize("scales", ["channels", "tensor"])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_right_output_is_that_of_the_integers(program: Path, scales: str, layers: int) -> None:
    found = answer(program, SCALES=scales, LAYERS=layers)
    values, source = np.array(found["input"]), found["source"]
    np.testing.assert_allclose(nearest(values, source) * source["scale"], values, rtol=1e-6)
    for layer, target in zip(found["layers"], found["steps"], strict=True):
        assert (target["least"], target["most"]) == (0, 255)
        steps = layer["steps"]
        weights = np.array(layer["weights"]) - steps[0]["zero"]
        each = np.repeat([one["scale"] for one in steps], 4 // len(steps))
        floats = np.reshape(layer["drawn weights"], (4, -1))
        # Half a step, and half of one that the zero point was rounded by.
        off = np.abs(weights.reshape(4, -1) * each[:, None] - floats)
        assert np.all(off <= each[:, None] * (1 if steps[0]["zero"] else 0.5) * (1 + 1e-5))
        bias = np.array(layer["bias"])
        np.testing.assert_array_equal(
            bias, np.rint(np.array(layer["drawn bias"]) / (source["scale"] * each)), strict=False
        )
        sums = convolved(nearest(values, source), weights, bias)
        numbers = sums * source["scale"] * each[:, None, None]
        values, source = nearest(numbers, target) * target["scale"], target
    np.testing.assert_allclose(found["expected"], values.reshape(-1), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("scales", "count", "least", "most"), [("channels", 4, -64, 64), ("tensor", 1, 64, 192)]
)
def test_weights_have_seven_bits(
    program: Path, scales: str, count: int, least: int, most: int
) -> None:
    """Those with a scale for each channel have no zero point."""
    layer = answer(program, SCALES=scales)["layers"][0]
    assert len(layer["steps"]) == count
    assert least <= min(layer["weights"]) < max(layer["weights"]) <= most
    assert max(np.abs(np.array(layer["weights"]) - (least + most) // 2)) > 60
    assert all((step["zero"] == 0) == (least < 0) for step in layer["steps"])


def test_the_steps_are_the_finest_that_have_every_number(program: Path) -> None:
    found = answer(program)
    layer, target = found["layers"][0], found["steps"][0]
    exact = convolved(found["input"], layer["drawn weights"], layer["drawn bias"])
    assert target["scale"] == pytest.approx((exact.max() - exact.min()) / 255, rel=1e-5)
    assert nearest(0.0, target) == 0


def test_a_layer_may_be_a_step_off(program: Path) -> None:
    found = answer(program)
    assert found["tolerance"] == pytest.approx(found["steps"][0]["scale"], rel=1e-4)
    twice = answer(program, CK_ABS_DIFF_THRESHOLD=2)
    assert twice["tolerance"] == pytest.approx(2 * found["tolerance"], rel=1e-6)


def test_a_network_may_be_off_by_what_roundings_come_to(program: Path) -> None:
    """And a bias that is missing in its first layer is farther off."""
    found = answer(program, LAYERS=3, CK_ABS_DIFF_THRESHOLD=2)
    steps = found["tolerance"] / found["steps"][-1]["scale"]
    assert 2 <= steps < 12
    off = np.abs(np.array(found["without bias"]) - found["expected"])
    assert off.max() > 2 * found["tolerance"]
