"""The parts of the C++ operator programs that need no Arm Compute Library, compiled and run here.

The reference convolution is held against NumPy: every output of every program is judged by it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nntest.codehash import ONBOARD

COMPILER = shutil.which("g++")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

REFERENCE = """
#include "nntest/convolution_point.h"
#include "nntest/json.h"
#include "nntest/output_check.h"
#include "nntest/records.h"
#include "nntest/settings.h"
#include <cstdio>
using namespace nntest;

int main()
{
    try
    {
        const Settings            settings = Settings::from_environment();
        const ConvolutionPoint    point    = ConvolutionPoint::from_environment();
        const ConvolutionOperands operands = ConvolutionOperands::draw(point, settings.seed);
        const std::vector<double> expected = convolve(point, operands);
        std::vector<float>        output(expected.begin(), expected.end());
        const double              limit = settings.threshold;
        const OutputCheck         right = check_output(output, expected, point.out, limit);
        output.back() += 1;
        output.front() = NAN;
        const OutputCheck wrong = check_output(output, expected, point.out, limit);
        const Shape      &out   = point.out;
        std::printf("%s\\n", JsonObject()
            .add("out", json_list(std::vector<int>{ out.n, out.c, out.h, out.w }))
            .add("input", json_list(operands.input))
            .add("weights", json_list(operands.weights))
            .add("bias", json_list(operands.bias))
            .add("expected", json_list(expected))
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
    folder = tmp_path_factory.mktemp("armcl")
    (folder / "reference.cpp").write_text(REFERENCE)
    subprocess.run(
        [
            *(str(COMPILER), "-std=c++11", "-Wall", "-Wextra", "-Werror"),
            *(f"-I{ONBOARD / 'armcl'}", "-o", str(folder / "reference")),
            str(folder / "reference.cpp"),
        ],
        check=True,
    )
    return folder / "reference"


def run(program: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CK_", "NNTEST_"))}
    wanted = {**POINT, **variables}
    environment = {k: str(v) for k, v in wanted.items() if v is not None}
    return subprocess.run(
        [str(program)], env={**kept, **environment}, capture_output=True, text=True, check=False
    )


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
    ],
)
def test_warm_up(program: Path, variables: dict[str, Any], warmups: int) -> None:
    assert json.loads(run(program, **variables).stdout)["warmups"] == warmups


@pytest.mark.parametrize(
    ("variables", "status", "told"),
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
        ({"CK_LWS_TUNER_TYPE": "BIFROST"}, 3, "this program has NONE and DEFAULT"),
        ({"CK_DATA_LAYOUT": "NHWC"}, 3, "this program has NCHW"),
        ({"CK_COMPUTE_DEVICE_ID": 1}, 3, "takes the first device"),
    ],
)
def test_what_cannot_be_measured_is_told(
    program: Path, variables: dict[str, Any], status: int, told: str
) -> None:
    done = run(program, **variables)
    assert done.returncode == status
    assert done.stderr.startswith("not-supported: ")
    assert told in done.stderr
