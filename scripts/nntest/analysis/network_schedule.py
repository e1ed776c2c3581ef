"""Choose what each layer of a network is to run with, from what a sweep of the layers measured.

Reads the board's own sweeps alone, never the merged archive: data flow in one direction.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboard import outcomes
from onboard.clean_runs import counted

from nntest.archives.ck.read import read_rows
from nntest.config.library import Library
from nntest.config.network import OnnxFile
from nntest.config.study import Study
from nntest.domain.graph_steps import Step, input_numbers, is_chain
from nntest.domain.network_points import NetworkPoint
from nntest.domain.networks import Network, swept_tensor
from nntest.domain.tensor_suffixes import ACTIVATION_VARIABLE, NO_ACTIVATION
from nntest.domain.tensors import NETWORK, OPERATOR_SPECIES, SCHEDULE, plain_operator
from nntest.errors import UserError

if TYPE_CHECKING:
    from nntest.domain.onnx_files.whole_model import WholeModel

How = tuple[int, int | None, str | None]
"""Batch size, threads and set of cores."""
Work = tuple[str, str, int, int | None, str | None]
"""Species, tensor, and how it ran."""
Medians = Mapping[Work, Mapping[tuple[str, str], float]]
"""The median time [µs] of each operator and tuner."""


@dataclass(frozen=True)
class NetworkLeftOut:
    """A network that cannot be run as a whole, and why."""

    network: str
    choice: str
    batch_size: int
    reason: str
    threads: int | None = None
    cores: str | None = None


class _NoChoice(Exception):
    """Why a layer has no operator to run with."""


def warmup_of(study: Study, library: Library) -> str:
    """How a library's networks warm up, and which of its measurements are chosen by.

    Those that always warm up, unless the study measures as in 2018 alone.
    """
    warmups = study.config.warmups or [library.warmup]
    return "always" if "always" in warmups else warmups[0]


def measured_medians(archives: Iterable[Path], warmup: str) -> Medians:
    """The medians of what succeeded with a warm-up in the CK archives of one board and library.

    Of clean runs, where a point has enough of them (`onboard.clean_runs`).
    """
    runs: dict[Work, dict[tuple[str, str], list[tuple[float, str]]]] = {}
    for archive in archives:
        for row in read_rows(archive, warn=_quiet):
            if row["status"] == outcomes.OK and row["time_us"] and row["warmup"] == warmup:
                how = (row["batch_size"], row["threads"], row["cores"])
                key = (row["species"], row["tensor"], *how)
                choice = (plain_operator(row["operator"]), row["tuner"])
                run = (row["time_us"], row["run_state"])
                runs.setdefault(key, {}).setdefault(choice, []).append(run)
    return {
        key: {choice: _median(found) for choice, found in choices.items()}
        for key, choices in runs.items()
    }


def _median(runs: Sequence[tuple[float, str]]) -> float:
    """The median time of a point's runs that count; each run is a time and its state."""
    kept = counted([state for _, state in runs])
    return statistics.median(time for time, _ in compress(runs, kept))


def _quiet(message: str) -> None:
    """The rule merge reports what is odd about the archive."""


def schedule_network(
    study: Study, library: Library, medians: Medians
) -> tuple[list[NetworkPoint], list[NetworkLeftOut]]:
    """(networks to measure as a whole, those left out): each batch size, threads, cores, choice.

    SCHEDULE takes for each layer the operator and tuner with the smallest median; another choice
    the fastest operator with that tuner, and without one where the library has no operator for
    such layers with it.  A layer runs with its own padding, and is chosen for by the tensor that
    stood for it in the sweep.  Where nothing is chosen by layer, all layers run with one tuner; a
    library that takes ONNX files runs those as they are.
    """
    points, left_out = [], []
    warmup = warmup_of(study, library)
    for network, batch_size, threads, cores, choice in product(
        study.networks,
        study.config.batch_sizes,
        study.thread_counts,
        study.core_sets,
        study.network_choices(library),
    ):
        try:
            how = (batch_size, threads, cores)
            description = _describe(study, library, medians, network, how, choice)
            points.append(
                NetworkPoint(
                    network.name, choice, batch_size, description, warmup, threads, cores=cores
                )
            )
        except _NoChoice as error:
            left_out.append(
                NetworkLeftOut(network.name, choice, batch_size, str(error), threads, cores)
            )
    return points, left_out


