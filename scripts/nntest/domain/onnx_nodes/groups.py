"""Nodes of ONNX that are measured together: what a runtime computes as one, or a single node.

The name of a group has those of its nodes, in an order in which they can run, with a bar between::

    Sigmoid@13:1x40x120|Mul@14:#0.0,#0

Every node but the last has one output, which others read; the last one's are the group's.

Needs no `onnx`: archives are read with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nntest.domain.onnx_nodes.names import Operand, Reference, SingleNode
from nntest.errors import UserError

_BETWEEN = "|"


@dataclass(frozen=True)
class NodeGroup:
    """One node or several by what they compute together."""

    nodes: tuple[SingleNode, ...]

    @property
    def name(self) -> str:
        """As it is written."""
        return _BETWEEN.join(node.name for node in self.nodes)

    @property
    def kind(self) -> str:
        """The operators of its nodes: Sigmoid+Mul."""
        return "+".join(node.kind for node in self.nodes)

    @property
    def data(self) -> list[Operand]:
        """The inputs that are no parameters, each once."""
        return [item for item in self._operands() if not item.is_parameter]

    @property
    def parameters(self) -> int:
        """Values of all its parameters."""
        return sum(item.elements for item in self._operands() if item.is_parameter)

    @property
    def data_type(self) -> str:
        """What its floats are: fp32, fp16, fp64, or several with a plus; empty if it has none."""
        kinds = {item.element_type for item in self._operands()}
        return "+".join(f"fp{kind[5:]}" for kind in sorted(kinds) if kind.startswith("float"))

    def _operands(self) -> Iterator[Operand]:
        for node in self.nodes:
            yield from (item for item in node.inputs if isinstance(item, Operand))

    @classmethod
    def parse(cls, name: str) -> NodeGroup:
        """Read a name; raises `UserError`."""
        group = cls(tuple(map(SingleNode.parse, name.split(_BETWEEN))))
        group._check_references()
        return group

    def _check_references(self) -> None:
        """Raise `UserError` for what is not there, and for a node but the last that none reads."""
        read = set()
        for at, node in enumerate(self.nodes):
            for place, item in enumerate(node.inputs):
                if isinstance(item, Reference):
                    self._check(item, at, place)
                    if item.place is None:
                        read.add(item.node)
        for at, node in enumerate(self.nodes[:-1]):
            if at not in read or node.outputs != (True,):
                raise UserError(
                    f"tensor '{self.name}': node {at} is not the last, and what it makes is not "
                    "one output that another node reads"
                )

    def _check(self, item: Reference, at: int, place: int) -> None:
        if item.place is None:
            found = item.node < at
        else:
            found = (item.node, item.place) < (at, place)
            inputs = self.nodes[item.node].inputs if found else ()
            found = found and item.place < len(inputs)
            found = found and isinstance(inputs[item.place], Operand)
        if not found:
            raise UserError(
                f"tensor '{self.name}': '{item.name}' in node {at} is of no node before",
                "#0 is what node 0 makes, #0.1 what its input 1 is; an input refers to the first "
                "that is the same",
            )
