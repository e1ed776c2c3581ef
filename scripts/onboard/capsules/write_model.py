#!/usr/bin/env python3
"""Write a point as files that need nothing of this project: ``write_model.py LIBRARY FOLDER``.

The point comes from standard input, as JSON: ``{"operator", "env", "network"}``.  Into FOLDER go
the model in the library's own format, and ``input.npy`` and ``expected.npy`` (float64; integers
where the model gives integers), both in the model's order of dimensions.  Prints
``{"tolerance"}``, or ``{"problem"}``, as JSON.

It runs here, in a Python with NumPy; LiteRT's needs the library's wheel besides, which has the
format's schema.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from dataclasses import replace
from typing import Any

ONBOARD = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[1:1] = [os.path.join(ONBOARD, name) for name in ("frameworks", "programs_common")]

import numpy as np
from backends import find_backend
from failures import Failure
from measurement import with_threshold
from point import Settings
from quantise import read_in_data_type
from writers.ncnn import write_ncnn
from writers.onnx import write_onnx
from writers.tflite import model_input, to_nhwc, write_tflite

SCHEMA = "ai_edge_litert.schema_py_generated"


def write(library: str, folder: str, point: dict[str, Any]) -> dict[str, Any]:
    """Write the files; what is to be said of them."""
    environment = {key: str(value) for key, value in point["env"].items()}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(point["network"], file)
        file.flush()
        if point["network"]:
            environment["NNTEST_NETWORK"] = file.name
        settings = Settings.from_environment(environment)
        settings = with_threshold(settings, point["operator"], environment)
        integers = find_backend(library).integers
        graph = read_in_data_type(point["operator"], environment, settings, integers)
    half, last = graph.data_type == "fp16", graph.nodes[-1]
    source, expected, tolerance = graph.model_input(), graph.expected, graph.tolerance
    if last.out_steps is not None:  # the model gives integers
        expected, tolerance = last.out_steps.quantise(expected), tolerance / last.out_steps.scale
    expected = expected.reshape(last.out_dims)
    if library == "onnxruntime":
        files = {"model.onnx": write_onnx(graph)}
        source = graph.model_input(np.float16 if half else np.float32)
    elif library == "openvino":
        files = {"model.onnx": write_onnx(replace(graph, data_type="fp32") if half else graph)}
    elif library == "ncnn":
        made = write_ncnn(graph)
        files = {"model.param": made.parameters.encode(), "model.bin": made.weights}
        source = graph.input[0]
    else:
        files = {"model.tflite": write_tflite(graph, importlib.import_module(SCHEMA))}
        source, expected = model_input(graph), to_nhwc(expected)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as target:
            target.write(content)
    np.save(os.path.join(folder, "input.npy"), np.ascontiguousarray(source))
    np.save(os.path.join(folder, "expected.npy"), np.ascontiguousarray(expected))
    return {"tolerance": tolerance}


def main() -> None:
    """Write, and print what came of it."""
    try:
        answer = write(sys.argv[1], sys.argv[2], json.load(sys.stdin))
    except Failure as failure:
        answer = {"problem": failure.reason}
    except ImportError as error:
        answer = {"problem": f"{sys.executable}: {error}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