def _describe(
    study: Study,
    library: Library,
    medians: Medians,
    network: Network,
    how: How,
    choice: str,
) -> dict[str, Any]:
    """What the network's program reads."""
    if NETWORK not in library.operators:
        raise _NoChoice(f"library {library.name} has no program for a whole network")
    definition = study.network_file(network.name).definition
    if isinstance(definition, OnnxFile) and library.takes_onnx:
        return _describe_model(library, network, definition.whole_model(), how[0])
    steps = _steps(library, network)
    activations = study.with_activations(library)
    layers = []
    for index, step in enumerate(steps):
        batch = {"CK_IN_SHAPE_N": str(how[0])}
        if step.tensor is None:
            operator, tuner, tensor, env = step.kind, choice, "", _join_env(step)
        else:
            runs = step.as_run if activations else step.tensor
            tensor, env = runs.name, {**runs.env(), **batch}
            if not library.chooses_by_layer:
                operator, tuner = _only_operator(library, step), choice
            else:
                stands_in = swept_tensor(step.tensor, study.config.padding)
                times = medians.get((step.kind, stands_in.name, *how), {})
                operator, tuner = _fastest(study, library, step, stands_in.name, times, choice)
        described: dict[str, Any] = {
            "name": step.name,
            "operator": operator,
            "species": step.kind,
            "tuner": tuner,
            "tensor": tensor,
            "env": env,
        }
        inputs = input_numbers(steps, step)
        if inputs != [index - 1] or step.tensor is None:
            described["inputs"] = inputs
        layers.append(described)
    return {"network": network.name, "layers": layers}


def _steps(library: Library, network: Network) -> tuple[Step, ...]:
    """How a network runs whole; inference libraries alone run graphs with branches."""
    problem = network.why_no_graph()
    if problem:
        what = "cannot run as one network" if network.steps else "do not form a chain"
        raise _NoChoice(f"its layers {what}: {problem}")
    steps = network.as_steps
    if not is_chain(steps):
        if not library.is_framework:
            raise _NoChoice(f"it has branches, and library {library.name} runs chains alone")
        if library.data_type == "int8":
            raise _NoChoice("it has branches, and int8 is there for chains alone")
    return steps


def _join_env(step: Step) -> dict[str, str]:
    """The variables of what is no layer."""
    return {} if step.activation == NO_ACTIVATION else {ACTIVATION_VARIABLE: step.activation}


def _describe_model(
    library: Library, network: Network, model: WholeModel, batch_size: int
) -> dict[str, Any]:
    """What an ONNX file is known by that a library runs as it is."""
    if network.data_type not in ("", library.data_type):
        raise _NoChoice(
            f"its file computes in {network.data_type}, library {library.name} is for "
            f"{library.data_type}"
        )
    try:
        model.check(batch_size)
    except UserError as error:
        raise _NoChoice(error.message) from None
    return {"network": network.name, "model": {"file": network.source, **model.identity()}}


def _only_operator(library: Library, layer: Step) -> str:
    """What computes a layer in a library that chooses its kernels by itself."""
    for operator in library.operators:
        if OPERATOR_SPECIES[operator] == layer.kind:
            return operator
    raise _NoChoice(f"layer {layer.name} ({layer.kind}) has no operator in library {library.name}")


def _fastest(
    study: Study,
    library: Library,
    layer: Step,
    tensor: str,
    times: Mapping[tuple[str, str], float],
    choice: str,
) -> tuple[str, str]:
    """Operator and tuner for a layer."""
    offered = [
        (operator, tuner)
        for operator in study.config.operators
        if OPERATOR_SPECIES[operator] == layer.kind and operator in library.operators
        for tuner in study.config.tuners
        if tuner in library.operators[operator].tuners
    ]
    if not offered:
        raise _NoChoice(
            f"layer {layer.name} ({layer.kind}) has no operator among those of the study and "
            f"of library {library.name}"
        )
    allowed: Sequence[tuple[str, str]] = offered
    if choice != SCHEDULE:
        allowed = [pair for pair in offered if pair[1] == choice]
        allowed = allowed or [pair for pair in offered if pair[1] == "NONE"]
    candidates = [pair for pair in allowed if pair in times]
    if not candidates:
        raise _NoChoice(f"nothing could be measured on {tensor}, the tensor of layer {layer.name}")
    return min(candidates, key=lambda pair: (times[pair], *pair))
