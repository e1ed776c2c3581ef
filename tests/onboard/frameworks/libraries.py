"""The inference libraries that the tests run: what is installed of them, and points to compute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from nntest.commands.lock import ADAPTERS_NEED

ONBOARD = Path(__file__).parents[3] / "scripts" / "onboard"
PROGRAM = ONBOARD / "frameworks" / "program.py"
REQUIREMENTS = {
    "onnxruntime": ["onnxruntime"],
    "litert": ["ai-edge-litert"],
    "openvino": ["openvino"],
    "ncnn": ["ncnn"],
    "tvm": ["apache-tvm", *ADAPTERS_NEED["tvm"]],
}
"""What each library's virtual environment holds, NumPy besides."""


def make_environment(folder: Path, library: str) -> Path:
    """The Python of a virtual environment with the library in it, made unless it is there.

    Raises CalledProcessError where pip cannot.
    """
    python = folder / library / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / library)], check=True)
        packages = ["numpy", *REQUIREMENTS[library]]
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", *packages], check=True, capture_output=True
        )
    return python


def run_program(
    python: Path, work: Path, library: str, operator: str, **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run the program as a board does."""
    work.mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CK_", "NNTEST_"))}
    return subprocess.run(
        [str(python), str(PROGRAM), library, operator],
        cwd=work,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **{k: str(v) for k, v in variables.items()}},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def lines(work: Path) -> list[dict[str, Any]]:
    path = work / "tmp-nntest-repetitions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def plane(channels: int, height: int, width: int, **more: Any) -> dict[str, Any]:
    shape = {"CK_IN_SHAPE_C": channels, "CK_IN_SHAPE_H": height, "CK_IN_SHAPE_W": width}
    return {**shape, **more}


def conv(kernel: str, outputs: int, **more: Any) -> dict[str, Any]:
    return {"NNTEST_KERNEL": kernel, "CK_OUT_SHAPE_C": outputs, **more}


def write_network(folder: Path, activation: str = "relu6") -> Path:
    """A network in the manner of MobileNet, as the runner's plan describes it."""
    depthwise = plane(16, 16, 16, CK_DEPTHWISE_STRIDE=2, NNTEST_CONV_PADS="0,1,0,1")
    layers = [
        ("first", "conv", plane(3, 32, 32, CK_CONV_KERNEL=3, CK_CONV_STRIDE=2, CK_OUT_SHAPE_C=16)),
        ("depthwise", "depthwiseconv", depthwise),
        ("pointwise", "conv", plane(16, 8, 8, CK_CONV_KERNEL=1, CK_OUT_SHAPE_C=24)),
        ("largest", "maxpool", plane(24, 8, 8, CK_POOL_KERNEL=2, CK_POOL_STRIDE=2)),
        ("dense", "fullyconnected", plane(24, 4, 4, CK_OUT_SHAPE_C=32)),
        ("last", "fullyconnected", plane(32, 1, 1, CK_OUT_SHAPE_C=10)),
        ("softmax", "softmax", plane(10, 1, 1)),
    ]
    layers[0][2]["NNTEST_CONV_PADS"] = "0,1,0,1"
    described = []
    for name, operator, env in layers:
        weighted = operator in ("conv", "depthwiseconv")
        env = {**env, **({"NNTEST_ACTIVATION": activation} if weighted else {})}
        entry = {"name": name, "operator": operator, "tuner": "NONE", "tensor": name, "env": env}
        described.append(entry)
    path = folder / "network.json"
    path.write_text(json.dumps({"network": "small", "layers": described}))
    return path


def write_branching(folder: Path) -> Path:
    """A small network with every way to join branches, as the runner's plan describes it."""
    one = {"CK_CONV_KERNEL": 1}

    def activated(name: str) -> dict[str, Any]:
        return {"NNTEST_ACTIVATION": name}

    stem = plane(3, 16, 16, **conv("3,3", 8, CK_CONV_PAD=1, **activated("relu")))
    wide = plane(8, 16, 16, **conv("3,3", 8, CK_CONV_PAD=1))
    depthwise = plane(8, 16, 16, NNTEST_KERNEL="5,5", CK_DEPTHWISE_PAD=2, **activated("hard-swish"))
    gate = plane(4, 1, 1, CK_OUT_SHAPE_C=8, **one, **activated("hard-sigmoid"))
    layers: list[tuple[str, str, dict[str, Any], list[int] | None]] = [
        ("stem", "conv", stem, None),  # 0
        ("left", "conv", wide, None),
        ("sum", "add", {}, [1, 0]),  # 2
        ("sum/relu", "activation", activated("relu"), [2]),
        ("depthwise", "depthwiseconv", depthwise, None),  # 4
        ("squeeze", "avgpool", plane(8, 16, 16, CK_POOL_KERNEL=16), None),
        ("reduce", "conv", plane(8, 1, 1, CK_OUT_SHAPE_C=4, **one, **activated("relu")), None),  # 6
        ("gate", "conv", gate, None),
        ("weighed", "mul", {}, [4, 7]),  # 8
        ("swish", "activation", activated("hard-swish"), [8]),
        ("gated", "activation", activated("hard-sigmoid"), [9]),  # 10
        ("product", "mul", {}, [9, 10]),
        ("both", "concat", {}, [11, 3]),  # 12
        ("pool", "maxpool", plane(16, 16, 16, CK_POOL_KERNEL=3, CK_POOL_STRIDE=2, CK_POOL_PAD=1),
         None),
        ("dense", "fullyconnected", plane(16, 8, 8, CK_OUT_SHAPE_C=10), None),  # 14
        ("softmax", "softmax", plane(10, 1, 1), None),
    ]  # fmt: skip
    described = []
    for name, operator, env, inputs in layers:
        entry = {"name": name, "operator": operator, "tuner": "NONE", "tensor": name, "env": env}
        described.append(entry if inputs is None else {**entry, "inputs": inputs})
    path = folder / "branching.json"
    path.write_text(json.dumps({"network": "branching", "layers": described}))
    return path


POINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "pointwise": ("conv", plane(16, 7, 7, **conv("1,1", 24))),
    "3x3, padded, relu": (
        "conv",
        plane(8, 9, 12, **conv("3,3", 6, CK_CONV_PAD=1, NNTEST_ACTIVATION="relu")),
    ),
    "3x3, SAME for stride 2": (
        "conv",
        plane(3, 16, 16, **conv("3,3", 8, CK_CONV_STRIDE=2, NNTEST_CONV_PADS="0,1,0,1")),
    ),
    "3x3, other pads": ("conv", plane(4, 9, 8, **conv("3,3", 5, NNTEST_CONV_PADS="2,0,1,2"))),
    "5x3, strides 1 and 2": (
        "conv",
        plane(4, 11, 13, **conv("5,3", 5, NNTEST_STRIDES="1,2", NNTEST_ACTIVATION="relu6")),
    ),
    "1x7": ("conv", plane(8, 9, 9, **conv("1,7", 8, NNTEST_CONV_PADS="0,0,3,3"))),
    "dilated": (
        "conv",
        plane(4, 12, 12, **conv("3,3", 6, NNTEST_DILATIONS="2,2", CK_CONV_PAD=2)),
    ),
    "groups": (
        "conv",
        plane(8, 10, 10, **conv("3,3", 12, NNTEST_GROUPS=4, NNTEST_ACTIVATION="hard-swish")),
    ),
    "pointwise, hard-sigmoid": (
        "conv",
        plane(8, 6, 7, **conv("1,1", 12, NNTEST_ACTIVATION="hard-sigmoid")),
    ),
    "depthwise": ("depthwiseconv", plane(8, 10, 9, CK_DEPTHWISE_PAD=1, NNTEST_ACTIVATION="relu6")),
    "depthwise 5x5, stride 2": (
        "depthwiseconv",
        plane(8, 11, 11, NNTEST_KERNEL="5,5", CK_DEPTHWISE_STRIDE=2, CK_DEPTHWISE_PAD=2),
    ),
    "fully connected": ("fullyconnected", plane(12, 3, 2, CK_OUT_SHAPE_C=7)),
    "fully connected, sigmoid": (
        "fullyconnected",
        plane(20, 1, 1, CK_OUT_SHAPE_C=10, NNTEST_ACTIVATION="sigmoid"),
    ),
    "mean": ("avgpool", plane(6, 7, 7, CK_POOL_KERNEL=7)),
    "mean, padded": ("avgpool", plane(4, 9, 9, CK_POOL_KERNEL=3, CK_POOL_STRIDE=2, CK_POOL_PAD=1)),
    "mean, padding excluded": (
        "avgpool",
        plane(4, 9, 9, CK_POOL_KERNEL=3, CK_POOL_PAD=1, CK_EXCLUDE_PADDING=1),
    ),
    "largest": ("maxpool", plane(4, 8, 10, CK_POOL_KERNEL=2, CK_POOL_STRIDE=2)),
    "largest, padded": (
        "maxpool",
        plane(4, 9, 9, NNTEST_KERNEL="3,2", CK_POOL_STRIDE=2, NNTEST_CONV_PADS="1,0,1,0"),
    ),
    "mean, dilated": ("avgpool", plane(4, 12, 12, CK_POOL_KERNEL=3, NNTEST_DILATIONS="2,2")),
    "largest, dilated": ("maxpool", plane(4, 12, 12, CK_POOL_KERNEL=3, NNTEST_DILATIONS="2,2")),
    "softmax": ("softmax", plane(50, 1, 1)),
    "softmax over planes": ("softmax", plane(5, 4, 3)),
}
