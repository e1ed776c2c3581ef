"""The code that a job on a board depends on is listed by hand, and nothing is left out unseen.

A module that a script comes to import, directly or not, is in the list of its rule
(`nntest.graph.boards`), or below with the reason why an edit of it need not go back to a board.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest
from nntest.codehash import ONBOARD, SCRIPTS, _imported, closure
from nntest.config import load_study
from nntest.graph.boards import PROBE_SOURCES, install_sources, sweep_sources
from nntest.measuring.libraries import KINDS

LIBRARIES = {
    "opencl-reference": "opencl-reference",
    "armcl-opencl": "armcl-opencl",
    "armcl-neon": "armcl-neon",
    "armnn": "armnn",
    "ck": "ck-armcl-18.05",
    "pip": "onnxruntime",
}
"""A library file of every kind."""

CHANGE_NOTHING_MEASURED = {
    # The version of the package.
    "nntest",
    # What the config says is in the rule's spec, as far as the rule uses it.
    "nntest.config",
    # Which layers a network has, and so which tensors: in the spec, point by point.
    "nntest.domain.networks",
    "nntest.domain.families",
    "nntest.domain.graph_steps",
    "nntest.domain.graph_nodes",
    "nntest.domain.onnx_files",
    "nntest.domain.tflite_files",
    "nntest.domain.network_files",
    "nntest.domain.node_sorting",
    "nntest.domain.step_recorder",
    # Says what a file is that Git LFS has not fetched; a job reads none then.
    "nntest.domain.git_lfs",
    # Data types by name and traffic in bytes, for rooflines: the config knows their names.
    "nntest.domain.data_types",
    "nntest.domain.traffic",
    # Operations of an ONNX node, for the same.
    "nntest.domain.onnx_nodes.work",
    # How a board is reached, and how files get there; what runs there is its own files.
    "nntest.measuring.transport",
    "nntest.measuring.onboard",
    # The result of an install, which is an input of the sweep, and how its progress is shown.
    "nntest.measuring.installed",
    # What is measured besides, of which each has a job of its own.
    "nntest.measuring.beside",
    "nntest.measuring.progress",
    "nntest.measuring.joint_progress",
    # Which board of a pool a sweep is measured on: its name is in every point.
    "nntest.measuring.pools",
    # What becomes of a job that fails.
    "nntest.measuring.leaving_out",
    # Reads archives; a sweep without a point writes an empty one with it.
    "nntest.archives",
    # Which of an archive's runs are clean: the figures are recorded, whatever the rule.
    "onboard.clean_runs",
    # What tables say of their columns; a sweep writes none.
    "nntest.domain.tables",
    # Which percentiles an archive's requests are enough for.
    "nntest.domain.latencies",
    # The study and the log of a job, who is at work, how an error is shown and a stop heeded.
    "nntest.graph.job",
    "nntest.graph.runs",
    "nntest.owner",
    "nntest.errors",
    "nntest.signals",
    # Makes the hashes themselves: where they come out the same, nothing has changed.
    "nntest.codehash",
    # Which class is for which kind of library.
    "nntest.measuring.libraries",
}
"""Modules, and packages of which every module is meant (but not of `nntest` and `libraries`)."""

PROBE_NEEDS_NOT = {
    # Takes out what is private, of archives.
    "onboard.private",
    # Compares what was found with the board's file, and warns.
    "nntest.measuring.board_file",
    # What is measured and how it ended are no matter of a probe.
    "nntest.domain.drawn_values",
    "nntest.domain.image_labels",
    "nntest.domain.onnx_nodes",
    "onboard.outcomes",
    "nntest.domain.network_points",
    "nntest.domain.tensor_suffixes",
    "nntest.domain.tensors",
}
INSTALL_NEEDS_NOT = {
    # Takes out what is private, of archives.
    "onboard.private",
    # A plan's variables, and how a point ended; an install starts no point.
    "nntest.domain.drawn_values",
    "nntest.domain.image_labels",
    "nntest.domain.onnx_nodes",
    "onboard.outcomes",
    "nntest.domain.network_points",
    "nntest.domain.tensor_suffixes",
    "nntest.domain.tensors",
    # Starts and follows a build or set-up on the board, which is in the list.
    "nntest.measuring.detached",
}


def module(path: Path) -> str:
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


def undecided(script: str, listed: Iterable[Path], more: Collection[str] = ()) -> set[str]:
    """Modules that a script imports, and that neither its rule lists nor this file names."""
    left_out = CHANGE_NOTHING_MEASURED.union(more)
    rooms = tuple(f"{name}." for name in left_out - {"nntest", "nntest.measuring.libraries"})
    files = set(closure(SCRIPTS / script)) - {SCRIPTS / script, *listed}
    modules = {module(path) for path in files if not is_empty(path)}
    return {name for name in modules - left_out if not name.startswith(rooms)}


def is_empty(path: Path) -> bool:
    """Whether a module, a package's as a rule, holds no more than its docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    return ast.get_docstring(tree) is not None and len(tree.body) == 1


