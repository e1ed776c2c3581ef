"""What the project's writer writes is read back as the network that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from domain.tflite_files.tflite_models import written
from hypothesis import given
from hypothesis import strategies as st
from nntest.config.load import load_network
from nntest.domain.families.building import Building
from nntest.domain.graph_nodes import RUNNING
from nntest.domain.graph_steps import Step
from nntest.domain.networks import Network
from nntest.domain.tensor_suffixes import ACTIVATIONS, NO_ACTIVATION
from nntest.domain.tflite_files.reading import account_tflite

NETWORKS = Path(__file__).parents[3] / "config" / "networks"
LARGE = ("mobilenet-v3-small-224", "squeezenet-1.1", "resnet-18")
FAMILIES = [
    *("mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"),
    *(pytest.param(name, marks=pytest.mark.slow("compute large networks")) for name in LARGE),
]
IN_INT8 = [name for name in ACTIVATIONS if name != "hard-sigmoid"]
"""Activations that the writer has in int8."""


def plain(steps: tuple[Step, ...]) -> list[tuple[Any, ...]]:
    """Steps as they are numbered, whatever their names; an activation of a layer is in it."""
    numbers = {"": -1, **{step.name: index for index, step in enumerate(steps)}}
    return [
        (step.kind, step.tensor, step.activation, [numbers[name] for name in step.inputs])
        for step in steps
    ]


def assert_the_same(read: Network, original: Network) -> None:
    assert plain(read.as_steps) == plain(original.as_steps)
    layers = [(layer.as_run, layer.macs) for layer in read.layers]
    assert layers == [(layer.as_run, layer.macs) for layer in original.layers]
    measured = [node for node in read.nodes if node.fate == "measured"]
    assert [node.macs for node in measured] == [layer.macs for layer in read.layers]
    assert read.macs == original.macs
    for node in read.nodes:
        assert (node.fate in RUNNING) == bool(node.bytes)
        assert bool(node.reason) == (node.fate == "not covered")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_read_back(name: str, tmp_path: Path) -> None:
    original = load_network(NETWORKS / f"{name}.yaml").build()
    assert_the_same(account_tflite(written(tmp_path, original.as_steps)), original)


class Drawn:
    """A network that grows by steps that are drawn."""

    def __init__(self, draw: Any, activations: list[str]) -> None:
        self.draw = draw
        self.activations = activations
        size = draw(st.integers(4, 9))
        self.net = Building(size, draw(st.integers(2, 5)))
        self._numbers = iter(range(100))

    def name(self) -> str:
        return f"step{next(self._numbers)}"

    def activation(self) -> str:
        return str(self.draw(st.sampled_from([NO_ACTIVATION, *self.activations])))

    def conv(self) -> None:
        kernel = self.draw(st.integers(1, 3))
        self.net.conv(
            self.name(), self.draw(st.integers(2, 5)), kernel, self.draw(st.integers(1, 2)),
            activation=self.activation(), bias=True,
            pad=self.draw(st.sampled_from([None, 0, 1, 2]) if self.size >= kernel else st.just(1)),
        )  # fmt: skip

    def depthwise(self) -> None:
        kernel, stride = self.draw(st.sampled_from([3, 5])), self.draw(st.integers(1, 2))
        self.net.depthwise(self.name(), kernel, stride, self.activation())

    def max_pool(self) -> None:
        if self.size >= 3:
            sides = st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1)])
            self.net.max_pool(self.name(), 3, self.draw(st.integers(1, 2)), self.draw(sides))

    def residual(self) -> None:
        before = self.net.last
        same = self.net.conv(self.name(), self.net.channels, activation="relu", bias=True)
        kind = self.draw(st.sampled_from(["add", "mul", "concat"]))
        self.net.join(self.name(), kind, *([same, before] if before else [same, same]))
        if kind != "concat" and self.draw(st.booleans()):
            self.net.activation(self.name(), "relu")

    def squeeze_and_excite(self) -> None:
        before = self.net.conv(self.name(), self.net.channels, bias=True)
        self.net.mean(self.name())
        gate = self.net.conv(self.name(), self.net.channels, activation="hard-sigmoid", bias=True)
        self.net.join(self.name(), "mul", before, gate)

    @property
    def size(self) -> int:
        return self.net.shapes[self.net.last][1]

    def end(self) -> Network:
        if self.draw(st.booleans()):
            self.net.fully_connected(self.name(), self.draw(st.integers(2, 6)))
            if self.draw(st.booleans()):
                self.net.softmax(self.name())
        return self.net.network("net")


@st.composite
def networks(draw: Any, *, chain: bool = False) -> Network:
    made = Drawn(draw, IN_INT8 if chain else list(ACTIVATIONS))
    made.conv()
    steps = [made.conv, made.depthwise, made.max_pool]
    steps += [] if chain else [made.residual, made.squeeze_and_excite]
    for step in draw(st.lists(st.sampled_from(steps), max_size=5)):
        step()
    return made.end()


@given(original=networks())
def test_any_network_of_ours_is_read_back(
    original: Network, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("written"), original.as_steps)
    network = account_tflite(path)
    assert network.data_type == "fp32"
    assert_the_same(network, original)


@given(original=networks(chain=True))
def test_any_chain_of_ours_in_int8_is_read_back(
    original: Network, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("written"), original.as_steps, "int8")
    network = account_tflite(path)
    assert network.data_type == "int8"
    assert_the_same(network, original)
