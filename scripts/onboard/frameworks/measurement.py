"""Measures one point with one library: set-up, warm-up, then the timed repetitions."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import traceback
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import threads
from backends import find_backend
from failures import BadValue, BuildFailed, Failure, NotSupported, OutOfMemory
from labelled_images import IMAGES, classify
from memory import Memory
from model_graph import MODEL, ModelGraph, read_model_graph
from point import Settings
from quantise import LAYER_STEPS, NETWORK_SPREADS, read_in_data_type
from repetitions import point_state, repeat
from streams import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.base import Backend
    from graph import Graph
    from point import Environment

HALF_TOLERANCE = 0.05  # of fp16, where CK_ABS_DIFF_THRESHOLD is not set
WATCHED = (
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_PROC_BIND"),
    *("OPENBLAS_NUM_THREADS", "TVM_NUM_THREADS", "TVM_BIND_THREADS"),
)
"""Variables that decide how threads of a library run and wait: taken down as they were."""


def measure(library: str, operator: str, environment: Environment) -> None:
    """Measure and leave the times in the working directory; raises a Failure."""
    backend, count, options = take(library, environment)
    settings = with_threshold(Settings.from_environment(environment), operator, environment)
    try:
        if environment.get(MODEL):
            if not backend.takes_models:
                raise NotSupported(f"{library} runs no ONNX model, and {MODEL} is set")
            graph: Graph | ModelGraph = read_model_graph(environment, settings)
        else:
            graph = read_in_data_type(operator, environment, settings, backend.integers)
        backend.load()
        _measure(backend, graph, operator, settings, count, options, environment.get(IMAGES, ""))
    except MemoryError as error:
        raise OutOfMemory(f"the host has not enough memory: {error}") from None


def take(library: str, environment: Environment) -> tuple[Backend, int, dict[str, Any]]:
    """Return the library's backend, the number of threads and all options; raises a Failure.

    Environment variables that the options name are set: the library is not imported yet.
    """
    backend = find_backend(library)()
    settings = Settings.from_environment(environment)
    if settings.data_type not in backend.data_types:
        raise NotSupported(
            f"NNTEST_DATA_TYPE={settings.data_type!r} is not supported; {library} has "
            f"{', '.join(backend.data_types)} here"
        )
    count = threads.available() if settings.threads is None else settings.threads
    chosen = read_options(library, backend, settings.tuner_type, environment)
    return backend, count, backend.take_options(chosen, count)


def with_threshold(settings: Settings, operator: str, environment: Environment) -> Settings:
    """Return the settings with the data type's own threshold, unless the environment has one."""
    if settings.data_type == "fp32" or environment.get("CK_ABS_DIFF_THRESHOLD", "").strip():
        return settings
    if settings.data_type == "fp16":
        return replace(settings, threshold=HALF_TOLERANCE)
    return replace(settings, threshold=NETWORK_SPREADS if operator == "network" else LAYER_STEPS)


def read_options(
    library: str, backend: Backend, tuner: str, environment: Environment
) -> Mapping[str, Any]:
    """Return the options of NNTEST_SETTINGS, or those that the tuner's name stands for.

    Raises BadValue or NotSupported.
    """
    text = environment.get("NNTEST_SETTINGS", "").strip()
    try:
        given = json.loads(text) if text else None
    except ValueError as error:
        raise BadValue(f"NNTEST_SETTINGS={text!r} is not JSON ({error})") from None
    if isinstance(given, dict):
        return given  # {}: what the library does by default
    if text:
        raise BadValue(f"NNTEST_SETTINGS={text!r} is not a JSON object of options")
    if tuner == "SCHEDULE":
        tuner = "DEFAULT"  # a library runs a whole network with one set of options
    if tuner not in backend.settings:
        raise NotSupported(
            f"CK_LWS_TUNER_TYPE={tuner!r} has no options in NNTEST_SETTINGS, and {library} has "
            f"only {', '.join(backend.settings)} by itself"
        )
    return backend.settings[tuner]


def _measure(
    backend: Backend,
    graph: Graph | ModelGraph,
    operator: str,
    settings: Settings,
    count: int,
    options: Mapping[str, Any],
    images: str,
) -> None:
    def build(one: Backend) -> None:
        one.build(graph, count, options, settings)

    memory = Memory()
    start = time.perf_counter()
    backend.streams = settings.streams or 1
    try:
        build(backend)
        set_up_seconds = time.perf_counter() - start - backend.tuning_s
        streams = None
        if settings.streams:
            others = [backend.another(build) for _ in range(1, settings.streams)]
            streams = Streams([backend, *others], settings)
        else:
            backend.run()  # takes what only a run needs
        taken = memory.stop()
        ran = backend.kernels()
    except (Failure, MemoryError):
        raise
    except Exception as error:
        traceback.print_exc()
        said = " ".join(str(error).split())[:400]
        raise BuildFailed(
            f"{backend.name} {backend.version()} cannot set up {graph.name}: "
            f"{type(error).__name__}: {said}"
        ) from None
    used = threads.used(backend.run)
    for _ in range(settings.warmups):
        backend.run()
    state = {
        **point_state(operator, settings, graph.in_shape, graph.out_shape, set_up_seconds),
        "tuner": {
            "type": settings.tuner_type,
            "options": dict(options),
            "tuning_s": backend.tuning_s,
            **backend.tuning,
        },
        "threads": {"asked": count, "used": used, "cores": threads.available()},
        "implementation": ran,
        "device": {"name": platform.machine()},
        "library": {
            "name": backend.name,
            "version": backend.version(),
            "packages": {found.name: found.version for found in metadata.distributions()},
        },
        "memory": taken,
        "python": platform.python_version(),
        "process_environment": {name: os.environ.get(name) for name in WATCHED},
    }
    if operator == "network":
        state["network"] = {"name": graph.name, "layers": graph.described()}
    sys.stdout.flush()
    if images and isinstance(graph, ModelGraph):
        classify(backend, graph, settings, images, state)
    elif streams:
        repeat(streams, settings, lambda _: streams.check(graph.check), state)
    else:
        repeat(backend, settings, graph.check, state)
