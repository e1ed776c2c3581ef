"""The parts of the C++ operator programs that need no Arm Compute Library, compiled and run here.

The reference convolution is held against NumPy: every output of every program is judged by it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onboard.armcl.compiled_programs import COMPILER, compiled
from onboard.armcl.compiled_programs import run as run_program

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

REFERENCE = """
#include "nntest/connected_point.h"
#include "nntest/convolution_point.h"
#include "nntest/half.h"
#include "nntest/json.h"
#include "nntest/output_check.h"
#include "nntest/pool_point.h"
#include "nntest/records.h"
#include "nntest/settings.h"
#include "nntest/softmax_point.h"
#include <cstdio>
#include <cstdlib>
using namespace nntest;

struct Answer
{
    Shape               in, out;
    std::vector<float>  weights, bias;
    std::vector<double> expected;
};

Answer answer(const std::string &species, std::vector<double> &input, Random &random)
{
    const Variables variables = Variables::environment();
    const auto      drawn     = [&](const Shape &shape) {
        const std::vector<float> values = random.uniform(shape.elements());
        input.assign(values.begin(), values.end());
    };
    if(species == "softmax")
    {
        const Shape shape = read_in_shape(variables);
        drawn(shape);
        return Answer{ shape, shape, {}, {}, softmax(shape, input) };
    }
    if(species == "avgpool" || species == "maxpool")
    {
        const PoolPoint point = PoolPoint::from(variables, species == "avgpool");
        drawn(point.in);
        return Answer{ point.in, point.out, {}, {}, pool(point, input) };
    }
    if(species == "fullyconnected")
    {
        const ConnectedPoint point = ConnectedPoint::from(variables);
        drawn(point.in);
        const Operands operands = point.draw(random);
        return Answer{ point.in, point.out, operands.weights, operands.bias,
                       connect(point, input, operands) };
    }
    const bool             depthwise = species == "depthwiseconv";
    const ConvolutionPoint point     = depthwise ? ConvolutionPoint::depthwise_from(variables)
                                                 : ConvolutionPoint::from(variables);
    drawn(point.in);
    const Operands operands = point.draw(random);
    return Answer{ point.in, point.out, operands.weights, operands.bias,
                   convolve(point, input, operands) };
}

