"""The network program: layers in order on one device, against the chain of their references."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onboard.opencl_reference.reference_program import patch, run_program

pytest.importorskip("pyopencl")


def layer(name: str, operator: str, tuner: str, **env: int | str) -> dict[str, Any]:
    return {
        **{"name": name, "operator": operator, "species": operator, "tuner": tuner},
        **{"tensor": name, "env": {f"CK_{key}": str(value) for key, value in env.items()}},
    }


def plane(channels: int, side: int) -> dict[str, int]:
    return {"IN_SHAPE_C": channels, "IN_SHAPE_H": side, "IN_SHAPE_W": side}


LAYERS = [
    layer("first", "conv", "DEFAULT", **plane(3, 16), CONV_KERNEL=3, CONV_PAD=1, OUT_SHAPE_C=8),
    layer("largest", "maxpool", "NONE", **plane(8, 16), POOL_KERNEL=2, POOL_STRIDE=2),
    layer("depthwise", "depthwiseconv", "NONE", **plane(8, 8), DEPTHWISE_PAD=1),
    layer("winograd", "winogradconv", "NONE", **plane(8, 8), CONV_KERNEL=3, OUT_SHAPE_C=12),
    layer("pointwise", "directconv", "DEFAULT", **plane(12, 6), CONV_KERNEL=1, OUT_SHAPE_C=16),
    layer("mean", "avgpool", "NONE", **plane(16, 6), POOL_KERNEL=3, POOL_STRIDE=3),
    layer("dense", "fullyconnected", "NONE", IN_SHAPE_C=64, OUT_SHAPE_C=10),
    layer("softmax", "softmax", "NONE", IN_SHAPE_C=10),
]


def write_network(folder: Path, layers: list[dict[str, Any]]) -> Path:
    path = folder / "network.json"
    path.write_text(json.dumps({"network": "small", "layers": layers}))
    return path


def network(program: SimpleNamespace, device: Any, path: Path, batch: int = 2) -> Any:
    kind = program.programs.find_program("network")
    environment = {"NNTEST_NETWORK": str(path), "CK_IN_SHAPE_N": str(batch)}
    return kind(kind.read_point(environment), device)


class TestNetwork:
    def test_runs_all_layers_and_checks_each(self, tmp_path: Path) -> None:
        table = tmp_path / "sizes.json"
        variables: dict[str, Any] = {
            "NNTEST_NETWORK": write_network(tmp_path, LAYERS),
            "CK_LWS_TUNER_TYPE": "SCHEDULE",
            "NNTEST_TUNER_TABLE": table,
            "NNTEST_REPETITIONS": 3,
            "CK_OUT_RAW_DATA": "out.bin",
        }
        run = run_program(tmp_path / "a", "network", **variables)
        assert run.exit_status == 0, run
        assert [line["repetition"] for line in run.repetitions] == [0, 1, 2]
        state = run.state
        assert [state[f"in_shape_{axis}"] for axis in "NCHW"] == [2, 3, 16, 16]
        assert [state[f"out_shape_{axis}"] for axis in "NCHW"] == [2, 10, 1, 1]
        assert state["network"]["name"] == "small"
        assert [entry["name"] for entry in state["network"]["layers"]] == [
            entry["name"] for entry in LAYERS
        ]
        assert all(entry["output_check"]["ok"] for entry in state["network"]["layers"])
        assert set(state["tuner"]["not_in_table"]) == {
            *("first/im2col", "first/gemm", "pointwise/direct_convolution")
        }
        output = np.fromfile(tmp_path / "a" / "out.bin", "<f4").reshape(2, 10)
        assert np.allclose(output.sum(axis=1), 1)

        again = run_program(tmp_path / "b", "network", **variables)
        assert again.state["tuner"]["from_table"] is True
        assert again.state["tuner"]["tuning_s"] == 0
        assert again.state["tuner"]["local_sizes"] == state["tuner"]["local_sizes"]

    def test_takes_the_sizes_that_the_operator_was_tuned_with(self, tmp_path: Path) -> None:
        tuned: dict[str, Any] = {"NNTEST_TUNER_TABLE": tmp_path / "sizes.json"}
        first = {**LAYERS[0]["env"], "CK_CONV_STRIDE": None, "CK_LWS_TUNER_TYPE": "DEFAULT"}
        alone = run_program(tmp_path / "a", "conv", **tuned, **first)
        run = run_program(
            *(tmp_path / "b", "network"),
            **tuned,
            CK_LWS_TUNER_TYPE="DEFAULT",
            NNTEST_NETWORK=write_network(tmp_path, LAYERS[:2]),
        )
        assert run.state["tuner"]["from_table"] is True
        sizes = {**alone.state["tuner"]["local_sizes"], "pool_tiles": None}
        names = {"im2col": "first", "gemm": "first", "pool_tiles": "largest"}
        assert run.state["tuner"]["local_sizes"] == {
            f"{names[kernel]}/{kernel}": size for kernel, size in sizes.items()
        }

    def test_a_small_fault_in_the_first_layer_shows_in_the_last(
        self, program: SimpleNamespace, device: Any, tmp_path: Path
    ) -> None:
        whole = network(program, device, write_network(tmp_path, LAYERS))
        tensors = whole.draw(42)
        right = whole.expected(tensors)
        weights = tensors[0].weights.copy()
        weights[3, 1, 1, 1] = 0
        wrong = whole.expected([replace(tensors[0], weights=weights), *tensors[1:]])
        assert np.abs(wrong - right).max() > whole.tolerance(0.001, right)

    @pytest.mark.parametrize(
        ("kernel", "old", "new", "named"),
        [
            ("pool.cl", "#define START -INFINITY", "#define START 0.0f", "'largest'"),
            ("softmax.cl", "/ (FLOATV)(sum)", "/ (FLOATV)(sum * 1.01f)", "'softmax'"),
        ],
    )
    def test_wrong_layer_is_named(
        self, tmp_path: Path, broken_program: Path, kernel: str, old: str, new: str, named: str
    ) -> None:
        patch(broken_program / "kernels" / kernel, old, new)
        run = run_program(
            *(tmp_path / "work", "network"),
            program=broken_program,
            NNTEST_NETWORK=write_network(tmp_path, LAYERS),
        )
        assert run.exit_status == 4, run
        assert f"layer {named}" in run.status["reason"]
        assert run.repetitions == []

    @pytest.mark.parametrize(
        ("layers", "exit_status", "words"),
        [
            ([], 2, ["no list of layers"]),
            ([LAYERS[0], {"name": "x"}], 2, ["layer number 2", "operator, tuner, env"]),
            ([LAYERS[0], LAYERS[2]], 3, ["'depthwise' takes 8x8x8", "'first', gives 8x16x16"]),
            ([layer("odd", "lstm", "NONE")], 3, ["layer 'odd'", "'lstm'"]),
            ([layer("odd", "softmax", "BIFROST")], 3, ["layer 'odd'", "'BIFROST'"]),
            ([layer("odd", "softmax", "NONE")], 2, ["layer 'odd'", "CK_IN_SHAPE_C"]),
        ],
        ids=["none", "incomplete", "shapes", "operator", "tuner", "variable"],
    )
    def test_what_cannot_be_is_named(
        self, tmp_path: Path, layers: Any, exit_status: int, words: list[str]
    ) -> None:
        path = write_network(tmp_path, layers)
        run = run_program(tmp_path / "work", "network", NNTEST_NETWORK=path)
        assert run.exit_status == exit_status, run
        for word in words:
            assert word in run.status["reason"]

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        run = run_program(tmp_path, "network", NNTEST_NETWORK="nowhere.json")
        assert run.exit_status == 2, run
        assert "NNTEST_NETWORK='nowhere.json'" in run.status["reason"]
