"""`nntest network`, as a user calls it."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest
from commands.command_line import nntest
from domain.onnx_files.onnx_models import constant, node, weights, write
from domain.tflite_files.tflite_models import PADS, padded
from nntest.config.load import load_network

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With net.onnx, that has a node of every fate and an open width, and mine.yaml."""
    nodes = [
        node("Conv", "x w", "conv"),
        node("Relu", "conv", "relu"),
        node("Conv", "relu g", "grouped", group=2),
        node("Add", "grouped grouped", "sum"),
        node("Shape", "sum", "shape"),
        node("Slice", "shape zero one", "batch"),
        node("Concat", "batch rest", "sizes", axis=0),
        node("Reshape", "sum sizes", "row"),
        node("Mystery", "row", "end", domain="mine"),
    ]
    constants = [
        weights("w", 4, 3, 3, 3), weights("g", 4, 2, 1, 1),
        constant("zero", [0]), constant("one", [1]), constant("rest", [-1]),
    ]  # fmt: skip
    write(tmp_path / "net.onnx", nodes, constants, ("n", 3, 8, "width"), domains=("mine",))
    (tmp_path / "mine.yaml").write_text(
        "definition:\n  family: onnx\n  file: net.onnx\n"
        "  inputs: {x: [1, 3, 8, 10]}\n  leave_out: [/grouped]\n",
        encoding="utf-8",
    )
    return tmp_path


PAGE = """\
net: one image, fp32; bytes are weights, input and output of each layer once
layer  species    Mop  KiB  op/byte  tensor
/conv  conv     0.010  2.1     4.80  3-8-10-3-4-1-0+relu
all 1           0.010  2.1     4.80

node             becomes            % of MACs  % of bytes  why
/conv (Conv)     measured               93.10       41.03
/relu (Relu)     folded into /conv
/grouped (Conv)  not covered             6.90       29.79  2 groups of 4 channels into 4: grouped, \
not depthwise
/sum (Add)       not covered             0.00       29.18  no operator computes it
/row (Reshape)   free
/end (Mystery)   not covered                ?           ?  no operator computes it
1 x Shape        constant                                  computed when the network is loaded
1 x Slice        constant                                  computed when the network is loaded
1 x Concat       constant                                  computed when the network is loaded

9 nodes, fp32:
  1 measured, with 93.1 % of the multiply-accumulates and 41 % of the bytes
  1 folded
  1 free
  3 constant
  3 not covered, with 6.9 % of the multiply-accumulates and 59 % of the bytes
  work not known, and in no share: /end (Mystery)
a study asks to leave nodes out: leave_out: ["/grouped"]
"""


def test_every_node_is_printed_with_what_becomes_of_it(folder: Path) -> None:
    done = nntest("network", "net.onnx", "--input", "x=1,3,8,10", folder=folder)
    assert done.status == 0
    assert done.stdout == PAGE


def test_a_networks_file_has_its_sizes_and_what_it_leaves_out(folder: Path) -> None:
    done = nntest("network", "mine.yaml", folder=folder)
    assert done.stdout.startswith("mine: one image")
    assert "/grouped (Conv)  not covered" in done.stdout
    assert "left out by the user" in done.stdout
    assert "3-8-10-3-4-1-0+relu" in done.stdout
    assert "a study asks" not in done.stdout
    wider = nntest("network", "mine.yaml", "--input", "x=1,3,8,12", folder=folder)
    assert "3-8-12-3-4-1-0+relu" in wider.stdout


def test_a_generated_network_has_layers_alone() -> None:
    done = nntest("network", PROJECT / "config/networks/mobilenet-v1-1.0-224.yaml")
    assert done.status == 0
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["layer", "species", "Mop", "KiB", "op/byte", "tensor"]
    first = lines[2].split()
    assert first[:3] == ["Conv2d_0", "conv", "21.676"]
    assert first[-1] == "3-224-224-3-32-2-0_1_0_1+relu6"
    # Howard et al. 2017, table 8: 569 million multiply-accumulates; pools are counted here, too.
    assert lines[-1].split()[:3] == ["all", "30", "1137.538"]


def test_open_sizes_are_asked_for(folder: Path) -> None:
    done = nntest("network", "net.onnx", folder=folder)
    assert done.status == 1
    assert "x: n x 3 x 8 x width" in done.stderr
    assert "--input x=1,3,8,width" in done.stderr


