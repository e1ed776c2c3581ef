"""The programs that measure a device's ceilings: what they compute, and what they say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onboard.opencl_reference.reference_program import patch, run_program

pytest.importorskip("pyopencl")


class TestCeilings:
    @pytest.mark.parametrize(
        ("operator", "unit", "work"),
        [("bandwidth", "GB/s", 2 * 2**20), ("peak", "GFLOP/s", None)],
    )
    def test_each_repetition_has_its_figure(
        self, tmp_path: Path, operator: str, unit: str, work: float | None
    ) -> None:
        run = run_program(tmp_path, operator, NNTEST_CEILING_SIZE=1, NNTEST_REPETITIONS=2)
        assert run.exit_status == 0, run
        assert len(run.repetitions) == 2
        for line in run.repetitions:
            state = line["run_time_state"]
            ceiling = state["ceiling"]
            assert (ceiling["quantity"], ceiling["unit"]) == (operator, unit)
            assert (ceiling["data_type"], state["data_bits"]) == ("fp32", 32)
            details = ceiling["details"]
            done = work or 2.0 * state["out_shape_W"] * details["chains"] * 128
            assert ceiling["value"] == pytest.approx(done / line["execution_time_kernel_1"] / 1e9)
            best = max(details["tried"], key=lambda tried: tried["value"])
            assert {key: details[key] for key in best if key != "value"} == {
                key: best[key] for key in best if key != "value"
            }
            assert details["size"] == 1

    @pytest.mark.parametrize(
        ("operator", "kernel", "old", "new"),
        [
            ("peak", "peak.cl", "step < STEPS;", "step < STEPS - 1;"),
            ("peak", "peak.cl", "for (int c = 0; c < CHAINS; ++c)\n            chain[c] =",
             "for (int c = 1; c < CHAINS; ++c)\n            chain[c] ="),
            ("bandwidth", "stream.cl", "i + VECTOR <= last;", "i + VECTOR < last;"),
        ],
        ids=["a step less", "a chain less", "the last vector"],
    )  # fmt: skip
    def test_work_that_is_not_done_is_no_figure(
        self, tmp_path: Path, broken_program: Path, operator: str, kernel: str, old: str, new: str
    ) -> None:
        if operator == "bandwidth":
            patch(broken_program / "kernels" / kernel, "for (; i < last; ++i)", "for (; 0;)")
        patch(broken_program / "kernels" / kernel, old, new)
        run = run_program(
            tmp_path / "work", operator, program=broken_program, NNTEST_CEILING_SIZE=1
        )
        assert run.exit_status == 4, run
        assert run.repetitions == []

    @pytest.mark.parametrize(
        ("operator", "variables", "words"),
        [
            ("bandwidth", {"NNTEST_DATA_TYPE": "fp16"}, ["NNTEST_DATA_TYPE='fp16'", "bandwidth"]),
            ("bandwidth", {"CK_LWS_TUNER_TYPE": "DEFAULT"}, ["'DEFAULT'", "bandwidth has NONE"]),
            ("peak", {"NNTEST_CEILING_SIZE": 0}, ["NNTEST_CEILING_SIZE='0'"]),
        ],
        ids=["data type", "tuner", "size"],
    )
    def test_what_cannot_be_is_named(
        self, tmp_path: Path, operator: str, variables: dict[str, Any], words: list[str]
    ) -> None:
        run = run_program(tmp_path, operator, **variables)
        assert run.exit_status in (2, 3), run
        for word in words:
            assert word in run.status["reason"]

    def test_half_precision_is_measured_or_refused(self, tmp_path: Path, device: Any) -> None:
        run = run_program(tmp_path, "peak", NNTEST_CEILING_SIZE=1, NNTEST_DATA_TYPE="fp16")
        if "cl_khr_fp16" in device.handle.extensions.split():
            assert run.exit_status == 0, run
            assert run.repetitions[0]["run_time_state"]["data_bits"] == 16
        else:
            assert run.exit_status == 3, run
            assert "has no cl_khr_fp16" in run.status["reason"]
