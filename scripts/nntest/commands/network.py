"""`nntest network`: what becomes of a network, layer by layer and node by node; needs no board."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from nntest.commands.options import Commands, add_command, columns
from nntest.config.load import load_network
from nntest.config.network import OnnxFile, TfliteFile
from nntest.domain.graph_nodes import RUNNING, Fate, GraphNode, Share, leave_out_line, share
from nntest.domain.networks import Network
from nntest.domain.traffic import TrafficModel, Work, tensor_work, total_work
from nntest.errors import UserError
from nntest.pictures.network_graph import draw_network

_EXAMPLES = """\
examples:
  nntest network model.onnx
  nntest network model.onnx --input x=1,3,480,640
  nntest network model.onnx --nodes
  nntest network model.tflite --draw graph.html
  nntest network config/networks/mobilenet-v1-1.0-224.yaml
"""

_DATA_TYPE = "fp32"
_TRAFFIC: TrafficModel = "weights-and-activations"


def add_to(commands: Commands) -> None:
    """Describe the command."""
    text = "print a network's layers, and what becomes of each node of its file; draw its graph"
    command = add_command(commands, "network", text, text, _EXAMPLES)
    command.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="an ONNX or TFLite file, or a file of config/networks/",
    )
    command.add_argument(
        "--input",
        type=_input,
        action="append",
        default=[],
        metavar="NAME=SIZES",
        help="sizes of an input that the ONNX file leaves open, e.g. x=1,3,480,640",
    )
    command.add_argument(
        "--nodes",
        action="store_true",
        help="with the operator onnx: nodes that no other operator computes, of an ONNX file or of "
        "a family's graph, are measured each as a model of its own, or with those that it is fused "
        "with by ONNX Runtime",
    )
    command.add_argument(
        "--draw",
        type=Path,
        action="append",
        default=[],
        metavar="PICTURE",
        help="draw the graph: a still (.svg, .png), or a page to click at (.html)",
    )
    command.set_defaults(run=_run)


def _input(text: str) -> tuple[str, list[int]]:
    name, _, sizes = text.rpartition("=")
    try:
        given = [int(size) for size in sizes.split(",")]
    except ValueError:
        given = []
    if not name or not given or min(given) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not as x=1,3,480,640")
    return name, given


def _run(arguments: argparse.Namespace) -> int:
    network = _read(arguments.file, dict(arguments.input), arguments.nodes)
    for picture in arguments.draw:
        draw_network(network, picture)
    print("\n".join(_page(network)))
    return 0


def _read(path: Path, inputs: Mapping[str, Sequence[int]], single_nodes: bool) -> Network:
    """The network of a file, with the nodes too that a study would refuse."""
    if path.suffix not in (".yaml", ".yml"):
        if path.suffix != ".tflite":
            return _account_onnx(path, (), inputs, single_nodes)
        _refuse_inputs(path, inputs)
        return _account_tflite(path, ())
    file = load_network(path)
    definition = file.definition
    if isinstance(definition, OnnxFile):
        sizes = {**definition.inputs, **inputs}
        network = _account_onnx(definition.file, definition.leave_out, sizes, single_nodes)
        return replace(network, name=file.name)
    _refuse_inputs(path, inputs)
    if isinstance(definition, TfliteFile):
        network = _account_tflite(definition.file, definition.leave_out)
        return replace(network, name=file.name)
    return file.build(single_nodes=single_nodes)


# Not at the top: importing the formats' packages takes up to half a second.


def _account_onnx(
    path: Path, leave_out: Sequence[str], inputs: Mapping[str, Sequence[int]], single_nodes: bool
) -> Network:
    from nntest.domain.onnx_files.reading import account_onnx

    return account_onnx(path, leave_out, inputs, single_nodes=single_nodes)


def _account_tflite(path: Path, leave_out: Sequence[str]) -> Network:
    from nntest.domain.tflite_files.reading import account_tflite

    return account_tflite(path, leave_out)


def _refuse_inputs(path: Path, inputs: Mapping[str, Sequence[int]]) -> None:
    if inputs:
        raise UserError(
            f"{path}: not from an ONNX file, so there are no inputs to give sizes to",
            "a TFLite file says the sizes of its inputs, a family or a layer list its own",
        )


def _page(network: Network) -> list[str]:
    lines = _layers(network)
    if network.nodes:
        lines += ["", *_nodes(network.nodes), "", *_summary(network)]
    return lines


def _layers(network: Network) -> list[str]:
    """Work of each layer, and of all, on one image."""
    works = [(layer, tensor_work(layer.tensor)) for layer in network.layers]
    total = total_work(work for _, work in works)
    rows = [
        ("layer", "species", "Mop", "KiB", "op/byte", "tensor"),
        *((item.name, item.species, *_work(work), item.as_run.name) for item, work in works),
        (f"all {len(works)}", "", *_work(total), ""),
    ]
    about = f"one image, {_DATA_TYPE}; bytes are weights, input and output of each layer once"
    return [f"{network.name}: {about}", *columns(rows, numbers=(2, 3, 4))]


def _work(work: Work) -> tuple[str, str, str]:
    size = work.bytes_per_image(_DATA_TYPE, _TRAFFIC)
    intensity = work.intensity(_DATA_TYPE, _TRAFFIC) if size else 0.0
    return f"{work.operations / 1e6:.3f}", f"{size / 1024:.1f}", f"{intensity:.2f}"


def _nodes(nodes: Sequence[GraphNode]) -> list[str]:
    """A line for each node that is there when the network runs, and one for each kind of constant.

    Shares are of the work of all nodes that are measured or not covered.
    """
    rows = [("node", "becomes", "% of MACs", "% of bytes", "why")]
    for node in nodes:
        if node.fate != "constant":
            becomes = f"folded into {node.layer}" if node.fate == "folded" else node.fate
            part = share([node], nodes) if node.fate in RUNNING else Share(None, None)
            shares = _percent(node.macs, part.macs), _percent(node.bytes, part.bytes)
            rows.append((node.label, becomes, *shares, node.reason))
    constants = Counter(node.kind for node in nodes if node.fate == "constant")
    for kind, count in constants.most_common():
        rows.append(
            (f"{count} x {kind}", "constant", "", "", "computed when the network is loaded")
        )
    return columns(rows, numbers=(2, 3))


def _percent(work: int | None, part: float | None) -> str:
    if work is None:
        return "?"
    return "" if part is None else f"{100 * part:.2f}"


def _summary(network: Network) -> list[str]:
    """How many nodes became what, with their share of the work that runs."""
    nodes = network.nodes
    about = f", {network.data_type}" if network.data_type else ""
    lines = [f"{len(nodes)} nodes{about}:"]
    for fate in get_args(Fate):
        some = [node for node in nodes if node.fate == fate]
        shares = share(some, nodes) if some and fate in RUNNING else ""
        lines.append(f"  {len(some)} {fate}{shares}")
    unknown = [node.label for node in nodes if node.macs is None or node.bytes is None]
    if unknown:
        lines.append(f"  work not known, and in no share: {', '.join(unknown)}")
    if any(node.essential for node in nodes):
        lines.append(f"a study asks to leave nodes out: {leave_out_line(nodes)}")
    return lines
