"""The reference operators beside the convolutions, each against its definition; their tuners."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onboard.opencl_reference.reference_program import convolution, run_kernels, run_program

pytest.importorskip("pyopencl")

Array = np.ndarray[Any, Any]
FEW = settings(max_examples=settings().max_examples // 10, derandomize=True)
"""Each example compiles kernels of its own."""
POINTS: dict[str, dict[str, Any]] = {
    "winogradconv": {"CK_CONV_KERNEL": 3, "CK_CONV_STRIDE": 1, "NNTEST_CONV_PADS": "1,0,1,1"},
    "depthwiseconv": {"CK_DEPTHWISE_STRIDE": 2, "CK_DEPTHWISE_PAD": 1},
    "fullyconnected": {"CK_OUT_SHAPE_H": 2, "CK_OUT_SHAPE_W": 1},
    "avgpool": {"CK_POOL_KERNEL": 3, "CK_POOL_STRIDE": 2},
    "maxpool": {"CK_POOL_KERNEL": 2, "CK_POOL_STRIDE": 2},
    "softmax": {},
}


def window(image: Array, y: int, x: int, size: int, stride: int, pads: Any) -> Array:
    """The part of a plane that a kernel meets, NaN where that is padding."""
    padded = np.pad(
        image, ((pads.top, pads.bottom), (pads.left, pads.right)), constant_values=np.nan
    )
    return padded[y * stride : y * stride + size, x * stride : x * stride + size]


def by_windows(tensors: Any, out_shape: Any, size: int, stride: int, pads: Any, each: Any) -> Array:
    """The output whose elements `each(window, channel)` computes, one at a time."""
    out = np.empty(out_shape)
    for n, c, y, x in np.ndindex(*out_shape):
        plane = tensors.input[n, c].astype(float)
        out[n, c, y, x] = each(window(plane, y, x, size, stride, pads), c)
    return out


def check(program: Any, device: Any, name: str, point: Any, right: Array, local: Any) -> None:
    """Compare kernels and reference with `right`."""
    operator = program.operators.find_operator(name)(point, device)
    assert np.allclose(operator.expected(operator.draw(7)), right, atol=1e-12)
    assert right.shape == operator.out_shape
    assert np.abs(run_kernels(program, device, name, point, local) - right).max() < 2e-5


def draw_of(program: Any, device: Any, name: str, point: Any) -> Any:
    return program.operators.find_operator(name)(point, device).draw(7)


LOCALS = st.sampled_from([None, (2, 3, 2)])


class TestDefinitions:
    @FEW
    @given(data=st.data())
    def test_depthwise(self, program: SimpleNamespace, device: Any, data: st.DataObject) -> None:
        pads = program.point.Pads(*data.draw(st.tuples(*[st.integers(0, 2)] * 4), "pads"))
        point = program.layers.DepthwisePoint(
            batch=data.draw(st.integers(1, 2)),
            channels=(channels := data.draw(st.integers(1, 4))),
            height=data.draw(st.integers(3, 12)),
            width=data.draw(st.integers(3, 36)),
            window=program.point.Window.square(3, data.draw(st.sampled_from([1, 2, 3])), pads),
            out_channels=channels,
            groups=channels,
        )
        tensors = draw_of(program, device, "depthwiseconv", point)

        def filtered(seen: Array, channel: int) -> float:
            return float(np.nansum(seen * tensors.weights[channel]) + tensors.bias[channel])

        right = by_windows(tensors, point.out_shape, 3, point.stride, pads, filtered)
        check(program, device, "depthwiseconv", point, right, data.draw(LOCALS))

    @FEW
    @given(data=st.data(), name=st.sampled_from(["avgpool", "maxpool"]))
    def test_pooling(
        self, program: SimpleNamespace, device: Any, data: st.DataObject, name: str
    ) -> None:
        kernel = data.draw(st.integers(1, 4))
        pads = program.point.Pads(*[data.draw(st.integers(0, kernel - 1))] * 4)
        point = program.operators.find_operator(name).point_type(
            batch=data.draw(st.integers(1, 2)),
            channels=data.draw(st.integers(1, 3)),
            height=data.draw(st.integers(kernel, 9)),
            width=data.draw(st.integers(kernel, 30)),
            window=program.point.Window.square(kernel, data.draw(st.sampled_from([1, 2, 3])), pads),
            exclude_padding=data.draw(st.booleans()),
        )
        tensors = draw_of(program, device, name, point)

        def pooled(seen: Array, channel: int) -> float:
            if name == "maxpool":
                return float(np.nanmax(seen))
            inside = np.count_nonzero(~np.isnan(seen))
            return float(np.nansum(seen) / (inside if point.exclude_padding else kernel**2))

        right = by_windows(tensors, point.out_shape, kernel, point.stride, point.pads, pooled)
        check(program, device, name, point, right, data.draw(LOCALS))

    @FEW
    @given(data=st.data())
    def test_winograd(self, program: SimpleNamespace, device: Any, data: st.DataObject) -> None:
        pads = program.point.Pads(*data.draw(st.tuples(*[st.integers(0, 2)] * 4), "pads"))
        point = convolution(
            program,
            data.draw(st.integers(1, 2)),
            data.draw(st.integers(1, 5)),
            data.draw(st.integers(3, 11)),
            data.draw(st.integers(3, 20)),
            data.draw(st.integers(1, 6)),
            kernel=3,
            stride=1,
            pads=pads,
        )
        tensors = draw_of(program, device, "winogradconv", point)
        right = np.empty(point.out_shape)
        for n, m, y, x in np.ndindex(*point.out_shape):
            seen = [
                window(plane.astype(float), y, x, 3, 1, pads) * tensors.weights[m, c]
                for c, plane in enumerate(tensors.input[n])
            ]
            right[n, m, y, x] = np.nansum(seen) + tensors.bias[m]
        check(program, device, "winogradconv", point, right, data.draw(LOCALS))

    @FEW
    @given(
        batch=st.integers(1, 9),
        shape=st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
        outputs=st.integers(1, 40),
        local=LOCALS,
    )
    def test_fully_connected(
        self,
        program: SimpleNamespace,
        device: Any,
        batch: int,
        shape: Any,
        outputs: int,
        local: Any,
    ) -> None:
        point = program.layers.FullyConnectedPoint((batch, *shape), (batch, outputs, 1, 1))
        tensors = draw_of(program, device, "fullyconnected", point)
        right = np.empty(point.out_shape)
        for n, o in np.ndindex(batch, outputs):
            row, image = tensors.weights[o].astype(float), tensors.input[n].astype(float)
            right[n, o] = math.fsum(row * image.ravel()) + tensors.bias[o]
        check(program, device, "fullyconnected", point, right, local)

    @FEW
    @given(
        batch=st.integers(1, 3),
        channels=st.integers(1, 40),
        plane=st.sampled_from([(1, 1), (1, 3), (4, 9)]),
        local=LOCALS,
    )
    def test_softmax(
        self,
        program: SimpleNamespace,
        device: Any,
        batch: int,
        channels: int,
        plane: Any,
        local: Any,
    ) -> None:
        point = program.layers.SoftmaxPoint(batch, channels, *plane)
        tensors = draw_of(program, device, "softmax", point)
        right = np.empty((batch, channels, *plane))
        for n, y, x in np.ndindex(batch, *plane):
            powers = [math.exp(value) for value in tensors.input[n, :, y, x]]
            right[n, :, y, x] = [power / math.fsum(powers) for power in powers]
        check(program, device, "softmax", point, right, local)


class TestPrograms:
    @pytest.mark.parametrize("operator", POINTS)
    def test_every_operator_is_tuned_and_measured_with_what_was_tuned(
        self, tmp_path: Path, operator: str
    ) -> None:
        table = tmp_path / "sizes.json"
        common: dict[str, Any] = {"NNTEST_REPETITIONS": 2, **POINTS[operator]}
        tuned = run_program(
            *(tmp_path / "default", operator),
            **{**common, "CK_LWS_TUNER_TYPE": "DEFAULT", "NNTEST_TUNER_TABLE": table},
        )
        given = run_program(
            *(tmp_path / "custom", operator),
            **{**common, "CK_LWS_TUNER_TYPE": "CUSTOM", "NNTEST_TUNER_TABLE_IN": table},
        )
        for run in (tuned, given):
            assert run.exit_status == 0, run
            assert [line["repetition"] for line in run.repetitions] == [0, 1]
        kernels = set(tuned.state["tuner"]["local_sizes"])
        assert kernels == set(tuned.state["tuner"]["not_in_table"])
        assert given.state["tuner"] == {
            "type": "CUSTOM",
            "mode": None,
            "tuning_s": 0,
            "local_sizes": tuned.state["tuner"]["local_sizes"],
            "from_table": True,
            "not_in_table": [],
        }

    def test_softmax_is_checked_at_the_size_of_its_outputs(self, tmp_path: Path) -> None:
        run = run_program(tmp_path, "softmax", CK_IN_SHAPE_C=1001)
        assert run.repetitions[0]["output_check"]["threshold"] < 1e-4

    @pytest.mark.parametrize(
        ("operator", "variables", "exit_status", "words"),
        [
            ("avgpool", {"CK_POOL_KERNEL": None}, 2, ["CK_POOL_KERNEL"]),
            ("avgpool", {"CK_POOL_KERNEL": 12}, 2, ["CK_POOL_KERNEL=12", "11x9"]),
            ("maxpool", {"CK_POOL_KERNEL": 2, "CK_POOL_PAD": 2}, 2, ["CK_POOL_PAD=2"]),
            ("depthwiseconv", {"CK_IN_SHAPE_W": 2}, 2, ["CK_IN_SHAPE_W=2", "3x3"]),
            ("winogradconv", {}, 3, ["CK_CONV_STRIDE=2", "3 with 1"]),
            ("conv", {"NNTEST_DATA_TYPE": "fp16"}, 3, ["NNTEST_DATA_TYPE='fp16'", "fp32"]),
            ("conv", {"CK_DATA_LAYOUT": "NHWC"}, 3, ["CK_DATA_LAYOUT='NHWC'", "NCHW"]),
            ("conv", {"CK_LWS_TUNER_TYPE": "CUSTOM"}, 2, ["NNTEST_TUNER_TABLE_IN"]),
        ],
        ids=lambda value: None,
    )
    def test_what_cannot_be_is_named(
        self,
        tmp_path: Path,
        operator: str,
        variables: dict[str, Any],
        exit_status: int,
        words: list[str],
    ) -> None:
        run = run_program(tmp_path, operator, **variables)
        assert run.exit_status == exit_status, run
        for word in words:
            assert word in run.status["reason"]


class TestCustomTuner:
    def test_sizes_by_hand(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.json"
        entries = {"gemm": {"local_size": [2, 1, 1]}}
        path.write_text(
            json.dumps(
                {"schema": "nntest-flow/opencl-local-sizes", "version": 1, "entries": entries}
            )
        )
        run = run_program(
            tmp_path / "w", "conv", CK_LWS_TUNER_TYPE="CUSTOM", NNTEST_TUNER_TABLE_IN=path
        )
        assert run.exit_status == 0, run
        assert run.state["tuner"]["local_sizes"] == {"im2col": None, "gemm": [2, 1, 1]}
        assert run.state["tuner"]["not_in_table"] == ["im2col"]
        assert run.state["tuner"]["from_table"] is False
        assert json.loads(path.read_text())["entries"] == entries

        entries["gemm"]["local_size"] = [1, 1, 999999]
        path.write_text(
            json.dumps(
                {"schema": "nntest-flow/opencl-local-sizes", "version": 1, "entries": entries}
            )
        )
        run = run_program(
            tmp_path / "w", "conv", CK_LWS_TUNER_TYPE="CUSTOM", NNTEST_TUNER_TABLE_IN=path
        )
        assert run.exit_status == 2, run
        assert "gemm" in run.status["reason"] and "999999" in run.status["reason"]
