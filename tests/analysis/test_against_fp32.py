"""Other data types against fp32: which points meet, what is said of them, and why."""

from __future__ import annotations

from itertools import chain

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, failed_row, network_rows, row, study_rows
from nntest.analysis.against_fp32 import against_fp32
from nntest.analysis.computed_by import kernels_text
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.measurements import NODES

A, B = TENSORS[1], TENSORS[4]
NETWORK = Network("two", (Layer("first", A, 1), Layer("second", B, 1), Layer("third", B, 1)))
EXACT = {"between": 0.0, "within": 0.0}
SINGLE = {"library": "ort-1.32.0", "program": "conv-onnxruntime"}
INT8 = {"library": "ort-int8-1.32.0", "program": "conv-onnxruntime-int8"}


def layers(factor=1.0, seed=1, data_type="", tensors=(A, B), tuner="DEFAULT", **changes):
    """Twelve processes with a run each."""
    rows = study_rows(
        tensors=tensors, choices=[("conv", tuner)], repetitions=12, per_process=1, seed=seed,
        **changes,
    )  # fmt: skip
    suffix = data_type and f"-{data_type}"
    return [
        {**one, "time_us": factor * one["time_us"], "operator": f"{one['operator']}{suffix}"}
        for one in rows
    ]


def int8(factor=1.0, seed=2, **changes):
    return layers(factor, seed, "int8", **{**INT8, **changes})


def compared(*rows, nodes=()):
    frame = to_frame(chain(*rows))
    return against_fp32(frame, frame_of(nodes, NODES), [NETWORK], "study", 42).to_dict("records")


def node(layer, kernel, time, operator="conv", **changes):
    base = row(A, operator, "DEFAULT", **changes)
    named = {**dict.fromkeys(NODES.names), **{name: base.get(name) for name in NODES.names}}
    return {
        **named, "species": "conv", "timed_by": "profile", "sequence": 0, "node": "n",
        "layer": layer, "kernel": kernel, "time_us": time, "fused_layers": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.5, "gains"), (1.6, "loses"), (1.0, "no difference")]
)
def test_what_differs_is_called_so(factor, verdict):
    rows = compared(layers(**SINGLE), int8(factor))
    assert {one["tensor"] for one in rows} == {A.name, B.name}
    for one in rows:
        assert (one["library"], one["single_library"]) == (INT8["library"], SINGLE["library"])
        assert (one["operator"], one["data_type"], one["verdict"]) == ("conv-int8", "int8", verdict)
        assert one["ci_low"] < factor < one["ci_high"]
        assert one["ratio"] == pytest.approx(one["time_us"] / one["single_us"])
    assert {one["layers"] for one in rows} == {"first", "second, third"}


def test_too_few_processes_say_nothing():
    rows = compared(layers(**SINGLE)[:3], int8(0.5)[:3])
    assert [one["verdict"] for one in rows] == ["too few repetitions"]


def test_a_whole_network_stands_first():
    whole = network_rows(NETWORK, "DEFAULT", 900.0, **{**SINGLE, "program": "network-onnxruntime"})
    lower = network_rows(
        NETWORK, "DEFAULT", 450.0, **{**INT8, "program": "network-onnxruntime-int8"}
    )
    lower = [{**one, "operator": "network-int8"} for one in lower]
    rows = compared(layers(**SINGLE), whole, int8(0.5), lower)
    assert rows[0]["tensor"] == "two"
    assert rows[0]["ratio"] == pytest.approx(0.5)
    assert rows[0]["verdict"] == "gains"


@pytest.mark.parametrize(
    "other",
    [
        {"library": "ort-int8-1.27.0"},
        {"program": "conv-openvino-int8"},
        {"platform": "Other board"},
        {"tuner": "nchw"},
        {"batch_size": 2},
    ],
)
def test_what_differs_in_more_is_not_compared(other):
    assert compared(layers(**SINGLE), int8(0.5, **other)) == []


def test_two_boards_are_compared_each_with_itself():
    other = {"platform": "Other board"}
    rows = compared(layers(**SINGLE), int8(0.5), layers(2.0, **SINGLE, **other), int8(4.0, **other))
    found = {(one["platform"], one["verdict"]) for one in rows}
    assert found == {("Test board", "gains"), ("Other board", "loses")}