int main()
{
    try
    {
        const Settings      settings = Settings::from_environment();
        Random              random(settings.seed);
        std::vector<double> input;
        const Answer        found = answer(read_text("SPECIES"), input, random);
        std::vector<float>  output(found.expected.begin(), found.expected.end());
        const double        limit = tolerance_of_floats(settings.threshold, found.expected);
        const OutputCheck   right = check_output(output, found.expected, found.out, limit);
        output.back() += 1;
        output.front() = NAN;
        const OutputCheck wrong = check_output(output, found.expected, found.out, limit);
        const Shape      &out   = found.out;
        std::printf("%s\\n", JsonObject()
            .add("out", json_list(std::vector<int>{ out.n, out.c, out.h, out.w }))
            .add("input", json_list(input))
            .add("weights", json_list(found.weights))
            .add("bias", json_list(found.bias))
            .add("expected", json_list(found.expected))
            .add("right", right.as_json())
            .add("wrong", wrong.as_json())
            .add("explanation", wrong.explanation(output.size()))
            .add("tuner", settings.tuner)
            .add("warmups", settings.warmups)
            .add("now", utc_now())
            .add("odd text", "\\"\\\\ \\n\\t/")
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
    **{"CK_IN_SHAPE_N": 2, "CK_IN_SHAPE_C": 3, "CK_IN_SHAPE_H": 7, "CK_IN_SHAPE_W": 6},
    **{"CK_OUT_SHAPE_C": 4, "CK_CONV_KERNEL": 3, "CK_CONV_STRIDE": 1, "CK_CONV_PAD": 0},
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("armcl"), "reference", REFERENCE)


def run(program: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    return run_program(program, **{**POINT, **variables})


def naive(
    data: np.ndarray[Any, Any],
    weights: np.ndarray[Any, Any],
    bias: np.ndarray[Any, Any],
    stride: int,
    pads: tuple[int, int, int, int],
) -> np.ndarray[Any, Any]:
    """The convolution by its definition, window by window."""
    padded = np.pad(data, ((0, 0), (0, 0), pads[:2], pads[2:]))
    size = weights.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,kcij->nkhw", windows, weights) + bias[:, None, None]


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1), (4, 0, 1, 3)])
def test_the_reference_is_the_convolution(
    program: Path, kernel: int, stride: int, pads: tuple[int, int, int, int]
) -> None:
    done = run(
        program,
        CK_CONV_KERNEL=kernel,
        CK_CONV_STRIDE=stride,
        NNTEST_CONV_PADS=",".join(map(str, pads)),
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    data = np.array(answer["input"]).reshape(2, 3, 7, 6)
    weights = np.array(answer["weights"]).reshape(4, 3, kernel, kernel)
    expected = naive(data, weights, np.array(answer["bias"]), stride, pads)
    assert tuple(answer["out"]) == expected.shape
    np.testing.assert_allclose(
        np.array(answer["expected"]).reshape(expected.shape), expected, atol=1e-6
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1)])
def test_the_reference_is_the_depthwise_convolution(
    program: Path, stride: int, pads: tuple[int, int, int, int]
) -> None:
    done = run(
        program,
        SPECIES="depthwiseconv",
        CK_DEPTHWISE_STRIDE=stride,
        NNTEST_CONV_PADS=",".join(map(str, pads)),
    )
    answer = json.loads(done.stdout)
    data = np.array(answer["input"]).reshape(2, 3, 7, 6)
    weights = np.array(answer["weights"]).reshape(3, 1, 3, 3)
    bias = np.array(answer["bias"])
    each = [
        naive(data[:, i : i + 1], weights[i : i + 1], bias[i : i + 1], stride, pads)
        for i in range(3)
    ]
    expected = np.concatenate(each, axis=1)
    assert tuple(answer["out"]) == expected.shape
    found = np.array(answer["expected"]).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_reference_is_the_fully_connected_layer(program: Path) -> None:
    answer = json.loads(run(program, SPECIES="fullyconnected", CK_OUT_SHAPE_H=2).stdout)
    data = np.array(answer["input"]).reshape(2, 3 * 7 * 6)
    weights = np.array(answer["weights"]).reshape(8, 3 * 7 * 6)
    assert answer["out"] == [2, 4, 2, 1]
    expected = data @ weights.T + np.array(answer["bias"])
    found = np.array(answer["expected"]).reshape(2, 8)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("exclude", [0, 1])
@pytest.mark.parametrize(("size", "stride", "pad"), [(3, 2, 1), (2, 2, 0), (6, 1, 0)])
@pytest.mark.parametrize("species", ["avgpool", "maxpool"])
def test_the_reference_is_the_pooling(
    program: Path, species: str, size: int, stride: int, pad: int, exclude: int
) -> None:
    done = run(
        program,
        SPECIES=species,
        CK_POOL_KERNEL=size,
        CK_POOL_STRIDE=stride,
        CK_POOL_PAD=pad,
        CK_EXCLUDE_PADDING=exclude,
    )
    answer = json.loads(done.stdout)
    data = np.array(answer["input"]).reshape(2, 3, 7, 6)
    sides = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(data, sides, constant_values=np.nan), (size, size), axis=(2, 3)
    )[:, :, ::stride, ::stride]
    if species == "maxpool":
        expected = np.nanmax(windows, axis=(4, 5))
    elif exclude:
        expected = np.nanmean(windows, axis=(4, 5))
    else:
        expected = np.nansum(windows, axis=(4, 5)) / size**2
    assert tuple(answer["out"]) == expected.shape
    found = np.array(answer["expected"]).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_reference_is_the_softmax(program: Path) -> None:
    answer = json.loads(run(program, SPECIES="softmax").stdout)
    data = np.exp(np.array(answer["input"]).reshape(2, 3, 7, 6))
    found = np.array(answer["expected"]).reshape(2, 3, 7, 6)
    np.testing.assert_allclose(found, data / data.sum(axis=1, keepdims=True), atol=1e-6)


