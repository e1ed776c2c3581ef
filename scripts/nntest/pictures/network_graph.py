"""A network's graph: a still, or a page to click at.

Graphviz lays it out, from the wheel of pygraphviz, which brings it along.  Nodes that follow one
another without a branch stand below each other in one table, a block of layers in one frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nntest.domain.blocks import blocks, name_in_block
from nntest.domain.drawn_nodes import DrawnNode, drawn_nodes
from nntest.domain.graph_nodes import GraphNode, share
from nntest.domain.networks import Network
from nntest.errors import UserError
from nntest.pictures.style import FAINT, FONTS, INK, WARNING

ENDINGS = (".svg", ".png", ".html")

_HERE = Path(__file__).parent
_MEASURED, _NOT_COVERED, _ESSENTIAL = "#cfe3f2", "#fae0b0", "#f2bca6"
_OPERATIONS, _BYTES = "#0072B2", "#E69F00"
_BAR = 54
"""Points of the longest bar."""
_LONGEST = 56
"""Characters of a name or tensor; what is longer is in the tooltip, whole."""
_ROOM = "&#160;&#160;"
"""Behind a text: its width is that of another machine's fonts."""
_PNG_PIXELS = 30_000
"""Of the longer side of a PNG: what viewers show."""


def draw_network(network: Network, path: Path) -> None:
    """Write the graph to an SVG, PNG or HTML file, by the ending of its name.

    Raises `UserError` for another ending, or if the file cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: no picture ends so", f"one of {', '.join(ENDINGS)}")
    picture = _Picture(network)
    if path.suffix == ".html":
        content = picture.page().encode()
    else:
        svg = picture.svg()
        content = svg.encode() if path.suffix == ".svg" else _png(svg)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


@dataclass(frozen=True)
class _Entry:
    """A node in the list of a page."""

    place: int
    shown: DrawnNode
    block: str
    operations: str
    size: str


class _Picture:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._nodes = drawn_nodes(network)
        self._blocks = blocks([shown.node.name for shown in self._nodes])
        self._readers: list[list[int]] = [[] for _ in self._nodes]
        for place, shown in enumerate(self._nodes):
            for source in shown.reads:
                self._readers[source].append(place)

    def svg(self) -> str:
        """The graph as SVG, each node with a tooltip and a link to its entry on the page."""
        import pygraphviz  # a tenth of a second

        graph = pygraphviz.AGraph(directed=True, strict=False)
        font = FONTS[0]
        graph.graph_attr.update(
            fontname=font, fontsize=11, label=self._heading(), labelloc="t", labeljust="l",
            ranksep=0.28, nodesep=0.3, bgcolor="white", tooltip=" ",
        )  # fmt: skip
        graph.node_attr.update(shape="plain", fontname=font, fontsize=10, fontcolor=INK)
        graph.edge_attr.update(color=FAINT, arrowsize=0.6, tooltip=" ")
        tables = self._tables()
        table_of = {place: table[0] for table in tables for place in table}
        for table in tables:
            graph.add_node(table[0], label=self._table(table))
        for number, (block, members) in enumerate(groupby(tables, lambda t: self._blocks[t[0]])):
            if block:
                graph.add_subgraph(
                    [table[0] for table in members], name=f"cluster_{number}",
                    label=_shortened(block), labeljust="l", color="#b8bcc2", style="rounded",
                    fontcolor=FAINT, fontsize=10, tooltip=block,
                )  # fmt: skip
        for place, shown in enumerate(self._nodes):
            for source in shown.reads:
                if table_of[source] != table_of[place]:
                    graph.add_edge(table_of[source], table_of[place])
        with _without_font_warnings():
            drawn: bytes = graph.draw(format="svg", prog="dot")
        return drawn.decode()

    def page(self) -> str:
        """The graph beside a list of its nodes: a click on a node shows its entry."""
        environment = Environment(
            loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        svg = self.svg()
        entries = [
            _Entry(place, shown, self._blocks[place], _operations(shown), _size(shown.node))
            for place, shown in enumerate(self._nodes)
        ]
        return environment.get_template("network_graph.html.j2").render(
            network=self._network, entries=entries, about=self._about(),
            svg=Markup(svg[svg.index("<svg") :]),
            colours={"measured": _MEASURED, "not covered": _NOT_COVERED, "essential": _ESSENTIAL},
        )  # fmt: skip

    def _tables(self) -> list[list[int]]:
        """Places of nodes that stand below each other: a block's, without a branch between."""
        found: list[list[int]] = []
        for place, shown in enumerate(self._nodes):
            before = place - 1
            goes_on = (
                shown.reads == (before,)
                and self._readers[before] == [place]
                and self._blocks[before] == self._blocks[place]
            )
            if goes_on:
                found[-1].append(place)
            else:
                found.append([place])
        return found

    # -- texts -----------------------------------------------------------------------------

    def _about(self) -> str:
        """What is drawn of the network, and what is not."""
        network, nodes = self._network, self._network.nodes
        text = (
            f"{len(network.layers)} layers, {network.macs / 1e6:.4g} million multiply-accumulates"
        )
        missing = [node for node in nodes if node.fate == "not covered"]
        if missing:
            text += f"; {len(missing)} nodes not covered{share(missing, nodes)}"
        hidden = len(network.labels("free", "constant"))
        if hidden:
            text += f"; {hidden} free or constant nodes are not drawn"
        return text

    def _heading(self) -> str:
        kinds = [("measured", _MEASURED)]
        if any(node.fate == "not covered" for node in self._network.nodes):
            kinds.append(("not covered", _NOT_COVERED))
        if any(node.essential for node in self._network.nodes):
            kinds.append(("not covered, and much work", _ESSENTIAL))
        kinds += [("operations", _OPERATIONS), ("bytes", _BYTES)]
        key = "&#160; ".join(
            f'<FONT COLOR="{colour}" POINT-SIZE="15">\N{BLACK SQUARE}</FONT> {name}'
            for name, colour in kinds
        )
        return (
            '<<TABLE BORDER="0" CELLSPACING="2"><TR><TD ALIGN="LEFT">'
            f'<B><FONT POINT-SIZE="14">{escape(self._network.name)}</FONT></B></TD></TR>'
            f'<TR><TD ALIGN="LEFT"><FONT COLOR="{FAINT}">{escape(self._about())}</FONT></TD></TR>'
            f'<TR><TD ALIGN="LEFT">{key}</TD></TR></TABLE>>'
        )

    def _table(self, places: Sequence[int]) -> str:
        rows = "".join(map(self._row, places))
        return (
            f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3" COLOR="{FAINT}">'
            f"{rows}</TABLE>>"
        )

    def _row(self, place: int) -> str:
        shown, block = self._nodes[place], self._blocks[place]
        node = shown.node
        colour = _MEASURED
        if node.fate == "not covered":
            colour = _ESSENTIAL if node.essential else _NOT_COVERED
        name = _shortened(name_in_block(node.name, block)) or node.kind
        link = f'BGCOLOR="{colour}" HREF="#node-{place}" TOOLTIP="{escape(_tooltip(shown))}"'
        fully = f'<FONT COLOR="{WARNING}">{escape(name)}</FONT>' if node.essential else escape(name)
        cells = [
            f'<TD {link} ALIGN="LEFT">{fully}{_ROOM}</TD>',
            f'<TD {link} ALIGN="LEFT">{escape(_what(shown))}{_ROOM}</TD>',
            _bar(shown.operations, self._most_operations, _operations(shown), _OPERATIONS),
            _bar(node.bytes, self._most_bytes, _size(node), _BYTES),
        ]
        return f"<TR>{''.join(cells)}</TR>"

    @cached_property
    def _most_operations(self) -> int:
        return max([shown.operations or 0 for shown in self._nodes], default=0)

    @cached_property
    def _most_bytes(self) -> int:
        return max([shown.node.bytes or 0 for shown in self._nodes], default=0)