@pytest.fixture(scope="module")
def study():
    config = {
        "study": "every-kind",
        "networks": ["trial"],
        "boards": [],
        "imports": ["none.zip"],
        "libraries": list(LIBRARIES.values()),
        "operators": ["conv"],
        "tuners": ["NONE"],
    }
    return load_study(config, SCRIPTS.parent)


def test_every_kind_of_library_is_looked_at() -> None:
    assert set(LIBRARIES) == set(KINDS)


def test_a_probe_leaves_out_what_is_named() -> None:
    assert not undecided("probe.py", PROBE_SOURCES, PROBE_NEEDS_NOT)


def test_an_install_leaves_out_what_is_named(study) -> None:
    # Of the other kinds' modules an install of one kind uses none.
    listed = {path for name in LIBRARIES.values() for path in install_sources(study, name)}
    assert not undecided("install.py", listed, INSTALL_NEEDS_NOT)


def test_a_sweep_leaves_out_what_is_named(study) -> None:
    listed = {path for name in LIBRARIES.values() for path in sweep_sources(study, name)}
    assert not undecided("sweep.py", listed)


@pytest.mark.parametrize("kind", LIBRARIES)
def test_a_kind_lists_its_own_modules(study, kind: str) -> None:
    """What its module imports of `libraries` and `ck_harness`, other kinds' modules apart."""
    own = Path(SCRIPTS, *KINDS[kind].__module__.split(".")).with_suffix(".py")
    package = own.with_name("__init__.py")
    found, waiting = set(), [own]
    while waiting:
        path = waiting.pop()
        if path not in found and path != package:
            found.add(path)
            waiting += [file for file in _imported(path) if "libraries" in file.parts]
    assert found <= set(install_sources(study, LIBRARIES[kind]))


@pytest.mark.parametrize("script", ["runner.py", "measure.py", "ck_runner.py"])
def test_what_measures_on_the_board_is_in_the_list(study, script: str) -> None:
    kind = "ck" if script == "ck_runner.py" else "opencl-reference"
    assert set(closure(ONBOARD / script)) <= set(sweep_sources(study, LIBRARIES[kind]))


def test_what_probes_on_the_board_is_in_the_list() -> None:
    assert set(closure(ONBOARD / "probe.py")) <= set(PROBE_SOURCES)


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("ck", "ck_setup.py"),
        ("armcl-neon", "armcl/build_library.py"),
        ("opencl-reference", "opencl_reference/program.py"),
    ],
)
def test_what_installs_on_the_board_is_in_the_list(study, kind: str, script: str) -> None:
    assert set(closure(ONBOARD / script)) <= set(install_sources(study, LIBRARIES[kind]))


def test_nothing_is_left_out_that_is_gone() -> None:
    names = CHANGE_NOTHING_MEASURED | PROBE_NEEDS_NOT | INSTALL_NEEDS_NOT
    bases = {name: SCRIPTS.joinpath(*name.split(".")) for name in names}
    assert not [
        n for n, base in bases.items() if not (base.is_dir() or base.with_suffix(".py").is_file())
    ]
