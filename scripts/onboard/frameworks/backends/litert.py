"""LiteRT, which was TensorFlow Lite: XNNPACK, or its own kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue, NotSupported
from integers import far_from
from writers.tflite import model_input, same_pads, to_nchw, to_nhwc, write_tflite

from backends.base import Backend, implementation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph import Graph
    from point import Settings

RESOLVERS = {
    "xnnpack": "BUILTIN",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}


class LiteRT(Backend):
    """The interpreter of the wheel; its output lies in a tensor of its own."""

    name, package, module = "litert", "ai-edge-litert", "ai_edge_litert.interpreter"
    data_types = ("fp32", "int8")
    options = {"kernels": "xnnpack"}
    settings = {
        "NONE": {"kernels": "builtin"},
        "DEFAULT": {},
        "xnnpack": {},
        "builtin": {"kernels": "builtin"},
        "reference": {"kernels": "reference"},
    }

    def build(
        self, graph: Graph, threads: int, options: Mapping[str, Any], settings: Settings
    ) -> None:
        """Write the model, let the interpreter plan it, and put the input in place."""
        if options["kernels"] not in RESOLVERS:
            raise BadValue(f"litert: kernels={options['kernels']!r} is none of {[*RESOLVERS]}")
        self.refuse_dilated(graph, "avgpool", "maxpool")
        _refuse_uneven_means(graph)
        schema = self.import_module("ai_edge_litert.schema_py_generated")
        self._kernels = options["kernels"]
        interpreter = self.library.Interpreter(
            model_content=write_tflite(graph, schema),
            num_threads=threads,
            experimental_op_resolver_type=getattr(
                self.library.OpResolverType, RESOLVERS[options["kernels"]]
            ),
        )
        interpreter.allocate_tensors()
        self._interpreter, self._shape = interpreter, graph.out_shape
        self._tensor = interpreter.tensor(interpreter.get_output_details()[0]["index"])
        self._steps, self._wrong = graph.nodes[-1].out_steps, np.array(np.nan)
        if self._steps is not None:
            right = self._steps.quantise(graph.expected).reshape(graph.nodes[-1].out_dims)
            self._wrong = to_nhwc(far_from(right))
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], model_input(graph))

    def clear(self) -> None:
        """Fill the output's tensor with what is wrong; no view of it may be kept."""
        self._tensor()[...] = self._wrong

    def run(self) -> None:
        """Run the interpreter."""
        self._interpreter.invoke()

    def output(self) -> np.ndarray[Any, Any]:
        """Return a copy of the output."""
        output = to_nchw(np.array(self._tensor())).reshape(self._shape)
        return output if self._steps is None else self._steps.numbers(output)

    def kernels(self) -> dict[str, Any]:
        """Return the nodes that the interpreter runs; what a delegate has taken is one node."""
        ops = self._interpreter._get_ops_details()
        delegates = [op for op in ops if op["op_name"] == "DELEGATE"]
        ran, taken = [], set()
        for delegate in delegates:
            covered = _covered(delegate, ops)
            taken |= {op["index"] for op in covered}
            names = "+".join(op["op_name"] for op in covered)
            ran.append({"node": names, "kernel": "XNNPACK"})
        how = "reference" if self._kernels == "reference" else "builtin"
        for op in ops:
            if op["op_name"] != "DELEGATE" and op["index"] not in taken:
                ran.append({"node": op["op_name"], "kernel": how})
        return implementation("reported", "operator list of the interpreter", ran)


def _covered(delegate: Any, ops: Any) -> list[Any]:
    """Return the operators between a delegate's inputs and its outputs, in order."""
    made_by = {int(t): op for op in ops if op is not delegate for t in op["outputs"]}
    given = {int(t) for t in delegate["inputs"]}
    waiting, found = [int(t) for t in delegate["outputs"]], {}
    while waiting:
        tensor = waiting.pop()
        op = made_by.get(tensor)
        if op is not None and tensor not in given and op["op_name"] != "DELEGATE":
            found[op["index"]] = op
            waiting += [int(t) for t in op["inputs"]]
    return [found[index] for index in sorted(found)]


def _refuse_uneven_means(graph: Graph) -> None:
    """Raise NotSupported for means over the inside of a window that SAME cannot say."""
    for node in graph.nodes:
        if node.operator != "avgpool" or not node.point.exclude_padding:
            continue
        pads = node.point.pads
        if any(pads) and pads != same_pads(node.point):
            raise NotSupported(
                f"litert: {node.name} leaves padding of {tuple(pads)} out of its means; TFLite "
                "does so only with the padding that it calls SAME"
            )
