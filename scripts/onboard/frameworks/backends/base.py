"""What an adapter of a library does: build a graph, run it, give the output, say what ran."""

from __future__ import annotations

import importlib
import os
import sys
from abc import abstractmethod
from importlib import metadata
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
from failures import BadValue, NotSupported
from integers import Integers
from repetitions import Runnable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from graph import Graph
    from model_graph import ModelGraph
    from point import Settings

    Array = np.ndarray[Any, Any]

PROFILED_RUNS = 15
"""Of which each node's least time is taken down: the first ones wait for threads to wake up."""


class Backend(Runnable):
    """A library; an instance measures one graph."""

    name: str
    package: str  # on the Python package index
    module: str  # what is imported
    data_types: tuple[str, ...] = ("fp32",)
    integers = Integers()  # of its activations in int8
    options: Mapping[str, Any] = {}
    """The options that it knows, each with what the library does without it."""
    settings: Mapping[str, Mapping[str, Any]] = {"NONE": {}, "DEFAULT": {}}
    """Options by the tuner's name, where NNTEST_SETTINGS gives none."""
    idle_threads = 0
    """Threads that importing it leaves, and that a forked process can do without."""
    thread_variables: tuple[str, ...] = ()
    """Environment variables that say how many threads the library has."""

    takes_models = False
    """Whether it runs a user's own ONNX model."""
    streams = 1
    """How many requests are to run at once, each with its threads; set before `build`."""

    def __init__(self) -> None:
        """Nothing is imported yet."""
        self.tuning_s = 0.0
        self.tuning: dict[str, Any] = {}
        self.library: Any = None

    def take_options(self, chosen: Mapping[str, Any], count: int) -> dict[str, Any]:
        """Return all options, and set the environment variables among ``chosen``.

        Called before the library is imported: `env:OMP_WAIT_POLICY` sets that variable.  Raises
        NotSupported for an option that the library does not have, BadValue for a value of another
        type.
        """
        options = dict(self.options)
        for name in self.thread_variables:
            os.environ.setdefault(name, str(count))
        for name, value in chosen.items():
            if name.startswith("env:"):
                os.environ[name[len("env:") :]] = str(value)
            elif name not in options and not self.takes(name):
                known = ", ".join([*options, "env:VARIABLE"])
                raise NotSupported(f"{self.name} has no option {name!r}; it has {known}")
            elif name in options and type(options[name]) is not type(value):
                wanted = type(options[name]).__name__
                raise BadValue(f"{self.name}: option {name}={value!r} is not of type {wanted}")
            options[name] = value
        return options

    def takes(self, name: str) -> bool:
        """Return whether ``name`` is one of the library's own keys, handed on as it is."""
        return False

    def load(self) -> None:
        """Import the library; raises NotSupported where it is not there."""
        try:
            self.library = self.import_module(self.module)
        except ImportError as error:
            raise NotSupported(
                f"{self.name} cannot be imported ({error}); 'pip install {self.package}' for "
                f"{sys.executable}"
            ) from None

    @staticmethod
    def import_module(name: str) -> ModuleType:
        """Import one of the library's modules."""
        return importlib.import_module(name)

    def version(self) -> str:
        """Return the version of the package that is installed."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return str(getattr(self.library, "__version__", "unknown"))

    def refuse_dilated(self, graph: Graph, *operators: str) -> None:
        """Raise NotSupported for nodes of ``operators``, kinds of pooling, that have dilations."""
        for node in graph.nodes:
            if node.operator in operators and node.point.window.dilations != (1, 1):
                raise NotSupported(
                    f"{self.name}: {node.name} has dilations; the library's {node.operator} takes "
                    "none"
                )

    @abstractmethod
    def build(
        self, graph: Graph, threads: int, options: Mapping[str, Any], settings: Settings
    ) -> None:
        """Set the graph up, with its input in place, so that `run` can be called."""

    def another(self, build: Callable[[Backend], None]) -> Backend:
        """Return what takes requests for the same graph at the same time, as its library says.

        Here a session or interpreter of its own, which ``build`` sets up.
        """
        other = type(self)()
        other.library = self.library
        build(other)
        return other

    def kernels(self) -> dict[str, Any]:
        """Return which kernels run, as `implementation` of the run_time_state."""
        return implementation("unknown", "", [])


class OwnOutputs(Backend):
    """A backend whose library writes to arrays of ours."""

    def own(self, graph: Graph | ModelGraph, arrays: Iterable[Array]) -> None:
        """Take the arrays that the library is to write to, now full of wrong values."""
        self._graph = graph
        self._outputs = list(arrays)
        self._wrong = [array.copy() for array in self._outputs]

    def clear(self) -> None:
        """Fill them with the wrong values again."""
        for array, wrong in zip(self._outputs, self._wrong):
            np.copyto(array, wrong)

    def output(self) -> Array:
        """Return what is in them."""
        return self._graph.join(self._outputs)


def implementation(
    evidence: str, source: str, nodes: list[dict[str, Any]], timed_by: str = ""
) -> dict[str, Any]:
    """Return the record of what ran.

    ``evidence`` is ``reported`` by the library for this very graph, ``inferred`` from its options,
    or ``unknown``.  A node has ``node`` and ``kernel``.  Where nodes were timed, each has
    ``seconds``, and ``layers``: those that it computes, none where it only moves data (a reorder of
    the layout), None where nobody knows.  ``timed_by``: the library's ``profile``; ``calls``, each
    of which was timed; ``outputs``, of layers with the reorders that they need.
    """
    return {"evidence": evidence, "source": source, "nodes": nodes, "timed_by": timed_by}
