"""Networks from ONNX files that are made here: layers, padding, what is folded, what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from domain.onnx_files.onnx_models import node, reported, weights, write
from nntest.analysis.estimate import estimate
from nntest.archives.measurements import to_frame
from nntest.config import load_study
from nntest.domain.onnx_files.reading import read_onnx
from nntest.errors import UserError
from nntest.graph.boards import sweep_spec
from nntest.graph.tables import tables_spec
from onnx import numpy_helper

SMALL = [
    node("Conv", "x w1 b1", "conv1", strides=[2, 2], auto_pad="SAME_UPPER"),
    node("BatchNormalization", "conv1 s s s s", "bn1"),
    node("Clip", "bn1", "relu6"),
    node("Conv", "relu6 wd", "dw", group=8, pads=[1, 1, 1, 1]),
    node("Relu", "dw", "relu"),
    node("MaxPool", "relu", "pool", kernel_shape=[2, 2], strides=[2, 2]),
    node("Conv", "pool w2", "conv2", pads=[0, 1, 2, 3]),
    node("Dropout", "conv2", "dropout"),
    node("AveragePool", "dropout", "avg", kernel_shape=[3, 3], strides=[2, 2]),
    node("Flatten", "avg", "flat"),
    node("Gemm", "flat wf bf", "fc", transB=1),
    node("MatMul", "fc wm", "matmul"),
    node("Add", "matmul bm", "bias"),
    node("Softmax", "bias", "classes"),
]
CONSTANTS = [
    weights("w1", 8, 3, 3, 3), weights("b1", 8), weights("s", 8), weights("wd", 8, 1, 3, 3),
    weights("w2", 16, 8, 3, 3), weights("wf", 20, 16 * 3 * 4), weights("bf", 20),
    weights("wm", 20, 10), weights("bm", 10),
]  # fmt: skip


def test_a_small_network(tmp_path: Path) -> None:
    network = read_onnx(write(tmp_path / "small.onnx", SMALL, CONSTANTS))
    assert reported(network) == [
        ("/conv1", "conv", "3-32-32-3-8-2-0_1_0_1"),
        ("/dw", "depthwiseconv", "8-16-16-1-1"),
        ("/pool", "maxpool", "8-16-16-2-2"),
        ("/conv2", "conv", "8-8-8-3-16-1-0_2_1_3"),
        ("/avg", "avgpool", "16-8-10-3-2"),
        # The image that the row of elements was: the layers fit each other.
        ("/fc", "fullyconnected", "16-3-4-20-1-1"),
        ("/matmul", "fullyconnected", "20-1-1-10-1-1"),
        ("/classes", "softmax", "10-1-1"),
    ]
    assert [layer.parameters for layer in network.layers] == [
        8 * 27 + 8, 72, 0, 16 * 72, 0, 20 * 192 + 20, 200, 0,
    ]  # fmt: skip
    assert network.layers[0].batch_norm_parameters == 16
    assert network.labels("folded") == [
        "/bn1 (BatchNormalization)", "/relu6 (Clip)", "/relu (Relu)", "/bias (Add)"
    ]  # fmt: skip
    assert [n.layer for n in network.nodes if n.fate == "folded"] == [
        "/conv1", "/conv1", "/dw", "/matmul"
    ]  # fmt: skip
    assert network.labels("free") == ["/dropout (Dropout)", "/flat (Flatten)"]
    assert network.uncovered == []
    assert network.why_no_chain() == ""
    assert network.name == "small"


def test_a_study_of_an_onnx_file_measures_and_estimates_its_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "small.onnx", [*SMALL, node("HardSwish", "classes", "swish")], CONSTANTS)
    definition = "definition: {family: onnx, file: small.onnx}\n"
    (tmp_path / "mine.yaml").write_text(definition, encoding="utf-8")
    operators = ["conv", "depthwiseconv", "fullyconnected", "avgpool", "maxpool", "softmax"]
    config = {
        "study": "s", "networks": ["mine.yaml"], "boards": ["localhost"], "tuners": ["NONE"],
        "libraries": ["opencl-reference"], "operators": operators, "padding": "exact",
    }  # fmt: skip
    study = load_study(config, Path(__file__).parents[3])
    (sweep,) = study.sweeps()
    rows = [
        {
            "platform": "P", "library": "L", "batch_size": 1, "tuner": "NONE", "status": "ok",
            "operator": point.operator, "tensor": point.subject, "species": point.species,
            "repetition_id": repetition, "process_id": repetition, "time_us": 10.0 + number,
            "kernel": "", "success?": "yes",
        }
        for number, point in enumerate(sweep.points)
        for repetition in range(5)
    ]  # fmt: skip
    best = estimate(to_frame(rows), study.networks, "exact", 42).iloc[0]
    assert (best["network"], best["covered_layers"], best["layers"]) == ("mine", 8, 8)
    assert best["total_us"] == sum(10.0 + number for number in range(8))
    assert best["not_covered"] == "/swish (HardSwish)"
    before = tables_spec(study)
    # Another file, of the same layers: what depends on it is made again.
    write(tmp_path / "small.onnx", [*SMALL, node("Relu", "classes", "relu2")], CONSTANTS)
    changed = load_study(config, Path(__file__).parents[3])
    assert tables_spec(changed) != before
    assert sweep_spec(changed, changed.sweeps()[0]) == sweep_spec(study, sweep)


def test_another_content_is_another_source(tmp_path: Path) -> None:
    first = read_onnx(write(tmp_path / "net.onnx", SMALL[:1], CONSTANTS))
    second = read_onnx(write(tmp_path / "net.onnx", SMALL[:2], CONSTANTS))
    assert first.layers[0].tensor == second.layers[0].tensor
    assert first.source != second.source


LOW, HIGH, FOUR = (
    numpy_helper.from_array(np.array(value, np.float32), name)
    for name, value in (("low", 0), ("high", 6), ("four", 4))
)


@pytest.mark.parametrize(
    ("activation", "opset", "expected"),
    [
        (node("Relu", "y", "z"), 17, "relu"),
        (node("Clip", "y low high", "z"), 17, "relu6"),
        (node("Clip", "y low four", "z"), 17, "none"),
        (node("Clip", "y low", "z"), 17, "none"),
        (node("Clip", "y made high", "z"), 17, "relu6"),
        (node("Clip", "y", "z", min=0.0, max=6.0), 10, "relu6"),
        (node("Clip", "y", "z", min=-1.0, max=6.0), 10, "none"),
        (node("LeakyRelu", "y", "z"), 17, "none"),
    ],
)
def test_activations(tmp_path: Path, activation: Any, opset: int, expected: str) -> None:
    made = node("Constant", "", "made", value=LOW)
    nodes = [made, node("Conv", "x w", "y"), activation]
    constants = [weights("w", 4, 3, 3, 3), LOW, HIGH, FOUR]
    (layer,) = read_onnx(write(tmp_path / "net.onnx", nodes, constants, opset=opset)).layers
    assert layer.activation == expected


def test_a_pool_has_no_activation(tmp_path: Path) -> None:
    nodes = [node("MaxPool", "x", "y", kernel_shape=[2, 2]), node("Relu", "y", "z")]
    (layer,) = read_onnx(write(tmp_path / "net.onnx", nodes, [])).layers
    assert layer.activation == "none"


def test_a_residual_addition_is_not_covered_and_no_chain(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "first", pads=[1, 1, 1, 1]),
        node("Relu", "first", "kept"),
        node("Conv", "kept v", "second", pads=[1, 1, 1, 1]),
        node("Add", "second kept", "sum"),
        node("HardSwish", "sum", "swish"),
    ]
    constants = [weights("w", 4, 3, 3, 3), weights("v", 4, 4, 3, 3)]
    network = read_onnx(write(tmp_path / "net.onnx", nodes, constants))
    assert len(network.layers) == 2
    assert network.uncovered == ["/sum (Add)", "/swish (HardSwish)"]
    assert network.remarks() == [
        "net: folded into the layers, or free: /kept (Relu).",
        "net: not covered, with 0 % of the multiply-accumulates and 56.7 % of the bytes: "
        "/sum (Add), /swish (HardSwish).",
    ]
    assert network.why_no_chain() == "no operator computes /sum (Add), /swish (HardSwish)"


@pytest.mark.parametrize(
    ("pool", "opset"),
    [
        (node("GlobalAveragePool", "x", "mean"), 17),
        (node("ReduceMean", "x", "mean", axes=[-1, -2], keepdims=0), 17),
        (node("ReduceMean", "x axes", "mean"), 18),
    ],
)
def test_a_mean_over_the_image_is_a_pool(pool: Any, opset: int, tmp_path: Path) -> None:
    axes = numpy_helper.from_array(np.array([2, 3], np.int64), "axes")
    network = read_onnx(write(tmp_path / "net.onnx", [pool], [axes], opset=opset))
    assert reported(network) == [("/mean", "avgpool", "3-32-32-32-1")]


def test_what_an_exporter_computes_on_shapes_is_nothing(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "batch", axis=0),
        node("Concat", "batch rest", "target", axis=0),
        node("Reshape", "x target", "flat"),
        node("Gemm", "flat w", "fc"),
    ]
    integers = [np.array([0], np.int64), np.array([-1], np.int64)]
    constants = [
        numpy_helper.from_array(array, name)
        for array, name in zip(integers, ("zero", "rest"), strict=True)
    ]
    network = read_onnx(write(tmp_path / "net.onnx", nodes, [*constants, weights("w", 3072, 5)]))
    assert reported(network) == [("/fc", "fullyconnected", "3-32-32-5-1-1")]
    assert network.labels("folded", "free") == ["/flat (Reshape)"]
    assert network.labels("constant") == ["/shape (Shape)", "/batch (Gather)", "/target (Concat)"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (node("Conv", "x w1", "c", dilations=[2, 2]), "dilations [2, 2], not 1"),
        (node("Conv", "x tall", "c"), "its kernel is 3 x 1, not square"),
        (node("Conv", "x w1", "c", strides=[1, 2]), "its strides are 1 x 2, not the same"),
        (node("Conv", "x grouped", "c", group=3), "3 groups of 3 channels into 6: grouped, not"),
        (node("AveragePool", "x", "c", kernel_shape=[3, 3], pads=[1] * 4), "a mean with padding"),
        (
            node("MaxPool", "x", "c", kernel_shape=[2, 2], pads=[2] * 4),
            "its windows would lie in padding alone",
        ),
        (
            node("MaxPool", "x", "c", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
            "its output is 3 x 16 x 16, but our operators give 3 x 15 x 15",
        ),
        (node("Softmax", "x", "c"), "over axis 3 of 4, not over the channels"),
        (node("ConvTranspose", "x w1", "c"), "no operator computes it"),
    ],
)
def test_what_no_operator_stands_for(bad: Any, why: str, tmp_path: Path) -> None:
    constants = [
        weights("w1", 3, 3, 3, 3), weights("tall", 3, 3, 3, 1), weights("grouped", 6, 1, 3, 3),
        weights("wide", 3, 1, 5, 5),
    ]  # fmt: skip
    path = write(tmp_path / "net.onnx", [node("Conv", "x w1", "good"), bad], constants)
    with pytest.raises(UserError) as caught:
        read_onnx(path)
    said = str(caught.value)
    assert "no operator computes 1 of its 2 nodes" in said
    assert re.search(rf"  {re.escape(why)}.*: /c \({bad.op_type}\)\n", said)
    assert said.endswith('leave_out: ["/c"]')
    network = read_onnx(path, ["/c"])
    assert [layer.name for layer in network.layers] == ["/good"]
    assert network.uncovered == [f"/c ({bad.op_type})"]


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"", "not an ONNX file"),
        (b"definition: {family: layers}\n", "not an ONNX file"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_none(content: bytes | None, reported: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=reported):
        read_onnx(path)


def test_shapes_that_contradict_each_other(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", SMALL[:1], [weights("w1", 8, 5, 3, 3), weights("b1", 8)])
    with pytest.raises(UserError, match=r"its weights take 5 channels, not 3: /conv1 \(Conv\)"):
        read_onnx(path)


def test_a_node_to_leave_out_must_be_there(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", SMALL, CONSTANTS)
    with pytest.raises(UserError, match="`leave_out` names '/conv9'"):
        read_onnx(path, ["/conv9"])
