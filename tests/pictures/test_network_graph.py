"""Pictures of networks' graphs."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from domain.tflite_files.tflite_models import Model
from nntest.config.load import load_network
from nntest.domain.drawn_nodes import drawn_nodes
from nntest.domain.networks import Layer, Network
from nntest.domain.tensors import Tensor
from nntest.domain.tflite_files.reading import account_tflite
from nntest.errors import UserError
from nntest.pictures.network_graph import draw_network

NETWORKS = Path(__file__).parents[2] / "config" / "networks"


@pytest.fixture(scope="module")
def resnet() -> Network:
    return load_network(NETWORKS / "resnet-18.yaml").build()


def svg_of(network: Network, folder: Path) -> str:
    path = folder / "graph.svg"
    draw_network(network, path)
    return path.read_text("utf-8")


def test_each_node_is_drawn_with_its_work_and_a_link(resnet: Network, tmp_path: Path) -> None:
    svg = svg_of(resnet, tmp_path)
    ElementTree.fromstring(svg)
    linked = set(re.findall(r'href="#node-(\d+)"', svg))
    assert len(linked) == len(drawn_nodes(resnet))
    for text in ("layer4.1", "236 Mop", "conv 3-224-224-7-64-2-3+relu", "16 nodes not covered"):
        assert text in unescape(svg)


def test_edges_join_tables_of_nodes(resnet: Network, tmp_path: Path) -> None:
    # A block: the convolutions, the downsampling one, the sum with what is behind it.
    svg = svg_of(resnet, tmp_path)
    tables = svg.count('class="node"')
    assert tables == 1 + 8 + 3 + 8 + 1
    # Two edges into each sum, two into each block of which a convolution downsamples, else one.
    assert svg.count('class="edge"') == 8 * 2 + 8 + 3 + 1


def test_a_page_has_an_entry_for_each_node_and_loads_nothing(
    resnet: Network, tmp_path: Path
) -> None:
    path = tmp_path / "graph.html"
    draw_network(resnet, path)
    page = path.read_text("utf-8")
    HTMLParser().feed(page)
    nodes = range(len(drawn_nodes(resnet)))
    assert all(f'<tr id="node-{place}"' in page for place in nodes)
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#)', page.replace('xlink:href="#', '"#'))


def test_a_still_is_of_pixels(resnet: Network, tmp_path: Path) -> None:
    path = tmp_path / "graph.png"
    draw_network(resnet, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_odd_names_are_no_markup(tmp_path: Path) -> None:
    layer = Layer('<b>&"quoted"</b>' + "x" * 100, Tensor("softmax", (5, 1, 1)), 0)
    network = Network("<i>odd</i>", (layer,))
    svg = svg_of(network, tmp_path)
    ElementTree.fromstring(svg)
    assert "&lt;i&gt;odd&lt;/i&gt;" in svg
    draw_network(network, tmp_path / "graph.html")
    assert "<b>" not in (tmp_path / "graph.html").read_text("utf-8")


def test_what_is_not_covered_and_of_unknown_work(tmp_path: Path) -> None:
    model = Model((1, 8, 8, 4))
    model.weights("half", 6, 3, 3, 2)
    model.window("CONV_2D", "x half", "grouped", (1, 6, 6, 6))
    model.add("Mystery", "grouped", "end", (1, 6, 6, 6))
    svg = svg_of(account_tflite(model.write(tmp_path)), tmp_path)
    assert "not covered, and much work" in svg
    assert "? Mop" in svg


@pytest.mark.parametrize(
    ("name", "said"), [("graph.pdf", "no picture ends so"), ("none/graph.svg", "cannot be written")]
)
def test_a_picture_that_cannot_be(resnet: Network, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        draw_network(resnet, tmp_path / name)


def test_the_wheels_fontconfig_says_nothing(
    resnet: Network, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    svg_of(resnet, tmp_path)
    assert capfd.readouterr().err == ""