@pytest.mark.parametrize("given", ["x", "x=", "=1,3", "x=1,3,width", "x=1,0"])
def test_sizes_that_are_not_sizes(folder: Path, given: str) -> None:
    done = nntest("network", "net.onnx", "--input", given, folder=folder)
    assert done.status == 2
    assert f"argument --input: '{given}' is not as x=1,3,480,640" in done.stderr


def test_a_network_that_is_not_from_a_file_has_no_inputs() -> None:
    path = PROJECT / "config/networks/cnv-100.yaml"
    done = nntest("network", path, "--input", "x=1,3,32,32")
    assert done.status == 1
    assert f"{path}: not from an ONNX file" in done.stderr


def tflite_folder(tmp_path: Path) -> Path:
    """With net.tflite, and lite.yaml beside it."""
    model = padded(PADS, "conv")
    model.add("TANH", "conv", "end", (1, 9, 7, 6))
    model.write(tmp_path)
    (tmp_path / "lite.yaml").write_text(
        "definition: {family: tflite, file: net.tflite, leave_out: [end]}\n", encoding="utf-8"
    )
    return tmp_path


def test_a_tflite_file(tmp_path: Path) -> None:
    folder = tflite_folder(tmp_path)
    done = nntest("network", "net.tflite", folder=folder)
    assert done.status == 0
    assert "4-8-8-3-6-1-1_2_0_1" in done.stdout
    assert "padded (PAD)    folded into conv" in done.stdout
    assert "3 nodes, fp32:" in done.stdout
    named = nntest("network", "lite.yaml", folder=folder)
    assert named.stdout.startswith("lite: one image")
    assert "left out by the user" in named.stdout
    assert load_network(folder / "lite.yaml").build().layers[0].name == "conv"


def test_the_graph_is_drawn(tmp_path: Path) -> None:
    folder = tflite_folder(tmp_path)
    done = nntest("network", "net.tflite", "--draw", "a.svg", "--draw", "a.html", folder=folder)
    assert done.status == 0 and done.stderr == ""
    assert "4-8-8-3-6-1-1_2_0_1" in unescape((folder / "a.svg").read_text("utf-8"))
    assert (folder / "a.html").exists()
    refused = nntest("network", "net.tflite", "--draw", "a.gif", folder=folder)
    assert refused.status == 1
    assert "a.gif: no picture ends so" in refused.stderr


@pytest.mark.parametrize("name", ["net.tflite", "lite.yaml"])
def test_a_tflite_file_has_its_sizes(tmp_path: Path, name: str) -> None:
    done = nntest("network", name, "--input", "x=1,8,8,4", folder=tflite_folder(tmp_path))
    assert done.status == 1
    assert f"{name}: not from an ONNX file" in done.stderr
    assert "a TFLite file says the sizes of its inputs" in done.stderr


@pytest.mark.parametrize("name", ["none.onnx", "none.yaml", "none.tflite"])
def test_a_file_that_is_not_there(folder: Path, name: str) -> None:
    done = nntest("network", name, folder=folder)
    assert done.status == 1
    assert name in done.stderr


def test_nodes_of_their_own_are_layers(folder: Path) -> None:
    status, output, _ = nntest("network", folder / "net.onnx", "--input", "x=1,3,8,10", "--nodes")
    assert status == 0
    tensors = {line.split()[0]: line.split()[-1] for line in output.splitlines()[2:5]}
    assert tensors["/grouped"] == "Conv@11:1x4x6x8,=4x2x1x1;group=2"
    assert tensors["/sum"] == "Add@14:1x4x6x8,1x4x6x8"
    assert "nor a model of its own: it is of the domain mine, not of ONNX" in output


def test_a_family_with_branches_has_all_its_nodes() -> None:
    file = str(PROJECT / "config" / "networks" / "mobilenet-v2-0.35-96.yaml")
    done = nntest("network", file)
    assert "expanded_conv_2/add (Add)" in done.stdout
    assert "  10 not covered, with 0 % of the multiply-accumulates and" in done.stdout
    single = nntest("network", file, "--nodes")
    assert "Add@14:1x8x24x24,1x8x24x24" in single.stdout
    assert "  0 not covered" in single.stdout
