"""What reading a network's file has in common, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nntest.domain.git_lfs import refuse_pointer
from nntest.domain.graph_nodes import GraphNode, leave_out_line, share
from nntest.domain.networks import Network
from nntest.errors import UserError


def content_of(path: Path) -> bytes:
    """The bytes of a file; raises `UserError` if it cannot be read, or is a Git LFS pointer."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    refuse_pointer(path, content)
    return content


def usable(path: Path, network: Network) -> Network:
    """A network as it is, if it may stand in a study.

    Raises `UserError` without any layer, and for essential nodes that no operator computes: one
    message names them all.
    """
    essential = [node for node in network.nodes if node.essential]
    if not network.layers:
        raise UserError(f"{path}: has no node that an operator computes{_by_reason(network.nodes)}")
    if essential:
        raise UserError(
            f"{path}: no operator computes {len(essential)} of its {len(network.nodes)} nodes"
            f"{share(essential, network.nodes)}{_by_reason(essential)}",
            "to leave them out of the network and of its estimate: "
            f"{leave_out_line(network.nodes)}",
        )
    return network


def refuse_unknown(path: Path, leave_out: Iterable[str], names: Iterable[str]) -> None:
    """Raise `UserError` if a node is to be left out that is not there."""
    unknown = set(leave_out) - set(names)
    if unknown:
        raise UserError(f"{path}: `leave_out` names '{min(unknown)}', but it has no such node")


def _by_reason(nodes: Iterable[GraphNode]) -> str:
    """A line for each reason, with the nodes that it is true of."""
    reasons: dict[str, list[str]] = {}
    for node in nodes:
        if node.reason:
            reasons.setdefault(node.reason, []).append(node.label)
    return "".join(f"\n  {reason}: {', '.join(labels)}" for reason, labels in reasons.items())
