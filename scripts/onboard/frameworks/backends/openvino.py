"""OpenVINO, on its CPU plug-in; on aarch64 this carries Arm Compute Library."""

from __future__ import annotations

import io
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from failures import NotSupported
from graph import Graph
from integers import UNSIGNED_ON_X86
from onnx_model import onnx_model

from backends.base import PROFILED_RUNS, OwnOutputs, implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from model_graph import ModelGraph
    from point import Settings

    from backends.base import Backend

    Array = np.ndarray[Any, Any]

MOVES = ("Input", "Output", "Const", "Reorder", "Convert", "Reshape")
"""Layers that compute nothing."""


class OpenVino(OwnOutputs):
    """A stream of the plug-in for each request at once; any property of the plug-in is taken.

    One request has one stream, so that all threads work on it.
    """

    name, package, module = "openvino", "openvino", "openvino"
    data_types, integers = ("fp32", "fp16", "int8"), UNSIGNED_ON_X86
    takes_models = True
    idle_threads = 1
    settings = {"NONE": {}, "DEFAULT": {}, "unpinned": {"ENABLE_CPU_PINNING": False}}

    def takes(self, name: str) -> bool:
        """Properties of the plug-in, such as ENABLE_CPU_PINNING."""
        return name.isupper()

    def build(
        self,
        graph: Graph | ModelGraph,
        threads: int,
        options: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        """Compile the ONNX model, and bind inputs and outputs once.

        The precision is asked for: left alone, the plug-in computes fp32 in half precision where
        the processor has it.
        """
        if isinstance(graph, Graph):
            self.refuse_dilated(graph, "avgpool")  # ONNX has them since operator set 19
        half = graph.data_type == "fp16"
        self._properties = {
            "INFERENCE_PRECISION_HINT": "f16" if half else "f32",
            "INFERENCE_NUM_THREADS": threads * self.streams,
            "NUM_STREAMS": self.streams,
            **{name: value for name, value in options.items() if self.takes(name)},
        }
        self._core = self.library.Core()
        # A graph of ours in fp16 is written in fp32: the plug-in rounds it.
        model = onnx_model(replace(graph, data_type="fp32") if half else graph)
        self._model = self._core.read_model(io.BytesIO(model.content))
        self._inputs = self._tensors_of(model.inputs)
        self._compiled = self._compile({})
        self._make_request(graph, model.outputs)
        if half:
            self._refuse_single_precision()

    def run(self) -> None:
        """Run the request; its `infer` would copy the output besides."""
        self._request.start_async()
        self._request.wait()

    def another(self, build: Callable[[Backend], None]) -> Backend:
        """Return a further request of the compiled model, with an output of its own."""
        other = copy(self)
        outputs = zip(self._targets, self._wrong)
        other._make_request(self._graph, {name: wrong.copy() for name, wrong in outputs})
        return other

    def kernels(self) -> dict[str, Any]:
        """Return what a profiled request of the same model has executed, with each node's time."""
        compiled = self._compile({"PERF_COUNT": True})
        request = self._bound(compiled.create_infer_request())
        layers = self._layers(compiled)
        found: dict[str, dict[str, Any]] = {}
        for _ in range(PROFILED_RUNS):
            request.start_async()
            request.wait()
            for node in request.profiling_info:
                if node.status.name == "EXECUTED":
                    seconds = node.real_time.total_seconds()
                    name, kernel = node.node_name, f"{node.node_type} {node.exec_type}"
                    entry = {"node": name, "kernel": kernel, "layers": layers.get(name)}
                    known = found.setdefault(name, {**entry, "seconds": seconds})
                    known["seconds"] = min(known["seconds"], seconds)
        return implementation(
            "reported", "exec_type of the plug-in", list(found.values()), "profile"
        )

    def _layers(self, compiled: Any) -> dict[str, list[str] | None]:
        """Return which layers each node of the compiled model computes, by the node's name."""
        found: dict[str, list[str] | None] = {}
        for node in compiled.get_runtime_model().get_ops():
            details, name = node.get_rt_info(), node.get_friendly_name()
            if str(details["layerType"].value) in MOVES:
                found[name] = []
            else:  # a fused node names all that it is made of
                names = str(details["originalLayersNames"].value).split(",")
                found[name] = self._graph.layers_named([name, *names])
        return found

    def _compile(self, more: Mapping[str, Any]) -> Any:
        return self._core.compile_model(self._model, "CPU", {**self._properties, **more})

    def _tensors_of(self, arrays: Mapping[str, Array]) -> dict[str, Any]:
        """Return tensors of the library on arrays of ours."""
        return {
            name: self.library.Tensor(array, shared_memory=True) for name, array in arrays.items()
        }

    def _make_request(self, graph: Graph | ModelGraph, outputs: Mapping[str, Array]) -> None:
        self.own(graph, outputs.values())
        self._targets = self._tensors_of(outputs)
        self._request = self._bound(self._compiled.create_infer_request())

    def _bound(self, request: Any) -> Any:
        """Return a request with its inputs and outputs in place."""
        for name, tensor in (*self._inputs.items(), *self._targets.items()):
            request.set_tensor(name, tensor)
        return request

    def _refuse_single_precision(self) -> None:
        """Raise NotSupported where the plug-in computes in fp32 in spite of what it is asked."""
        precisions = set()
        for node in self._compiled.get_runtime_model().get_ops():
            details = node.get_rt_info()
            if str(details["layerType"].value) not in MOVES:
                precisions.add(str(details["runtimePrecision"].value))
        if "f16" not in precisions:
            raise NotSupported(
                f"openvino: this processor has no half precision that it uses; it would compute "
                f"in {', '.join(sorted(precisions))}"
            )
