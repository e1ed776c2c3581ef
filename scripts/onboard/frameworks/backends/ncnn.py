"""ncnn: its own kernels, on OpenMP threads."""

from __future__ import annotations

import os
import time
from copy import copy
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
from failures import NotSupported, OutOfMemory
from integers import NCNN
from writers.ncnn import INPUT, OUTPUT, write_ncnn

from backends.base import PROFILED_RUNS, Backend, implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph import Graph, Node
    from point import Settings

FILES = ("tmp-ncnn.param", "tmp-ncnn.bin")
NO_MEMORY = -100  # what every layer returns then


class Ncnn(Backend):
    """A run makes an extractor, as every use of ncnn does: it keeps what it has computed."""

    name, package, module = "ncnn", "ncnn", "ncnn"
    data_types, integers = ("fp32", "fp16", "int8"), NCNN
    options = {"winograd": True, "sgemm": True, "packing": True, "powersave": 0}
    settings = {
        "NONE": {"winograd": False, "sgemm": False, "packing": False},
        "DEFAULT": {},
        "no-winograd": {"winograd": False},
        "no-packing": {"packing": False},
    }
    thread_variables = ("OMP_NUM_THREADS",)

    def build(
        self, graph: Graph, threads: int, options: Mapping[str, Any], settings: Settings
    ) -> None:
        """Write both files, load them, and wrap the input."""
        if graph.in_shape[0] != 1:
            raise NotSupported(f"ncnn has no batches; {graph.in_shape[0]} images were asked for")
        half = graph.data_type == "fp16"
        if half and not self.library.cpu_support_arm_asimdhp():
            raise NotSupported("ncnn computes in half precision on Armv8.2-A with asimdhp alone")
        self.refuse_dilated(graph, "avgpool", "maxpool")
        _refuse_groups_in_int8(graph)
        self.library.set_cpu_powersave(options["powersave"])
        net = self.library.Net()
        net.opt.num_threads = threads
        net.opt.use_winograd_convolution = options["winograd"]
        net.opt.use_sgemm_convolution = options["sgemm"]
        net.opt.use_packing_layout = options["packing"]
        net.opt.use_bf16_storage = False
        if hasattr(net.opt, "use_bf16_packed"):  # not in releases of 2025
            net.opt.use_bf16_packed = False
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = half
        files = write_ncnn(graph)
        for name, content in zip(FILES, (files.parameters.encode(), files.weights)):
            with open(name, "wb") as file:
                file.write(content)
        if net.load_param(FILES[0]) != 0 or net.load_model(FILES[1]) != 0:
            raise RuntimeError("ncnn does not load the network; it says above why")
        for name in FILES:
            os.remove(name)
        self._net, self._shape, self._options = net, graph.out_shape, dict(options)
        # A copy of ncnn's own: it crashes where a layer works in place on memory that is not.
        self._input = self.library.Mat(np.ascontiguousarray(graph.input[0])).clone()
        self._nodes = files.nodes

    def run(self) -> None:
        """Run all layers; the output is a new tensor of ncnn's own."""
        status, self._output = self._extractor().extract(OUTPUT)
        self._check(status)

    def _extractor(self) -> Any:
        extractor = self._net.create_extractor()
        extractor.input(INPUT, self._input)
        return extractor

    @staticmethod
    def _check(status: int) -> None:
        if status == NO_MEMORY:
            raise OutOfMemory("ncnn has not enough memory")
        if status != 0:
            raise RuntimeError(f"ncnn's extract returned {status}")

    def clear(self) -> None:
        """Let go of the last run's output, so that it is not taken for the next one's."""
        self._output = None

    def output(self) -> np.ndarray[Any, Any]:
        """Return the output."""
        return np.array(self._output, np.float32).reshape(self._shape)

    def another(self, build: Callable[[Backend], None]) -> Backend:
        """Return the same net, of which several threads may have extractors at once."""
        return copy(self)

    def kernels(self) -> dict[str, Any]:
        """Return the layers with the options that were on: ncnn does not say what it chose."""

        def used(kind: str, node: Node | None) -> str:
            names = ["winograd", "sgemm", "packing"] if kind == "Convolution" else ["packing"]
            options = "+".join(name for name in names if self._options[name]) or "plain"
            integers = node is not None and node.quantised is not None
            return f"int8 {options}" if integers else options

        layers = [layer for layer in self._net.layers() if layer.type != "Input"]
        runs = [self._time_layers(layers) for _ in range(PROFILED_RUNS)]
        nodes = [
            {
                "node": layer.type,
                "kernel": used(layer.type, node),
                "layers": [] if node is None else [node.name],
                "seconds": least,
            }
            for layer, node, least in zip(layers, self._nodes, map(min, zip(*runs)))
        ]
        return implementation("inferred", "options that were on", nodes, "outputs")

    def _time_layers(self, layers: Any) -> list[float]:
        """Return the seconds of each layer in a run that asks for one output after the other.

        Asking runs what has not been computed yet, one layer, and copies its output in the layout
        that it has; asking again only copies, so that much is taken off.
        """
        extractor, seconds = self._extractor(), []
        for layer in layers:
            taken = []
            for _ in range(2):
                output = self.library.Mat()
                start = time.perf_counter()
                status = extractor.extract(layer.tops[0], output, 1)
                taken.append(time.perf_counter() - start)
                self._check(status)
                del output  # a layer that works in place would copy what is still in use
            seconds.append(max(taken[0] - taken[1], 0.0))
        return seconds


def _refuse_groups_in_int8(graph: Graph) -> None:
    """Raise NotSupported for groups of several channels: they have one scale for each group."""
    for node in graph.nodes:
        if node.quantised is not None and node.operator == "conv" and node.point.groups > 1:
            raise NotSupported(
                f"ncnn: {node.name} has {node.point.groups} groups, and in int8 a scale for each "
                "group, not for each channel"
            )
