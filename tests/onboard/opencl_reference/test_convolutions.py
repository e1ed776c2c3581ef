"""The OpenCL reference operators, run as a board runs them: as a program, on a real device.

The device is the first one there is, which without a GPU is PoCL on the CPU.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onboard.opencl_reference.reference_program import (
    ODD_POINT,
    convolution,
    patch,
    run_kernels,
    run_program,
)

pytest.importorskip("pyopencl")


def naive_convolution(point: Any, tensors: Any) -> np.ndarray[Any, Any]:
    """The definition, one element at a time: neither the kernels' way nor the reference's."""
    out = np.empty(point.out_shape)
    for n, m, y, x in itertools.product(*map(range, point.out_shape)):
        total = float(tensors.bias[m])
        for c, ky, kx in itertools.product(
            range(point.channels), range(point.kernel), range(point.kernel)
        ):
            row = y * point.stride + ky - point.pads.top
            column = x * point.stride + kx - point.pads.left
            if 0 <= row < point.height and 0 <= column < point.width:
                total += float(tensors.input[n, c, row, column]) * float(
                    tensors.weights[m, c, ky, kx]
                )
        out[n, m, y, x] = total
    return out


class TestMeasurement:
    @pytest.mark.parametrize("operator", ["conv", "directconv"])
    @pytest.mark.parametrize("tuner", ["NONE", "DEFAULT"])
    def test_leaves_times_and_what_they_were_measured_with(
        self, tmp_path: Path, operator: str, tuner: str
    ) -> None:
        run = run_program(
            tmp_path,
            operator,
            CK_LWS_TUNER_TYPE=tuner,
            NNTEST_REPETITIONS=3,
            NNTEST_FIRST_REPETITION=4,
            CK_SEED=9,
            CK_DATASET_FILENAME="shape.json",
        )
        assert run.exit_status == 0, run
        assert not (tmp_path / "tmp-nntest-status.json").exists()
        assert [line["repetition"] for line in run.repetitions] == [4, 5, 6]
        first = run.repetitions[0]
        assert run.timer["execution_time_kernel_0"] == first["execution_time_kernel_0"] > 0
        assert run.timer["execution_time_kernel_1"] == first["execution_time_kernel_1"] > 0
        for line in run.repetitions:
            assert line["output_check"]["ok"] is True
            assert 0 <= line["output_check"]["max_abs_diff"] < 1e-5
            assert line["output_check"]["threshold"] == 0.001
            started = datetime.fromisoformat(line["started_at"])
            assert started.utcoffset() == timedelta(0)
        state = run.state
        assert [state[f"in_shape_{axis}"] for axis in "NCHW"] == [2, 3, 11, 9]
        assert [state[f"out_shape_{axis}"] for axis in "NCHW"] == [2, 5, 6, 5]
        assert (state["data_bits"], state["rnd_seed"], state["warmups"]) == (32, 9, 1)
        assert state["time_setup"] == run.timer["execution_time_kernel_0"]
        assert state["time_test"] == run.timer["execution_time_kernel_1"]
        assert state["dataset_filename"] == "shape.json"
        assert state["device"]["name"] and state["device"]["driver_version"]
        kernels = {"conv": {"im2col", "gemm"}, "directconv": {"direct_convolution"}}[operator]
        assert state["tuner"]["local_sizes"].keys() == kernels
        assert state["tuner"]["from_table"] is False
        if tuner == "NONE":
            assert state["tuner"]["tuning_s"] == 0
            assert set(state["tuner"]["local_sizes"].values()) == {None}
        else:
            assert state["tuner"]["tuning_s"] > 0

    @pytest.mark.parametrize("operator", ["conv", "directconv"])
    def test_raw_output_is_the_convolution(
        self, tmp_path: Path, program: SimpleNamespace, operator: str
    ) -> None:
        run = run_program(
            tmp_path,
            operator,
            CK_CONV_KERNEL=5,
            CK_CONV_STRIDE=1,
            NNTEST_CONV_PADS="2,1,0,3",
            CK_OUT_RAW_DATA="tmp-ck-output.bin",
        )
        assert run.exit_status == 0, run
        point = convolution(program, 2, 3, 11, 9, 5, kernel=5, stride=1, pads=(2, 1, 0, 3))
        assert [run.state[f"out_shape_{axis}"] for axis in "NCHW"] == list(point.out_shape)
        output = np.fromfile(tmp_path / "tmp-ck-output.bin", "<f4").reshape(point.out_shape)
        expected = naive_convolution(point, point.draw(42))
        assert np.abs(output - expected).max() < 1e-5

    def test_pointwise_convolution_needs_no_im2col(self, tmp_path: Path) -> None:
        run = run_program(tmp_path, "conv", CK_CONV_KERNEL=1, CK_CONV_STRIDE=1, CK_CONV_PAD=0)
        assert run.exit_status == 0, run
        assert run.state["tuner"]["local_sizes"].keys() == {"gemm"}

    def test_threads_stay_out_of_the_way_unless_the_user_says_otherwise(
        self, tmp_path: Path
    ) -> None:
        run = run_program(
            tmp_path, OPENBLAS_NUM_THREADS=None, OMP_NUM_THREADS=None, POCL_AFFINITY=0
        )
        assert run.state["process_environment"] == {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "POCL_AFFINITY": "0",
            "POCL_MAX_PTHREAD_COUNT": None,
            "POCL_CPU_MAX_CU_COUNT": None,
        }

    @pytest.mark.parametrize("threads", [1, 2])
    def test_a_number_of_threads_is_what_pocl_has(self, tmp_path: Path, threads: int) -> None:
        run = run_program(tmp_path, NNTEST_THREADS=threads)
        assert run.exit_status == 0, run
        assert run.state["device"]["compute_units"] == threads
        assert run.state["threads"]["asked"] == threads
        assert run.state["threads"]["used"] in (None, *range(1, threads + 1))

    def test_on_one_core_pocl_has_one_thread(self, tmp_path: Path) -> None:
        allowed = os.sched_getaffinity(0)
        core = max(allowed)
        os.sched_setaffinity(0, {core})
        try:
            run = run_program(tmp_path, NNTEST_CORES=core)
        finally:
            os.sched_setaffinity(0, allowed)
        assert run.exit_status == 0, run
        assert (run.state["device"]["compute_units"], run.state["threads"]["cores"]) == (1, 1)
        seen = run.repetitions[0]["run_time_state"]["disturbance"]["cores"]
        assert seen in ([core], None)

    def test_threads_beyond_the_cores_that_a_point_is_for_are_no_measurement(
        self, tmp_path: Path
    ) -> None:
        run = run_program(tmp_path, NNTEST_CORES=4095)
        assert (run.exit_status, run.status["status"]) == (3, "not-supported")
        assert (
            "and the point is for cores 4095: the library places its threads"
            in (run.status["reason"])
        )

    def test_repetitions_of_a_later_run_are_appended(self, tmp_path: Path) -> None:
        run_program(tmp_path, NNTEST_REPETITIONS=2)
        run = run_program(tmp_path, NNTEST_REPETITIONS=1, NNTEST_FIRST_REPETITION=2)
        assert [line["repetition"] for line in run.repetitions] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("policy", "tuner", "warmups"),
        [("", "NONE", 3), ("tuner-only", "NONE", 0), ("tuner-only", "DEFAULT", 3)],
    )
    def test_warms_up_tuner_or_not_unless_asked_for_the_old_way(
        self, program: SimpleNamespace, policy: str, tuner: str, warmups: int
    ) -> None:
        environment = {
            "NNTEST_WARMUPS": "3",
            "NNTEST_WARMUP": policy,
            "CK_LWS_TUNER_TYPE": tuner,
        }
        assert program.point.Settings.from_environment(environment).warmups == warmups


class TestFailures:
    @pytest.mark.parametrize(
        "variables",
        [
            {"CK_IN_SHAPE_C": None},
            {"CK_IN_SHAPE_H": "seven"},
            {"CK_CONV_STRIDE": "0"},
            {"CK_CONV_KERNEL": "14"},
            {"NNTEST_CONV_PADS": "1,2,3"},
            {"NNTEST_CONV_PADS": "1,2,3,-4"},
            {"CK_ABS_DIFF_THRESHOLD": "nan"},
            {"NNTEST_REPETITIONS": "0"},
            {"NNTEST_WARMUPS": "0"},
            {"NNTEST_WARMUP": "never"},
            {"NNTEST_TUNER_MODE": "slow"},
        ],
        ids=lambda variables: "=".join(map(str, *variables.items())),
    )
    def test_bad_value_is_named(
        self, program: SimpleNamespace, variables: dict[str, str | None]
    ) -> None:
        values = {**ODD_POINT, **variables}
        environment = {k: str(v) for k, v in values.items() if v is not None}
        with pytest.raises(program.failures.BadValue) as caught:
            program.point.Settings.from_environment(environment)
            program.layers.ConvolutionPoint.from_environment(environment)
        ((name, value),) = variables.items()
        assert name in caught.value.reason
        assert (value or "not set") in caught.value.reason

    @pytest.mark.parametrize(
        ("arguments", "variables", "exit_status", "status", "words"),
        [
            ([], {"CK_IN_SHAPE_W": "x"}, 2, "not-supported", ["CK_IN_SHAPE_W='x'"]),
            (["conv", "conv"], {}, 2, "not-supported", ["one argument"]),
            (["lstm"], {}, 3, "not-supported", ["'lstm'", "conv, depthwiseconv, directconv"]),
            ([], {"CK_LWS_TUNER_TYPE": "BIFROST"}, 3, "not-supported", ["'BIFROST'", "DEFAULT"]),
            (
                [],
                {"CK_COMPUTE_PLATFORM_ID": 31},
                *(3, "not-supported", ["CK_COMPUTE_PLATFORM_ID=31", "0/0 "]),
            ),
            ([], {"CK_COMPUTE_DEVICE_ID": 31}, 3, "not-supported", ["CK_COMPUTE_DEVICE_ID=31"]),
            (
                [],
                {"OCL_ICD_VENDORS": "none.icd"},
                *(3, "not-supported", ["no OpenCL platform", "pip install pocl"]),
            ),
            (
                ["conv"],
                {"CK_IN_SHAPE_H": 60_000, "CK_IN_SHAPE_W": 60_000},
                *(6, "out-of-memory", ["'columns'", "MB"]),
            ),
        ],
        ids=lambda value: None,
    )
    def test_failure_has_a_status_and_a_reason(
        self,
        tmp_path: Path,
        arguments: list[str],
        variables: dict[str, Any],
        exit_status: int,
        status: str,
        words: list[str],
    ) -> None:
        (tmp_path / "tmp-ck-timer.json").write_text("an earlier run's")
        run = run_program(tmp_path, *arguments, **variables)
        assert run.exit_status == exit_status, run
        assert run.status["status"] == status
        for word in words:
            assert word in run.status["reason"]
        assert not (tmp_path / "tmp-ck-timer.json").exists()
        assert run.repetitions == []

    def test_missing_package_is_named(self, tmp_path: Path) -> None:
        run = run_program(tmp_path, interpreter=(sys.executable, "-S"))
        assert run.exit_status == 3, run
        assert "pip install numpy pyopencl" in run.status["reason"]

    @pytest.mark.parametrize(
        ("operator", "kernel", "old", "new"),
        [
            ("conv", "im2col.cl", "? from[y * in_w + x] : 0.0f", "? from[y * in_w] : 0.0f"),
            ("conv", "gemm.cl", "row >= rows ||", "row >= rows - BLOCK ||"),
            ("directconv", "direct_convolution.cl", "(bias[channel])", "(0.0f)"),
        ],
        ids=["wrong element", "unwritten rows", "no bias"],
    )
    def test_wrong_output_is_no_time(
        self, tmp_path: Path, broken_program: Path, operator: str, kernel: str, old: str, new: str
    ) -> None:
        patch(broken_program / "kernels" / kernel, old, new)
        run = run_program(tmp_path / "work", operator, program=broken_program)
        assert run.exit_status == 4, run
        assert run.status["status"] == "wrong-output"
        assert "differ from the reference by more than 0.001" in run.status["reason"]
        assert run.repetitions == []
        assert not (tmp_path / "work" / "tmp-ck-timer.json").exists()

    def test_kernel_that_writes_nothing_does_not_pass_on_old_output(
        self, tmp_path: Path, broken_program: Path
    ) -> None:
        """The second run of the kernel returns at once; the first one's output must not count."""
        path = broken_program / "kernels" / "direct_convolution.cl"
        patch(
            path, "const int last =", "if (!isnan(output[0])) output[0] = 9;\n    const int last ="
        )
        patch(
            path,
            "const int blocks =",
            "if (isnan(output[0])) return;\n    const int blocks =",
        )
        run = run_program(tmp_path / "work", "directconv", program=broken_program)
        assert run.exit_status == 4, run
        assert "are NaN" in run.status["reason"]

    def test_build_failure_has_the_log(self, tmp_path: Path, broken_program: Path) -> None:
        patch(broken_program / "kernels" / "gemm.cl", "const int height =", "const int = ")
        run = run_program(tmp_path / "work", "conv", program=broken_program)
        assert run.exit_status == 5, run
        assert run.status["status"] == "build-failed"
        assert "gemm.cl" in run.status["reason"]
        assert re.search(r"error: .* expected identifier", run.status["reason"])


