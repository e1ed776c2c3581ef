"""The two files of an ONNX model that a board runs: the model, and its inputs and right outputs.

The right outputs are those of ONNX Runtime with all graph optimisations off, computed here, so
that they are the same whatever library of the board is checked by them.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from nntest.codehash import module_file
from nntest.config.network import OnnxFile
from nntest.config.study import Study, StudyPoint
from nntest.domain.graph_nodes import GraphNode
from nntest.domain.network_points import MODEL_VARIABLE, TENSORS_VARIABLE, NetworkPoint
from nntest.errors import UserError
from nntest.measuring.transport import Transport

if TYPE_CHECKING:
    import onnx

    from nntest.domain.onnx_files.whole_model import Arrays

MODEL_PART = [
    module_file(f"nntest.{name}")
    for name in ("domain.onnx_files.whole_model", "measuring.model_files")
]
"""What makes the files: an edit of it makes others, of another name."""

PLAIN_KINDS = "fiub"
"""Floats, integers, unsigned ones and booleans: what an archive of NumPy's own types can hold."""
_BLOCKED = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool")
"""Kinds of nodes that ONNX Runtime names by their output where it has channels in blocks."""


def model_variables(folder: str, key: str) -> dict[str, str]:
    """The variables that name the two files; `key` says what is in them."""
    stem = posixpath.join(folder, "models", key)
    return {MODEL_VARIABLE: f"{stem}.onnx", TENSORS_VARIABLE: f"{stem}.npz"}


def send_model(
    transport: Transport,
    study: Study,
    point: StudyPoint | NetworkPoint,
    variables: Mapping[str, str],
    note: Callable[[str], None],
) -> None:
    """Make the files of a point and send them, unless they are on the board.

    Raises `UserError` for a model that ONNX Runtime does not run.
    """
    path = variables[MODEL_VARIABLE]
    if transport.run(["test", "-e", path], timeout_s=60).status == 0:
        return
    note(f"making the model of {point.subject}, and its right outputs by ONNX Runtime")
    definition = study.network_file(point.subject).definition
    assert isinstance(definition, OnnxFile)  # of no other is there a model
    whole = definition.whole_model()
    model = whole.build(point.batch_size, study.config.seed)
    inputs = whole.draw_inputs(model, study.config.seed)
    content = model.SerializeToString()
    outputs = reference_outputs(str(definition.file), content, inputs)
    network = next(network for network in study.networks if network.name == point.subject)
    tensors = tensors_file(model, network.nodes, inputs, outputs)
    note(f"sending it to the board: {(len(content) + len(tensors)) / 2**20:.1f} MiB")
    transport.write(variables[TENSORS_VARIABLE], tensors)
    transport.write(path, content)  # last: where it is, both are


def reference_outputs(where: str, model: bytes, inputs: Arrays) -> Arrays:
    """All outputs of a model, by name; `where` begins the messages.

    Raises `UserError` if ONNX Runtime does not run it, or if an output is not finite: a wrong one
    could not be told from it.
    """
    # Not at the top: few studies need it, and importing it takes a fifth of a second.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3  # errors
    try:
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        outputs = session.run(None, inputs)
    except Exception as error:  # a class for each status, in a module of its own
        said = " ".join(str(error).split())[:300]
        raise UserError(f"{where}: ONNX Runtime does not run it: {said}") from None
    found = dict(zip((value.name for value in session.get_outputs()), outputs, strict=True))
    for name, value in {**inputs, **found}.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in PLAIN_KINDS:
            raise UserError(f"{where}: '{name}' is no tensor of numbers")
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(
                f"{where}: with inputs drawn from the seed, '{name}' is not finite everywhere",
                "for an integer input, give its range beside `file`: ranges: {ids: [0, 30521]}",
            )
    return found


def tensors_file(
    model: onnx.ModelProto, nodes: Iterable[GraphNode], inputs: Arrays, outputs: Arrays
) -> bytes:
    """An archive of NumPy as `onboard/frameworks/model_graph.py` reads it.

    `names` are those under which a library may run the nodes that become or are folded into a
    layer, and `layers` which that is: a node's own, and its output's where it may be the last of
    several that are fused.
    """
    layers: dict[str, str] = {}
    fates = {node.name: node for node in nodes}
    for node in model.graph.node:
        known = fates.get(node.name)
        if known is None or known.fate not in ("measured", "folded", "not covered"):
            continue
        layers[node.name] = known.layer or node.name
        if known.fate == "folded" or node.op_type in _BLOCKED:
            layers.setdefault(node.output[0], layers[node.name])
    arrays = {
        **{f"in:{name}": value for name, value in inputs.items()},
        **{f"out:{name}": value for name, value in outputs.items()},
        "names": np.array(list(layers), np.str_),
        "layers": np.array(list(layers.values()), np.str_),
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()
