"""ONNX Runtime, on its CPU provider."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from failures import NotSupported
from graph import Graph
from integers import UNSIGNED_ON_X86
from onnx_model import onnx_model

from backends.base import PROFILED_RUNS, OwnOutputs, implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_graph import ModelGraph
    from point import Settings

SINGLE_PRECISION = "InsertedPrecisionFreeCast"  # what a cast around a kernel is called
BLOCKED = "_nchwc"  # behind the name of a node's output where it has channels in blocks
FUSED = "fused "  # before a node's name where its activation has been taken into it
REPLACED = "_token_"  # behind a node's name where a kernel on integers stands for it
MERGED = re.compile(r"/\w*Fusion(/|$)")  # behind the name of one of the nodes that it stands for
MOVES = ("ReorderInput", "ReorderOutput", "Reshape", "Transpose")
"""Kinds of nodes that compute nothing."""
LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class OnnxRuntime(OwnOutputs):
    """Optimised graphs; the layouts in blocks of channels (NCHWc) come with the level `all`."""

    name, package, module = "onnxruntime", "onnxruntime", "onnxruntime"
    data_types, integers = ("fp32", "fp16", "int8"), UNSIGNED_ON_X86
    takes_models = True
    idle_threads = 1
    options = {"optimization": "all", "spinning": True, "provider": "CPUExecutionProvider"}
    settings = {
        "NONE": {"optimization": "none"},
        "DEFAULT": {},
        "nchw": {"optimization": "extended"},
        "kleidiai-off": {"mlas.disable_kleidiai": "1"},
    }

    def takes(self, name: str) -> bool:
        """Entries of a session's configuration, such as mlas.disable_kleidiai."""
        return "." in name

    def build(
        self,
        graph: Graph | ModelGraph,
        threads: int,
        options: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        """Write the model, make a session of it, and bind inputs and outputs once."""
        if isinstance(graph, Graph):
            self.refuse_dilated(graph, "avgpool")  # ONNX has them since operator set 19
        model = onnx_model(graph)
        self._inputs = model.inputs  # the session reads them at every run
        self.own(graph, model.outputs.values())
        self._profile_input = (model.content, self._options(threads, options), options["provider"])
        session = self._session(*self._profile_input)
        binding = session.io_binding()
        for bind, arrays in (
            (binding.bind_input, model.inputs),
            (binding.bind_output, model.outputs),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        self._binding, self._run = binding, session.run_with_iobinding

    def run(self) -> None:
        """Run the session on what is bound."""
        self._run(self._binding)

    def kernels(self) -> dict[str, Any]:
        """Return what a profiled session of the same model runs, each node with its time."""
        model, session_options, provider = self._profile_input
        session_options.enable_profiling = True
        session_options.profile_file_prefix = os.path.abspath("tmp-onnxruntime")
        session = self._session(model, session_options, provider)
        for _ in range(PROFILED_RUNS):
            session.run(None, dict(self._inputs))
        path = session.end_profiling()
        with open(path, encoding="utf-8") as file:
            events = json.load(file)
        os.remove(path)
        del self._profile_input
        times: dict[tuple[str, str, str], list[float]] = {}
        for event in events:
            name, details = event.get("name", ""), event.get("args", {})
            if event.get("cat") == "Node" and name.endswith("_kernel_time"):
                name = name[: -len("_kernel_time")]
                key = (name, details.get("op_name", ""), details.get("provider", ""))
                times.setdefault(key, []).append(event["dur"] / 1e6)
        nodes: list[dict[str, Any]] = []
        layers = None
        for (name, kind, by), seconds in times.items():
            named = self._graph.layers_named(names_in_model(name))
            # In the order of the chain, so a node without a name of ours goes on with the layer
            # before it: HardSwish becomes several.
            layers = named or (layers if self._graph.is_chain else None)
            ran = {**_ran(name, kind), "provider": by, "layers": [] if kind in MOVES else layers}
            each = max(1, len(seconds) // PROFILED_RUNS)  # reorders of one run may share a name
            nodes += [{**ran, "seconds": min(seconds[at::each])} for at in range(each)]
        if any(node["node"].startswith(SINGLE_PRECISION) for node in nodes):
            raise NotSupported("onnxruntime has no such kernel in fp16 here: it computes in fp32")
        return implementation("reported", "profile", nodes, "profile")

    def _options(self, threads: int, options: Mapping[str, Any]) -> Any:
        level = getattr(self.library.GraphOptimizationLevel, LEVELS[options["optimization"]])
        made = self.library.SessionOptions()
        made.intra_op_num_threads, made.inter_op_num_threads = threads, 1
        made.graph_optimization_level = level
        spinning = "1" if options["spinning"] else "0"
        made.add_session_config_entry("session.intra_op.allow_spinning", spinning)
        for name, value in options.items():
            if self.takes(name):
                made.add_session_config_entry(name, str(value))
        return made

    def _session(self, model: bytes, session_options: Any, provider: str) -> Any:
        return self.library.InferenceSession(model, session_options, providers=[provider])


def names_in_model(name: str) -> tuple[str, str]:
    """Return what a node of a session may be called in the model: itself, or one that is in it."""
    own_name = name.removeprefix(FUSED).split(REPLACED)[0]
    return own_name, MERGED.split(own_name)[0]


def _ran(name: str, kind: str) -> dict[str, str]:
    """Return node and kernel; blocks of channels are known by the name of the node's output."""
    blocked = name.endswith(BLOCKED)
    node = name.removesuffix(BLOCKED)
    return {"node": node.split(":")[0], "kernel": f"{kind} (NCHWc)" if blocked else kind}