def test_small_outputs_are_judged_by_their_own_size(program: Path) -> None:
    """Nothing but zeros would be within 0.001 of a softmax over a thousand channels."""
    shape = {"CK_IN_SHAPE_C": 1001, "CK_IN_SHAPE_H": 1, "CK_IN_SHAPE_W": 1}
    answer = json.loads(run(program, SPECIES="softmax", **shape).stdout)
    assert answer["right"]["ok"]
    largest = max(answer["expected"])
    assert answer["right"]["threshold"] == pytest.approx(0.001 * largest, rel=1e-6)
    assert largest < 0.003


def test_the_operands_come_from_the_seed_alone(program: Path) -> None:
    first, again, other = (json.loads(run(program, CK_SEED=s).stdout) for s in (1, 1, 2))
    assert first["input"] == again["input"]
    assert first["input"] != other["input"]
    # The engine's upper 24 bits, as NumPy's engine of the same name draws them.
    engine = np.random.MT19937()
    engine._legacy_seeding(1)
    drawn = (engine.random_raw(2 * 3 * 7 * 6) >> 8) / 2**23 - 1
    np.testing.assert_allclose(first["input"], drawn, atol=1e-7)


def test_every_element_is_judged(program: Path) -> None:
    answer = json.loads(run(program).stdout)
    assert answer["right"] == {
        "ok": True, "max_abs_diff": answer["right"]["max_abs_diff"], "threshold": 0.001
    }  # fmt: skip
    assert answer["right"]["max_abs_diff"] < 1e-6
    assert answer["wrong"] == {"ok": False, "max_abs_diff": None, "threshold": 0.001}
    assert answer["explanation"].startswith(
        "2 of 160 elements differ from the reference by more than 0.001, 1 of them are NaN; "
        "the worst is at [0, 0, 0, 0]: nan instead of "
    )


def test_what_is_written_is_json_and_iso(program: Path) -> None:
    answer = json.loads(run(program).stdout)
    assert answer["odd text"] == '"\\ \n\t/'
    assert np.datetime64(answer["now"].removesuffix("+00:00")) > np.datetime64("2020-01-01")


@pytest.mark.parametrize(
    ("variables", "warmups"),
    [
        ({}, 1),
        ({"NNTEST_WARMUPS": 3}, 3),
        ({"NNTEST_WARMUP": "tuner-only"}, 0),
        ({"NNTEST_WARMUP": "tuner-only", "CK_LWS_TUNER_TYPE": "DEFAULT"}, 1),
        ({"NNTEST_WARMUP": "tuner-only", "CK_LWS_TUNER_TYPE": "BIFROST"}, 0),
    ],
)
def test_warm_up(program: Path, variables: dict[str, Any], warmups: int) -> None:
    assert json.loads(run(program, **variables).stdout)["warmups"] == warmups