def test_half_precision_has_its_rows_too():
    half = layers(0.5, 3, "fp16", library="ort-fp16-1.32.0", program="conv-onnxruntime-fp16")
    rows = compared(layers(**SINGLE), half)
    assert {one["data_type"] for one in rows} == {"fp16"}


def test_arm_compute_library_meets_its_own_backend():
    names = ("neon-20.08", "neon-int8-20.08", "opencl-20.08")
    neon, integers, opencl = (f"arm-compute-library-{name}" for name in names)
    rows = compared(
        layers(library=neon, program="conv-armcl-neon"),
        layers(0.2, 3, library=opencl, program="conv-armcl-opencl"),
        layers(0.5, 2, "int8", library=integers, program="conv-armcl-neon-int8"),
    )
    assert {(one["library"], one["single_library"]) for one in rows} == {(integers, neon)}
    assert {one["verdict"] for one in rows} == {"gains"}


def test_what_failed_in_the_other_data_type_is_said():
    wrong = failed_row(A, "conv-int8", "DEFAULT", status="wrong-output", **INT8)
    [one] = compared(layers(tensors=(A,), **SINGLE), [wrong])
    assert (one["verdict"], one["why"]) == ("failed", "wrong-output")
    assert pd.isna(one["ratio"]) and pd.isna(one["kernels_change"])


def test_nothing_is_compared_with_nothing():
    assert compared(layers(**SINGLE)) == []
    assert compared(int8()) == []


def test_the_changes_add_up():
    nodes = [
        node("", "ReorderInput", 5.0, **SINGLE),
        node("conv", "Conv (NCHWc)", 60.0, **SINGLE),
        node("", "Transpose", 12.0, operator="conv-int8", **INT8),
        node("conv", "QLinearConv", 20.0, operator="conv-int8", **INT8),
    ]
    quiet = {"tensors": (A,), **EXACT}
    [one] = compared(layers(**quiet, **SINGLE), int8(0.5, **quiet), nodes=nodes)
    assert one["kernels_change"] == pytest.approx(-40 / one["single_us"])
    assert one["reorders_change"] == pytest.approx(7 / one["single_us"])
    parts = [one[f"{part}_change"] for part in ("kernels", "reorders", "outside")]
    assert sum(parts) == pytest.approx(one["ratio"] - 1)
    assert one["why"] == "QLinearConv in place of Conv (NCHWc)"


def test_without_timed_nodes_there_are_kernels_alone():
    single = layers(**SINGLE, kernel_ran="2 x XNNPACK")
    rows = compared(single, int8(kernel_ran="XNNPACK, builtin"))
    for one in rows:
        assert pd.isna(one["kernels_change"]) and pd.isna(one["outside_change"])
        assert (one["single_computed_by"], one["computed_by"]) == ("XNNPACK", "XNNPACK, builtin")


@pytest.mark.parametrize(
    ("kernels", "single", "words"),
    [
        (["QLinearConv"], ["Conv"], "QLinearConv in place of Conv"),
        (
            ["DequantizeLinear", "FusedConv", "QuantizeLinear"],
            ["Conv"],
            "computed in fp32 all the same: DequantizeLinear, FusedConv, QuantizeLinear",
        ),
        (
            ["QLinearConv", "DequantizeLinear", "Mul", "QuantizeLinear"],
            ["Conv"],
            "only QLinearConv on integers, Mul in fp32",
        ),
        (
            ["Convolution jit_avx2_I8"],
            ["Convolution brgconv_avx2_f32"],
            "Convolution jit_avx2_I8 in place of Convolution brgconv_avx2_f32",
        ),
        (
            ["Convolution brgconv_avx2_f32"],
            ["Convolution jit_avx2_f32"],
            "computed in fp32 all the same: Convolution brgconv_avx2_f32",
        ),
        (["MaxPool"], ["MaxPool"], "the library calls its kernels MaxPool, as in fp32"),
        (list("abcde"), ["f"], "a, b, c and 2 more in place of f"),
        (["a"], [], "by a"),
        ([], ["Conv"], "which kernels ran is not known"),
    ],
)
def test_kernels_in_words(kernels, single, words):
    assert kernels_text("int8", kernels, single) == words
