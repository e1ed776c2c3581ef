"""Sizes that an ONNX file leaves open: given by the user, or asked for in one message."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import onnx

from nntest.domain.network_files import content_of
from nntest.domain.onnx_files.model_file import parse, subgraphs
from nntest.errors import UserError

Sizes = Mapping[str, Sequence[int]]
"""All dimensions of an input, by its name."""

_Dimensions = Sequence[int | str]
"""Sizes; where one is open, the name that the file gives it."""

_NO_NAMES = ("", "?", "none", "unknown")
"""What exporters write where a dimension has no name: two of them need not be equal."""


def fix_sizes(path: Path, model: onnx.ModelProto, given: Sizes) -> None:
    """Give every dimension of the inputs of a model a size.

    An open dimension gets the size that is given, that of a dimension of the same name, or 1 if it
    is an input's first, the batch.  Raises `UserError` if another stays open, or if the given
    sizes contradict the file.
    """
    inputs = {value.name: value for value in network_inputs(model)}
    declared = {name: _dimensions(value) for name, value in inputs.items()}
    for name in given:
        if name not in inputs:
            raise UserError(
                f"{path}: `inputs` names '{name}', but it has no such input",
                f"it has {', '.join(_described(*item) for item in declared.items())}",
            )
        _check(path, name, declared[name], given[name])
    known = {
        dimension: size
        for name, sizes in given.items()
        for dimension, size in zip(declared[name] or (), sizes, strict=False)
        if isinstance(dimension, str) and _is_name(dimension)
    }
    batches = (dimensions[0] for dimensions in declared.values() if dimensions)
    for batch in batches:
        if isinstance(batch, str) and _is_name(batch):
            known.setdefault(batch, 1)
    fixed = {
        name: given[name] if name in given else _filled(dimensions, known)
        for name, dimensions in declared.items()
    }
    if any(sizes is None or any(isinstance(n, str) for n in sizes) for sizes in fixed.values()):
        raise _sizes_are_open(path, declared, fixed)
    for name, sizes in fixed.items():
        tensor = inputs[name].type.tensor_type
        made = onnx.helper.make_tensor_type_proto(tensor.elem_type, sizes)
        tensor.CopyFrom(made.tensor_type)


def input_names(path: Path) -> list[str]:
    """The names of a file's inputs; `UserError` if it cannot be read."""
    return [value.name for value in network_inputs(parse(path, content_of(path)))]


def network_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """The tensors that a user hands to a network: no weights, and nothing that no node reads."""
    graph = model.graph
    weights = {item.name for item in graph.initializer}
    weights |= {item.values.name for item in graph.sparse_initializer}
    read = set(read_by(graph.node))
    return [
        value
        for value in graph.input
        if value.name in read - weights and value.type.HasField("tensor_type")
    ]


def read_by(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    """The values that nodes read, those inside of them too."""
    for node in nodes:
        yield from node.input
        for graph in subgraphs(node):
            yield from read_by(graph.node)
            yield from (value.name for value in graph.output)


def _dimensions(value: onnx.ValueInfoProto) -> _Dimensions | None:
    """The dimensions of an input as the file has them; None if it does not say how many."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return [
        item.dim_value if item.HasField("dim_value") and item.dim_value > 0 else item.dim_param
        for item in tensor.shape.dim
    ]


def _is_name(dimension: str) -> bool:
    return dimension.lower() not in _NO_NAMES


def _check(path: Path, name: str, declared: _Dimensions | None, given: Sequence[int]) -> None:
    if declared is None:
        return
    same = len(declared) == len(given) and all(
        isinstance(ours, str) or ours == theirs
        for ours, theirs in zip(declared, given, strict=True)
    )
    if not same:
        raise UserError(
            f"{path}: `inputs` gives {name} {_text(given)}, but the file says {_text(declared)}",
            "give as many dimensions as the file has, and its own sizes where they are fixed",
        )


def _filled(dimensions: _Dimensions | None, known: Mapping[str, int]) -> _Dimensions | None:
    """The dimensions with a size wherever one follows."""
    if dimensions is None:
        return None
    return [
        item if isinstance(item, int) else known.get(item, 1 if place == 0 else item)
        for place, item in enumerate(dimensions)
    ]


def _sizes_are_open(
    path: Path,
    declared: Mapping[str, _Dimensions | None],
    fixed: Mapping[str, _Dimensions | None],
) -> UserError:
    """An error that lists all inputs, with lines to paste that have a word for each open size."""
    lines = [f"  {_described(name, dimensions)}" for name, dimensions in declared.items()]
    paste, options = [], []
    for name, sizes in fixed.items():
        if sizes is not None and all(isinstance(size, int) for size in sizes):
            continue
        words = [_word(*item) for item in enumerate(sizes)] if sizes is not None else ["..."]
        paste.append(f"{json.dumps(name, ensure_ascii=False)}: [{', '.join(words)}]")
        options.append(f"--input {name}={','.join(words)}")
    return UserError(
        "\n".join([f"{path}: sizes of its inputs are open:", *lines]),
        "give numbers for the words in\n"
        f"    inputs: {{{', '.join(paste)}}}\n"
        "  beside `file` in the network's YAML; on the command line of a run\n"
        f"    --config {shlex.quote('inputs={' + ', '.join(paste) + '}')}\n"
        "  and for `nntest network`\n"
        f"    {' '.join(options)}",
    )


def _word(place: int, item: int | str) -> str:
    if isinstance(item, int):
        return str(item)
    word = re.sub(r"\W+", "_", item).strip("_")
    return word if _is_name(word) else f"size{place}"


def _described(name: str, dimensions: _Dimensions | None) -> str:
    return f"{name}: {'no sizes at all' if dimensions is None else _text(dimensions)}"


def _text(sizes: Sequence[int | str]) -> str:
    return " x ".join(str(size) or "?" for size in sizes) or "a scalar"