def _what(shown: DrawnNode) -> str:
    """What a node is measured as; its kind if it is not, with what is folded into it."""
    if shown.layer is None:
        return _shortened(" + ".join([shown.node.kind, *shown.folded]))
    return _shortened(f"{shown.layer.species} {shown.layer.as_run.name}")


def _tooltip(shown: DrawnNode) -> str:
    lines = [shown.node.label]
    if shown.layer is not None:
        lines.append(f"measured as {shown.layer.species} {shown.layer.as_run.name}")
    else:
        lines.append(f"not covered: {shown.node.reason}")
    if shown.folded:
        lines.append(f"with {', '.join(shown.folded)}")
    return "\n".join([*lines, f"{_operations(shown)}, {_size(shown.node)}"])


def _operations(shown: DrawnNode) -> str:
    return "? Mop" if shown.operations is None else f"{_number(shown.operations / 1e6)} Mop"


def _size(node: GraphNode) -> str:
    return "? KiB" if node.bytes is None else f"{_number(node.bytes / 1024)} KiB"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bar(value: int | None, most: int, text: str, colour: str) -> str:
    """A cell with a number and a bar of its length."""
    length = round(_BAR * (value or 0) / most) if most else 0
    filled = f'<TD WIDTH="{length}" HEIGHT="4" BGCOLOR="{colour}"></TD>' if length else ""
    rest = f'<TD WIDTH="{_BAR - length}" HEIGHT="4"></TD>' if length < _BAR else ""
    bar = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>'
    return (
        '<TD><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'<TR><TD ALIGN="RIGHT"><FONT POINT-SIZE="9">{text}</FONT></TD></TR>'
        f"<TR><TD>{bar}{filled}{rest}</TR></TABLE></TD></TR></TABLE></TD>"
    )


def _shortened(text: str) -> str:
    """A text's end where it is too long: what tells names apart stands there."""
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"


def _png(svg: str) -> bytes:
    """A still of twice the SVG's size, or less if it would be too large for viewers."""
    head = svg[svg.index("<svg") : svg.index(">", svg.index("<svg"))]
    points = max(float(part.split("pt")[0]) for part in _sizes(head))
    scale = min(2.0, _PNG_PIXELS / (points * 96 / 72))
    return bytes(vl_convert.svg_to_png(svg, scale=scale))


def _sizes(head: str) -> Iterator[str]:
    for name in ("width", "height"):
        yield head.partition(f'{name}="')[2]


@contextmanager
def _without_font_warnings() -> Iterator[Any]:
    """What the wheel's Fontconfig says of the system's newer configuration is nobody's concern.

    It writes to the process's standard error itself.
    """
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield None
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
