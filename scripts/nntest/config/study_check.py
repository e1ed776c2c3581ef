"""What no single file of a study shows: whether its parts go together."""

from __future__ import annotations

from nntest.config.library import OPENCL_TUNERS
from nntest.config.long_runs import STREAMING_KINDS, SUSTAINED_KINDS
from nntest.config.study import Study
from nntest.domain.tensors import CEILINGS, NETWORK, OPERATOR_SPECIES, Tensor
from nntest.errors import UserError


def check_study(study: Study) -> None:
    """`UserError` for what no single file shows: parts that do not go together."""
    config = study.config
    if not (study.boards or config.imports or config.published):
        raise UserError(
            "config: `boards`, `imports` and `published` are all empty: there is nothing to do",
            "name a board (boards: [localhost]), or list CK archives under `imports`, or "
            "tables under `published`",
        )
    if study.boards and not study.libraries:
        raise UserError("config: `boards` without `libraries`", "libraries: [opencl-reference]")
    for species in config.tensors:
        for name in config.tensors[species]:
            _ = Tensor.parse(species, name).out_shape  # what is not a node of ONNX has none
    if NETWORK in config.operators:
        raise UserError(
            "config: operators: 'network' is not an operator of a layer",
            "remove it, and set end_to_end: true to measure whole networks",
        )
    for operator in config.operators if study.boards else []:
        having = [lib.name for lib in study.libraries if operator in lib.operators]
        if not having:
            offered = sorted({op for lib in study.libraries for op in lib.operators})
            raise UserError(
                f"config: operator '{operator}' is in none of the libraries "
                f"{', '.join(lib.name for lib in study.libraries)}",
                f"they have: {', '.join(offered)}",
            )
        species = OPERATOR_SPECIES[operator]
        if not study.tensors(species):
            raise UserError(
                f"config: operator '{operator}' has nothing to measure: no layer of "
                f"{', '.join(network.name for network in study.networks)} is a {species}, and "
                f"`tensors` lists none",
                "remove it from `operators`",
            )
    tuners = {*OPENCL_TUNERS, *(tuner for lib in study.libraries for tuner in lib.tuners)}
    for tuner in config.tuners if study.boards else []:
        if tuner not in tuners:
            raise UserError(
                f"config: tuner '{tuner}' is in none of the libraries "
                f"{', '.join(lib.name for lib in study.libraries)}",
                f"there are: {', '.join(sorted(tuners))}",
            )
    if config.end_to_end and study.boards:
        _check_end_to_end(study)
    _check_threads_and_cores(study)
    for key, kinds in (("streams", STREAMING_KINDS), ("sustained", SUSTAINED_KINDS)):
        if getattr(config, key):
            _check_long_runs(study, key, kinds)
    _check_accuracies(study)
    if study.pools and config.sweep_by == "board":
        raise UserError(
            f"config: sweep_by: board: all libraries in one order are one sweep of one board, and "
            f"pool {study.pools[0].name} has none to share out",
            "set sweep_by: library, or name one of its boards",
        )
    for board in study.boards:
        unknown = set(board.libraries or []) - {library.name for library in study.libraries}
        if board.libraries is not None and not study.libraries_of(board):
            raise UserError(
                f"board {board.name}: has none of the study's libraries "
                f"(it lists {', '.join(sorted(unknown)) or 'none'})",
                "add one to `libraries` of the board file, or remove the board from `boards`",
            )
    for library in study.libraries if study.boards else ():
        points = study.points(library)
        asked = set(config.operators) - set(CEILINGS)
        if not points or (asked and all(point.species in CEILINGS for point in points)):
            raise UserError(
                f"library {library.name}: nothing to measure with the study's operators "
                f"({', '.join(config.operators)}) and tuners ({', '.join(config.tuners)})",
                "remove it from `libraries`, or add an operator or a tuner that it has",
            )


def _check_threads_and_cores(study: Study) -> None:
    config = study.config
    for key, asked, without in (
        ("threads", config.threads, ("ck", "armcl-opencl")),
        ("cores", config.cores, ("ck",)),
    ):
        others = [library.name for library in study.libraries if library.kind in without]
        if asked and others:
            raise UserError(
                f"config: {key}: {', '.join(others)} cannot be told which {key} to use",
                f"take out `{key}`, or list no libraries of kind {' or '.join(without)}",
            )
    for board in study.boards:
        lacking = [name for name in config.cores if name not in board.cores]
        if lacking:
            raise UserError(
                f"board {board.name}: has no set of cores '{lacking[0]}', which the study asks "
                f"for; it has: {', '.join(board.cores) or 'none'}",
                f"name it in the board's file, cores: {{{lacking[0]}: 0-3}}, or take it out of "
                "`cores` of the config",
            )


def _check_long_runs(study: Study, key: str, kinds: tuple[str, ...]) -> None:
    """That there is a library that runs whole networks so."""
    if not study.config.end_to_end:
        raise UserError(
            f"config: {key}: whole networks run so, and none is measured",
            f"set end_to_end: true, or take out `{key}`",
        )
    if study.boards and all(library.kind not in kinds for library in study.libraries):
        raise UserError(
            f"config: {key}: none of the libraries "
            f"{', '.join(library.name for library in study.libraries)} can run so",
            f"list one of kind {' or '.join(kinds)}, or take out `{key}`",
        )


def _check_end_to_end(study: Study) -> None:
    if any(NETWORK in library.operators for library in study.libraries):
        return
    raise UserError(
        "config: end_to_end: none of the libraries "
        f"{', '.join(library.name for library in study.libraries)} has a program for a whole "
        "network",
        "set end_to_end: false, or add `network: {}` to the `operators` of a library that has one",
    )


def _check_accuracies(study: Study) -> None:
    for name, accuracy in study.accuracies().items():
        if not accuracy.labelled_images() or not study.boards:
            continue
        what = f"network {name}: accuracy.images is measured"
        if not study.config.end_to_end:
            raise UserError(
                f"{what} with the network as a whole", "set end_to_end: true, or take `images` out"
            )
        if not any(library.takes_onnx for library in study.libraries):
            raise UserError(
                f"{what} by libraries that run a model from its file, and the study has none",
                "add onnxruntime or openvino to `libraries`",
            )