class TestTuner:
    def test_table_is_reused(self, tmp_path: Path) -> None:
        path = tmp_path / "sizes.json"
        tuned: dict[str, Any] = {"CK_LWS_TUNER_TYPE": "DEFAULT", "NNTEST_TUNER_TABLE": path}
        first = run_program(tmp_path / "first", "conv", **tuned)
        table = json.loads(path.read_text())
        second = run_program(tmp_path / "second", "conv", **tuned)
        other = run_program(tmp_path / "other", "conv", CK_IN_SHAPE_C=4, **tuned)
        assert first.state["tuner"]["from_table"] is False
        assert second.state["tuner"]["from_table"] is True
        assert second.state["tuner"]["tuning_s"] == 0
        assert second.state["tuner"]["local_sizes"] == first.state["tuner"]["local_sizes"]
        assert other.state["tuner"]["from_table"] is False
        assert table["version"] == 1
        assert {entry["kernel"] for entry in table["entries"].values()} == {"im2col", "gemm"}
        for entry in table["entries"].values():
            assert 0 < entry["time_s"] <= entry["driver_choice_time_s"]
            assert 1 < entry["candidates"] <= 13
        assert len(json.loads(path.read_text())["entries"]) == 4
        assert [file.name for file in tmp_path.glob("sizes*")] == ["sizes.json"]

    @pytest.mark.parametrize(
        "content",
        [
            "{",
            "[]",
            '{"schema": "nntest-flow/opencl-local-sizes", "version": 99, "entries": {}}',
            '{"schema": "nntest-flow/opencl-local-sizes", "version": 1, "entries": '
            '{"k": {"local_size": [0, 1, 1], "mode": "rapid"}}}',
        ],
        ids=["cut off", "another file", "another version", "bad entry"],
    )
    def test_corrupt_table_is_named(
        self, program: SimpleNamespace, tmp_path: Path, content: str
    ) -> None:
        path = tmp_path / "sizes.json"
        path.write_text(content)
        with pytest.raises(program.failures.BadValue, match=r"NNTEST_TUNER_TABLE=.*sizes\.json"):
            program.tuner.TunerTable(str(path))

    def test_table_in_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        run = run_program(
            tmp_path, CK_LWS_TUNER_TYPE="DEFAULT", NNTEST_TUNER_TABLE="missing/sizes.json"
        )
        assert run.exit_status == 2, run
        assert "NNTEST_TUNER_TABLE='missing/sizes.json'" in run.status["reason"]

    def test_rapid_sizes_do_not_stand_in_for_thorough_ones(
        self, program: SimpleNamespace, tmp_path: Path
    ) -> None:
        table = program.tuner.TunerTable(str(tmp_path / "sizes.json"))
        table.add({"key": {"local_size": None, "mode": "normal"}})
        assert table.find("key", "rapid") is table.find("key", "normal") is not None
        assert table.find("key", "exhaustive") is None
        assert table.find("another key", "rapid") is None

    def test_candidates_fit_the_work_and_the_device(self, program: SimpleNamespace) -> None:
        limits, items = (8, 1024, 1024), (50, 3, 20)
        found = {
            mode: program.tuner.candidates(mode, items, limits, 64)
            for mode in program.point.TUNER_MODES
        }
        for sizes in found.values():
            assert len(sizes) == len(set(sizes))
            for x, y, z in sizes:
                assert x <= 8 and y <= 3 and z <= 20 and x * y * z <= 64
        assert len(found["rapid"]) <= 12
        assert len(found["rapid"]) < len(found["normal"]) < len(found["exhaustive"])
        everything = program.tuner.candidates("exhaustive", (99, 99, 99), (99, 99, 99), 10**6)
        assert len(everything) == 16 * 16 * 8

    def test_keeps_the_fastest(
        self, program: SimpleNamespace, device: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        point = convolution(program, 1, 2, 9, 40, 3, kernel=1, stride=1)
        operator = program.operators.find_operator("conv")(point, device)
        operator.set_up(operator.draw(1))
        (launch,) = operator.launches
        times = {None: 3.0, (4, 1, 1): 2.0, (16, 1, 1): 1.0}
        monkeypatch.setattr(
            program.tuner, "_fastest", lambda _device, tried, _best: times.get(tried.local_size, 5)
        )
        entry = program.tuner.tune_launch(device, launch, "rapid")
        assert tuple(entry["local_size"]) == launch.local_size == (16, 1, 1)
        assert (entry["time_s"], entry["driver_choice_time_s"]) == (1.0, 3.0)
        times[None] = 0.5
        assert program.tuner.tune_launch(device, launch, "rapid")["local_size"] is None
        assert launch.local_size is None


class TestKernels:
    @settings(max_examples=settings().max_examples // 5, derandomize=True)
    @given(data=st.data())
    def test_equal_the_definition(
        self, program: SimpleNamespace, device: Any, data: st.DataObject
    ) -> None:
        kernel = data.draw(st.sampled_from([1, 2, 3]), "kernel")
        point = convolution(
            program,
            data.draw(st.integers(1, 2), "batch"),
            data.draw(st.integers(1, 3), "channels"),
            data.draw(st.integers(kernel, 7), "height"),
            data.draw(st.integers(kernel, 20), "width"),
            data.draw(st.integers(1, 6), "out_channels"),
            kernel=kernel,
            stride=data.draw(st.sampled_from([1, 2]), "stride"),
            pads=data.draw(st.tuples(*[st.integers(0, 2)] * 4), "pads"),
        )
        local = data.draw(st.sampled_from([None, (2, 3, 2)]), "local size")
        expected = naive_convolution(point, point.draw(7))
        for name in ("conv", "directconv"):
            output = run_kernels(program, device, name, point, local)
            assert np.abs(output - expected).max() < 1e-5, name
        tensors = point.draw(7)
        assert np.allclose(point.expected(tensors), expected, atol=1e-12)

    @pytest.mark.parametrize("operator", ["conv", "directconv"])
    @pytest.mark.parametrize(
        "shape",
        [
            (1, 8, 1, 1, 7, 1, 1),
            (2, 5, 7, 7, 9, 1, 1),
            (1, 2, 5, 33, 4, 3, 3),
            (1, 3, 1, 3, 5, 1, 1),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("width", [8, 16])
    def test_rows_shorter_and_longer_than_a_tile(
        self,
        program: SimpleNamespace,
        device: Any,
        monkeypatch: pytest.MonkeyPatch,
        operator: str,
        shape: tuple[int, ...],
        width: int,
    ) -> None:
        monkeypatch.setattr(device, "vector_width", width)
        point = convolution(program, *shape[:5], kernel=shape[5], stride=shape[6])
        expected = naive_convolution(point, point.draw(7))
        output = run_kernels(program, device, operator, point, None)
        assert np.abs(output - expected).max() < 1e-5

    def test_same_seed_same_operands(self, program: SimpleNamespace) -> None:
        point = convolution(program, 1, 4, 5, 5, 3, kernel=3, stride=1)
        one, same, other = point.draw(42), point.draw(42), point.draw(43)
        assert np.array_equal(one.input, same.input)
        assert np.array_equal(one.weights, same.weights)
        assert not np.array_equal(one.input, other.input)
        assert np.abs(one.input).max() <= 1
        assert np.abs(one.weights).max() <= 1 / 6
        assert one.weights.dtype == one.input.dtype == one.bias.dtype == np.float32

    def test_nan_is_wrong_whatever_the_threshold(self, program: SimpleNamespace) -> None:
        output = np.array([[0.0, np.nan]], np.float32)
        comparison = program.reference.compare(output, np.zeros((1, 2)), 1e9)
        assert not comparison.ok
        assert "1 of them are NaN" in comparison.explanation