@pytest.mark.parametrize(
    ("variables", "status", "reported"),
    [
        ({"CK_IN_SHAPE_C": None}, 2, "CK_IN_SHAPE_C is not set"),
        ({"CK_IN_SHAPE_C": "three"}, 2, "CK_IN_SHAPE_C='three' is not an integer"),
        ({"CK_IN_SHAPE_C": "3.5"}, 2, "is not an integer"),
        ({"CK_IN_SHAPE_C": 0}, 2, "is not from 1 to"),
        ({"CK_IN_SHAPE_C": 10**30}, 2, "is not from 1 to"),
        ({"CK_CONV_KERNEL": 9}, 2, "CK_CONV_KERNEL=9 is larger than the padded input of 7x6"),
        ({"NNTEST_CONV_PADS": "1,2,3"}, 2, "is not four integers"),
        ({"NNTEST_CONV_PADS": "1,2,3,"}, 2, "is not an integer"),
        ({"CK_ABS_DIFF_THRESHOLD": "nan"}, 2, "is not a finite number"),
        ({"NNTEST_REPETITIONS": 0}, 2, "is not from 1 to"),
        ({"NNTEST_WARMUP": "sometimes"}, 2, "neither 'always' nor 'tuner-only'"),
        ({"NNTEST_TUNER_MODE": "wild"}, 2, "none of exhaustive, normal, rapid"),
        ({"CK_LWS_TUNER_TYPE": "SCHEDULE"}, 3, "has NONE, DEFAULT, CUSTOM and BIFROST"),
        ({"CK_DATA_LAYOUT": "CHWN"}, 3, "this program has NCHW and NHWC"),
        ({"NNTEST_DATA_TYPE": "int4"}, 3, "this program has fp32, fp16 and int8"),
        ({"SPECIES": "avgpool", "CK_POOL_KERNEL": 2, "CK_POOL_PAD": 2}, 2, "nothing but padding"),
        ({"SPECIES": "avgpool", "CK_POOL_KERNEL": 8}, 2, "CK_POOL_KERNEL=8 is larger"),
        ({"SPECIES": "avgpool", "CK_POOL_KERNEL": 2, "CK_EXCLUDE_PADDING": 2}, 2, "neither 0 nor"),
        ({"CK_COMPUTE_DEVICE_ID": 1}, 3, "takes the first device"),
    ],
)
def test_what_cannot_be_measured_is_reported(
    program: Path, variables: dict[str, Any], status: int, reported: str
) -> None:
    done = run(program, **variables)
    assert done.returncode == status
    assert done.stderr.startswith("not-supported: ")
    assert reported in done.stderr


HALVES = """
#include "nntest/half.h"
#include <cstdio>
using namespace nntest;

int main()
{
    float value;
    while(std::fread(&value, sizeof value, 1, stdin) == 1)
    {
        const uint16_t half = to_half(value);
        const float    back = from_half(half);
        std::fwrite(&half, sizeof half, 1, stdout);
        std::fwrite(&back, sizeof back, 1, stdout);
    }
}
"""


def test_halves_are_rounded_as_numpy_rounds_them(tmp_path: Path) -> None:
    """Every half, the middle between each two and its neighbours, and numbers of all sizes."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.sort(halves[np.isfinite(halves)])
    middles = (finite[1:] + finite[:-1]) / 2
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, 20_000, dtype=np.uint32).view(np.float32)
    above, below = np.float32(np.inf), np.float32(-np.inf)
    values = np.concatenate(
        [halves, middles, np.nextafter(middles, above), np.nextafter(middles, below), bits]
    )
    edges = np.array([65504, 65519.996, 65520, 1e10, -65520, 0, -0.0, 2**-25, 2**-24, 6e-8])
    values = np.concatenate([values, edges.astype(np.float32)])
    done = subprocess.run(
        [str(compiled(tmp_path, "halves", HALVES))],
        input=values.tobytes(),
        capture_output=True,
        check=True,
    )
    found = np.frombuffer(done.stdout, np.dtype([("half", "<u2"), ("back", "<f4")]))
    with np.errstate(over="ignore"):
        wanted = values.astype(np.float16)
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(found["half"][number], wanted.view(np.uint16)[number])
    np.testing.assert_array_equal(found["back"], wanted.astype(np.float32))
    assert np.isnan(found["half"].view(np.float16)[~number]).all()


def test_every_version_compiles() -> None:
    """Against genuine headers, where a clone of Arm's repository is at hand; takes minutes."""
    repository = os.environ.get("NNTEST_ARMCL_REPOSITORY")
    if not repository or shutil.which("aarch64-linux-gnu-g++") is None:
        pytest.skip(
            "needs NNTEST_ARMCL_REPOSITORY, a clone of ComputeLibrary, and a cross compiler"
        )
    script = Path(__file__).parents[3] / "benchmarks" / "armcl_headers.py"
    done = subprocess.run(
        [sys.executable, str(script), "--repository", repository],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
