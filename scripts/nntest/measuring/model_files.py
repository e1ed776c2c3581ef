"""The two files of an ONNX model that a board runs: the model, and its inputs and right outputs.

The right outputs are those of ONNX Runtime with all graph optimisations off, computed here, so
that they are the same whatever library of the board is checked by them.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nntest.codehash import module_file, source_hash
from nntest.config.network import OnnxFile
from nntest.config.study import Study, StudyPoint
from nntest.domain.graph_nodes import GraphNode
from nntest.domain.network_points import MODEL_VARIABLE, TENSORS_VARIABLE, NetworkPoint
from nntest.domain.tensors import NODE
from nntest.errors import UserError
from nntest.measuring.transport import Transport

if TYPE_CHECKING:
    import onnx

    from nntest.domain.onnx_files.whole_model import Arrays

MODEL_PART = [
    module_file(f"nntest.{name}")
    for name in (
        "domain.drawn_values",
        "domain.onnx_files.whole_model",
        "domain.onnx_nodes.models",
        "measuring.model_files",
    )
]
"""What makes the files: an edit of it makes others, of another name."""

PLAIN_KINDS = "fiub"
"""Floats, integers, unsigned ones and booleans: what an archive of NumPy's own types can hold."""
_BLOCKED = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool")
"""Kinds of nodes that ONNX Runtime has in blocks of channels."""

Point = StudyPoint | NetworkPoint


@dataclass(frozen=True)
class _Model:
    """A model with what the two files say of it."""

    model: onnx.ModelProto
    inputs: Arrays
    outputs: Arrays
    nodes: Iterable[GraphNode]

    def files(self) -> tuple[bytes, bytes]:
        """Model and tensors."""
        tensors = tensors_file(self.model, self.nodes, self.inputs, self.outputs)
        return self.model.SerializeToString(), tensors


def has_model(point: Point) -> bool:
    """Whether what is measured is an ONNX model in files."""
    return point.is_model if isinstance(point, NetworkPoint) else point.species == NODE


def model_variables(folder: str, study: Study, point: Point) -> dict[str, str]:
    """The variables that name the two files, for what is in them."""
    what = point.identity() if isinstance(point, NetworkPoint) else point.subject
    said = [what, point.batch_size, study.config.seed, source_hash(MODEL_PART)]
    key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    stem = posixpath.join(folder, "models", key)
    return {MODEL_VARIABLE: f"{stem}.onnx", TENSORS_VARIABLE: f"{stem}.npz"}


def send_models(
    transport: Transport,
    study: Study,
    points: tuple[Point, ...],
    folder: str,
    note: Callable[[str], None],
) -> tuple[Point, ...]:
    """Make the models of points and send those that are not on the board; the points that can run.

    A single node that ONNX Runtime does not run is noted and left out; raises `UserError` for a
    whole network.
    """
    kept: list[Point] = []
    refused: dict[str, str] = {}
    on_board, sent_bytes = set(), 0
    for point in points:
        if has_model(point) and point.subject not in refused:
            variables = model_variables(folder, study, point)
            path = variables[MODEL_VARIABLE]
            if path not in on_board and transport.run(["test", "-e", path], timeout_s=60).status:
                if not sent_bytes and not refused:
                    note("making models with inputs and right outputs, by ONNX Runtime")
                try:
                    model, tensors = _made(study, point).files()
                except UserError as error:
                    if isinstance(point, NetworkPoint):
                        raise
                    refused[point.subject] = error.message
                    continue
                transport.write(variables[TENSORS_VARIABLE], tensors)
                transport.write(path, model)  # last: where it is, both are
                sent_bytes += len(model) + len(tensors)
            on_board.add(path)
        if point.subject not in refused:
            kept.append(point)
    if sent_bytes:
        note(f"sent them to the board: {sent_bytes / 2**20:.1f} MiB")
    for reason in refused.values():
        note(f"left out: {reason}")
    return tuple(kept)


def _made(study: Study, point: Point) -> _Model:
    seed = study.config.seed
    if isinstance(point, NetworkPoint):
        definition = study.network_file(point.subject).definition
        assert isinstance(definition, OnnxFile)  # of no other is there a model
        whole = definition.whole_model()
        model = whole.build(point.batch_size, seed)
        inputs = whole.draw_inputs(model, seed)
        network = next(network for network in study.networks if network.name == point.subject)
        outputs = reference_outputs(str(definition.file), model.SerializeToString(), inputs)
        return _Model(model, inputs, outputs, network.nodes)
    return _node_model(point, seed)


def _node_model(point: StudyPoint, seed: int) -> _Model:
    """Of ONNX nodes; those with no finite output for numbers around 0 get others around 1."""
    from nntest.domain.onnx_nodes.models import NODE_NAME, node_inputs, node_model

    group = point.tensor.node
    assert group is not None  # the species says so
    for around in (0.0, 1.0):
        model, inputs = node_model(group, seed, around), node_inputs(group, seed, around)
        nodes = [GraphNode(n.name, n.op_type, "measured", NODE_NAME) for n in model.graph.node]
        try:
            outputs = reference_outputs(group.name, model.SerializeToString(), inputs)
        except NotFinite:
            continue
        return _Model(model, inputs, outputs, nodes)
    raise UserError(f"{group.name}: its outputs are not finite, whatever is drawn")


class NotFinite(UserError):
    """An output that is not finite everywhere: a wrong one could not be told from it."""


def reference_outputs(where: str, model: bytes, inputs: Arrays) -> Arrays:
    """All outputs of a model, by name; `where` begins the messages.

    Raises `UserError` if ONNX Runtime does not run it, and `NotFinite`.
    """
    # Not at the top: few studies need them, and importing them takes a fifth of a second.
    import numpy as np
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
            raise NotFinite(
                f"{where}: with inputs drawn from the seed, '{name}' is not finite everywhere",
                "for an integer input, give its range beside `file`: ranges: {ids: [0, 30521]}",
            )
    return found


def tensors_file(
    model: onnx.ModelProto, nodes: Iterable[GraphNode], inputs: Arrays, outputs: Arrays
) -> bytes:
    """An archive of NumPy as `onboard/frameworks/model_graph.py` reads it.

    `names` are those under which a library may run the nodes that become or are folded into a
    layer, and `layers` which that is: a node's own, its outputs', and with ``_nchwc`` those that
    ONNX Runtime gives to nodes in blocks of channels.  Such a node is named by the last output of
    those that are fused in it, so one that is named by an Add, say, is of no layer that is known.
    """
    import numpy as np

    layers: dict[str, str] = {}
    fates = {node.name: node for node in nodes}
    for node in model.graph.node:
        known = fates.get(node.name)
        if known is None or known.fate not in ("measured", "folded", "not covered"):
            continue
        layer = known.layer or node.name
        layers[node.name] = layer
        for output in node.output:
            layers.setdefault(output, layer)
            if known.fate == "folded" or node.op_type in _BLOCKED:
                layers.setdefault(f"{output}_nchwc", layer)
    arrays = {
        **{f"in:{name}": value for name, value in inputs.items()},
        **{f"out:{name}": value for name, value in outputs.items()},
        "names": np.array(list(layers), np.str_),
        "layers": np.array(list(layers.values()), np.str_),
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()
