"""The steps of a file's graph, where all of its nodes are layers, joins and activations of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nntest.domain.graph_steps import INPUT, Step
from nntest.domain.networks import Layer


class StepRecorder:
    """Takes the nodes of a graph in their order."""

    def __init__(self, made: Iterable[str]) -> None:
        """`made`: all values that nodes make."""
        self._made = set(made)
        self._steps: list[Step] = []
        self._step_of: dict[str, str] = {}
        """The step that makes each value, followed through what is folded or free."""
        self._inputs: set[str] = set()
        self._is_foreign = False

    def layer(self, layer: Layer, source: str, outputs: Iterable[str]) -> None:
        """A node that is a layer."""
        self._add(Step(layer.name, layer.species, (self._read(source),), layer.tensor), outputs)

    def same(self, source: str, output: str) -> None:
        """A node that is folded into what makes `source`, or that is free."""
        self._step_of[output] = self._read(source)

    def join(self, name: str, kind: str, sources: Iterable[str], outputs: Iterable[str]) -> None:
        """A node that joins values; `kind` is one of `graph_steps.JOINS`."""
        self._add(Step(name, kind, tuple(map(self._read, sources))), outputs)

    def activation(self, name: str, activation: str, source: str, outputs: Iterable[str]) -> None:
        """An activation on its own."""
        inputs = (self._read(source),)
        self._add(Step(name, "activation", inputs, activation=activation), outputs)

    def foreign(self) -> None:
        """A node that is no step."""
        self._is_foreign = True

    def steps(self, layers: Iterable[Layer]) -> tuple[Step, ...]:
        """All steps, layers with their activations; none if a node is no step, or of two inputs."""
        if self._is_foreign or len(self._inputs) != 1:
            return ()
        activations = {layer.name: layer.activation for layer in layers}
        return tuple(
            replace(step, activation=activations[step.name]) if step.tensor else step
            for step in self._steps
        )

    def _read(self, value: str) -> str:
        if value in self._step_of:
            return self._step_of[value]
        if value in self._made:  # by a node that is no step
            self._is_foreign = True
        self._inputs.add(value)
        return INPUT

    def _add(self, step: Step, outputs: Iterable[str]) -> None:
        self._steps.append(step)
        self._step_of.update(dict.fromkeys((name for name in outputs if name), step.name))
