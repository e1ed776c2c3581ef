"""Shares of kernels and the two warm-ups, from rows of which the truth is known."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, failed_row, row
from nntest.analysis.kernels import kernel_share, stage_of
from nntest.analysis.protocols import protocol_check
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import PlotOptions
from nntest.domain.tables.measurements import KERNELS
from nntest.pictures.plots.kernel_stack import kernel_stack

FIRST, SECOND = TENSORS[:2]
PARTS = {"im2col": 30.0, "gemm": 50.0}


def timed(tensor, tuner="NONE", times=(100.0,) * 6, **changes):
    return [
        row(tensor, "conv", tuner, time_us=time, repetition_id=i, process_id=i, **changes)
        for i, time in enumerate(times)
    ]


def profiled(tensor, wall_us=120.0, phase="run", runs=3, **changes):
    return [
        row(tensor, "conv", "NONE", time_us=time, GFLOPS=None, kernel=kernel, repetition_id=i,
            phase=phase, launches=1, wall_us=wall_us, point="profiled", **changes)
        for i in range(runs)
        for kernel, time in PARTS.items()
    ]  # fmt: skip


def kernels_of(*rows):
    return to_frame([one for some in rows for one in some], KERNELS)


@pytest.mark.parametrize(
    ("kernel", "stage"),
    [
        # Names of Arm Compute Library 18.05 and 20.08, of ours, and one of neither.
        ("im2col1x1_stridex1_dchw", "im2col"),
        ("gemm_interleave4x4", "interleave, transpose"),
        ("gemm_transpose1xW", "interleave, transpose"),
        ("gemm_mm_interleaved_transposed_f32", "GEMM"),
        ("gemm_mm_reshaped_only_rhs_t", "GEMM"),
        ("gemm_reshape_rhs_matrix_t", "interleave, transpose"),
        ("col2im", "col2im"),
        ("direct_convolution3x3", "direct convolution"),
        ("winograd_input_transform_4x4_3x3_stepz1_nchw", "Winograd transform"),
        ("depthwise_convolution_3x3_nhwc", "depthwise"),
        ("fill_image_borders_constant", "borders, copies"),
        ("reshape_to_columns", "reshape, permute"),
        ("gemm", "GEMM"),
        ("fft_radix", "fft_radix"),
    ],
)
def test_stages_of_kernels(kernel, stage):
    assert stage_of(kernel) == stage


def test_kernel_share_counts_the_timed_run_alone():
    kernels = kernels_of(profiled(FIRST), profiled(FIRST, phase="warmup"))
    one = kernel_share(to_frame(timed(FIRST)), kernels, 42).iloc[0]
    assert (one["kernels_us"], one["wall_us"], one["between_us"]) == (80.0, 100.0, 20.0)
    assert (one["share"], one["share_profiled"]) == (0.8, pytest.approx(80 / 120))
    assert (one["profiled_runs"], one["kernels"], one["note"]) == (3, 2, "")


def test_kernel_share_of_other_profiles():
    failed = failed_row(SECOND, "conv", "NONE", phase="", reason="no queue that keeps times")
    kernels = kernels_of(profiled(FIRST, phase="all"), [failed])
    first, second = kernel_share(to_frame([]), kernels, 42).to_dict("records")
    assert first["note"].startswith("CK's profile")
    assert pd.isna(first["wall_us"])
    assert pd.isna(first["share"])
    assert first["share_profiled"] == pytest.approx(80 / 120)
    assert (second["status"], second["profiled_runs"]) == ("timeout", 0)
    assert second["note"] == "no queue that keeps times"
    assert kernel_share(to_frame([]), kernels_of(), 42).empty


def test_the_stack_shows_each_stage_and_what_is_left(tmp_path):
    kernels = kernels_of(profiled(FIRST), profiled(SECOND, wall_us=85.0))
    share = kernel_share(to_frame(timed(FIRST)), kernels, 42)
    files = tmp_path / "a.svg", tmp_path / "a.png"
    kernel_stack(share, kernels, PlotOptions(), *files)
    text = files[0].read_text("utf-8")
    for said in ("im2col", "GEMM", "between kernels", FIRST.name, "120 (100)", ">85<"):
        assert said in text
    kernel_stack(share, kernels_of(), PlotOptions(), *files)
    assert "no kernel was profiled" in files[0].read_text("utf-8")


def test_protocol_check_shows_what_a_cold_start_adds_to_the_tuner():
    warm = {"NONE": 100.0, "DEFAULT": 80.0}
    cold = {"NONE": 200.0, "DEFAULT": 80.0}
    rows = []
    for times, warmup in ((warm, "always"), (cold, "tuner-only")):
        for tuner, time in times.items():
            rows += timed(FIRST, tuner, (time,) * 6, warmup=warmup, point=f"{tuner}{warmup}")
    rows += timed(SECOND)
    made = protocol_check(to_frame(rows), 42).set_index("tuner")
    assert len(made) == 2
    assert made.loc["NONE", "cold_over_warm"] == 2.0
    assert made.loc["NONE", "verdict"] == "slower when cold"
    assert pd.isna(made.loc["NONE", "speedup_always"])
    tuned = made.loc["DEFAULT"]
    assert (tuned["speedup_always"], tuned["speedup_tuner_only"]) == (1.25, 2.5)
    assert protocol_check(to_frame(timed(FIRST)), 42).empty
