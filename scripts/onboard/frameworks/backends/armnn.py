"""Arm NN, as distributions package it with PyArmNN: its CPU and GPU backends and its reference."""

from __future__ import annotations

import ctypes
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue, NotSupported
from writers.armnn import ACTIVATIONS, from_layout, write_armnn
from writers.tflite import model_input

from backends.base import PROFILED_RUNS, Backend, implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph import Graph
    from point import Settings

COMPUTE_LIBRARY = re.compile(r"/\S*/libarm_compute\.so\S*")
SCHEDULER = "_ZN11arm_compute12CPPScheduler3getEv"
SET_THREADS = "_ZN11arm_compute12CPPScheduler15set_num_threadsEj"
MOVES = ("CopyMemGeneric", "ImportMemGeneric", "SyncMemGeneric", "Reshape", "Permute")
"""What the names of workloads have that compute nothing."""
WORKLOAD = re.compile(r"(\w+)_Execute_#\d+\Z")
KERNEL = re.compile(r"KernelTimer/\d+: (\S+?)_#\d+\Z")
SECONDS = {"us": 1e-6}


class ArmNN(Backend):
    """One backend computes the whole graph: what it lacks is refused, not left to another."""

    name, package, module = "armnn", "pyarmnn", "pyarmnn"
    options = {"backend": "CpuAcc", "layout": "NHWC", "fp16": False}
    settings = {
        "NONE": {"backend": "CpuRef"},
        "DEFAULT": {},
        "gpu": {"backend": "GpuAcc"},
        "nchw": {"layout": "NCHW"},
    }

    def build(
        self, graph: Graph, threads: int, options: Mapping[str, Any], settings: Settings
    ) -> None:
        """Build the network, have one backend optimise and load it, and put the input in place."""
        self.refuse_dilated(graph, "avgpool", "maxpool")
        ann, self._layout, backend = self.library, options["layout"], options["backend"]
        if self._layout not in ("NCHW", "NHWC"):
            raise BadValue(f"armnn: layout={self._layout!r} is neither 'NCHW' nor 'NHWC'")
        self._runtime = ann.IRuntime(ann.CreationOptions())
        there = re.findall(r"\w+Acc|\w+Ref", str(self._runtime.GetDeviceSpec()))
        if backend not in there:
            raise NotSupported(
                f"armnn: there is no backend {backend!r} here, only {', '.join(sorted(there))}; "
                "its package is called libarmnn-…-backend"
            )
        if backend == "CpuAcc":
            _use_threads(threads)
        chosen = ann.OptimizerOptions()
        chosen.m_ReduceFp32ToFp16 = options["fp16"]
        network = write_armnn(graph, ann, self._layout)
        try:
            optimised, _ = ann.Optimize(
                network, [ann.BackendId(backend)], self._runtime.GetDeviceSpec(), chosen
            )
        except RuntimeError as error:  # with what the backend says of the layer
            raise NotSupported(f"armnn: {' '.join(str(error).split())}"[:400]) from None
        self._number, _ = self._runtime.LoadNetwork(optimised)
        source = model_input(graph) if self._layout == "NHWC" else graph.model_input()
        info = self._runtime.GetInputTensorInfo(self._number, 0)
        self._inputs = [(0, ann.ConstTensor(info, source))]
        target = ann.Tensor(self._runtime.GetOutputTensorInfo(self._number, 0))
        self._outputs, self._result = [(0, target)], target.get_memory_area()
        self._graph = graph

    def clear(self) -> None:
        """Fill the output's tensor with NaN."""
        self._result[...] = np.nan

    def run(self) -> None:
        """Run the network."""
        self._runtime.EnqueueWorkload(self._number, self._inputs, self._outputs)

    def output(self) -> np.ndarray[Any, Any]:
        """Return a copy of the output."""
        dims = self._graph.nodes[-1].out_dims
        values = from_layout(self._result, dims, self._layout)
        return np.array(values).reshape(self._graph.out_shape)

    def kernels(self) -> dict[str, Any]:
        """Return the workloads that a profiled run executes, in order, with each one's time."""
        profiler = self._runtime.GetProfiler(self._number)
        profiler.EnableProfiling(True)
        for _ in range(PROFILED_RUNS):
            self.run()
        profiler.EnableProfiling(False)
        nodes = workloads(json.loads(profiler.as_json()))
        computing = [node for node in nodes if not _moves(node["node"])]
        made_of = self._made_of()
        known = self._graph.is_chain and len(made_of) == len(computing)
        for node in nodes:
            node["layers"] = [] if _moves(node["node"]) else None
        for node, layer in zip(computing, made_of if known else ()):
            node["layers"] = [layer]
        return implementation("reported", "workloads of a profiled run", nodes, "profile")

    def _made_of(self) -> list[str]:
        """Return the layer of each workload that computes, in the order of a chain."""
        return [
            node.name
            for node in self._graph.nodes
            for _ in range(
                (node.operator != "activation") + len(ACTIVATIONS.get(node.point.activation, ()))
            )
        ]


def workloads(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the workloads of a profiler's JSON, in order: name, kernels, least seconds.

    A workload without kernels of the Compute Library is named itself.
    """
    (inferences,) = said["ArmNN"].values()
    (events,) = (found for name, found in inferences.items() if name.startswith("Execute_#"))
    nodes = []
    for name, event in events.items():
        workload = WORKLOAD.match(name)
        if workload is None:
            continue
        kernels = [found[1] for key in event if (found := KERNEL.search(key))]
        (clock,) = (event[key] for key in event if key.startswith("Wall clock time_#"))
        nodes.append({
            "node": workload[1],
            "kernel": " + ".join(kernels) or workload[1],
            "seconds": min(clock["raw"]) * SECONDS[clock["unit"]],
        })  # fmt: skip
    return nodes


def _moves(workload: str) -> bool:
    return any(name in workload for name in MOVES)


def _use_threads(count: int) -> None:
    """Set the number of threads of the Compute Library that the backend has loaded.

    20.08 has no option of its own for it.  Raises NotSupported where the library has no scheduler
    of threads.
    """
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = COMPUTE_LIBRARY.findall(maps.read())
    try:
        library = ctypes.CDLL(paths[0])
        get, use = getattr(library, SCHEDULER), getattr(library, SET_THREADS)
    except (IndexError, OSError, AttributeError) as error:
        raise NotSupported(
            f"armnn: the threads of CpuAcc cannot be set: no Compute Library with a scheduler of "
            f"threads ({error})"
        ) from None
    get.restype = ctypes.c_void_p
    use.argtypes, use.restype = [ctypes.c_void_p, ctypes.c_uint], None
    use(get(), count)
