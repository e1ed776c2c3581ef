"""`nntest bisect`: the first release of a library at which a point became slower.

Takes releases from the package index, halves those between a good and a bad one, and measures
each beside the good one, processes in one mixed order, until a test at the error rate of the
whole search says that it is slower or that it is not.  It takes for granted that what became
slower stayed so.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from nntest.analysis.bisection import Found, Step, find_first_slow
from nntest.codehash import PROJECT
from nntest.commands.lock import write_lock
from nntest.commands.options import Commands, add_command
from nntest.config.library import PACKAGES
from nntest.config.load import load_study, read_yaml
from nntest.config.study import Study, StudyPoint, Sweep
from nntest.domain.tensors import NETWORK, NODE, OPERATOR_SPECIES, Tensor
from nntest.errors import UserError
from nntest.measuring.probe import probe
from nntest.measuring.progress import Watcher
from nntest.measuring.side_by_side import SideBySide
from nntest.measuring.transport import connect
from nntest.measuring.wheels import Target, releases

CACHE = PROJECT / ".cache" / "bisect"
"""Library files and locks of releases."""

_EXAMPLE = """\
example:
  nntest bisect config/libraries/onnxruntime.yaml --point 'conv DEFAULT 512-14-14-1-512-1-0' \\
      --good 1.27.0 --bad 1.32.0
"""


class _Notes(Watcher):
    def note(self, text: str) -> None:
        print(f"  {text}", flush=True)


def add_to(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "bisect",
        "the first release of a library at which a point became slower",
        __doc__,
        _EXAMPLE,
    )
    parser.add_argument("library", type=Path, metavar="LIBRARY.yaml", help="of kind pip")
    parser.add_argument(
        "--point", required=True, metavar="'OPERATOR TUNER TENSOR'", help="as tables have it"
    )
    parser.add_argument("--good", required=True, metavar="VERSION")
    parser.add_argument("--bad", required=True, metavar="VERSION")
    parser.add_argument(
        "--slower", type=_percent, default=0.1, metavar="PERCENT",
        help="slow-down to find; a release counts as slow from half of it on (default: 10%%)",
    )  # fmt: skip
    parser.add_argument(
        "--error-rate", type=_percent, default=0.05, metavar="PERCENT",
        help="of a wrong release, over the whole search (default: 5%%)",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, default=30, metavar="N",
        help="budget: processes of each release and step at most (default: 30)",
    )  # fmt: skip
    parser.add_argument(
        "--repetitions", type=int, default=10, metavar="N", help="of a process (default: 10)"
    )
    parser.add_argument("--board", default="localhost", help="name or file (default: localhost)")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    library = read_yaml(given.library)
    package = PACKAGES.get(str(library.get("adapter")))
    if library.get("kind") != "pip" or package is None:
        raise UserError(
            f"{given.library}: its releases are not in the package index",
            f"a library of kind pip, with an adapter of {', '.join(PACKAGES)}",
        )
    point = _point(given.point)

    board = _study(given, given.library, point).boards[0]
    with connect(board) as transport:
        facts, _ = probe(transport, board)
        target = Target.of(facts)
        known = releases(package, target, f"board {board.name}, {package}")
        between = _between(known, given.good, given.bad, package)
        print(f"{package}: {len(between)} releases from {between[0]} to {between[-1]}")

        def job_of(release: str) -> tuple[Study, Sweep]:
            path = _library_of(given.library, library, release, target)
            study = _study(given, path, point)
            return study, Sweep("bisect", study.boards[0], study.libraries[0], (point,))

        pair = SideBySide(transport, given.good, job_of, given.repetitions, _Notes())
        found = find_first_slow(
            between, pair.measure, given.slower, given.error_rate, given.processes, _print_step
        )
    print(_conclusion(found, given))
    return 0 if found.first_slow else 1


def _percent(text: str) -> float:
    value = float(text.removesuffix("%"))
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("more than 0 and less than 100 percent")
    return value / 100


def _point(text: str) -> StudyPoint:
    words = text.split()
    if len(words) != 3 or words[0] not in OPERATOR_SPECIES or words[0] in (NETWORK, NODE):
        raise UserError(
            f"--point '{text}' is not an operator, a tuner and a tensor",
            "for example --point 'conv DEFAULT 512-14-14-1-512-1-0'",
        )
    operator, tuner, tensor = words
    return StudyPoint(operator, tuner, Tensor.parse(OPERATOR_SPECIES[operator], tensor), 1)


def _library_of(path: Path, library: dict[str, Any], release: str, target: Target) -> Path:
    """The library's file for a release, with a lock for the board's Python, in the cache."""
    own = CACHE / path.stem / target.tag / release / path.name
    lock = own.with_suffix(".lock")
    content = {**library, "version": release, "install": {"way": "pip", "lock": lock.name}}
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(yaml.safe_dump(content), encoding="utf-8")
    if not lock.exists():
        write_lock(own, ".".join(target.python.split(".")[:2]))
    return own


def _study(given: argparse.Namespace, library: Path, point: StudyPoint) -> Study:
    """A study of the board and of the library in a file."""
    # Its network is not measured: a study has to have one.
    network = sorted((PROJECT / "config" / "networks").glob("*.yaml"))[0]
    config = {
        "study": "bisect",
        "networks": [str(network)],
        "boards": [given.board],
        "libraries": [str(library)],
        "operators": [point.operator],
        "tuners": [point.tuner],
        "tensors": {point.species: [point.subject]},
    }
    return load_study(config, PROJECT)


def _between(known: list[str], good: str, bad: str, package: str) -> list[str]:
    try:
        first, last = Version(good), Version(bad)
    except InvalidVersion as error:
        raise UserError(f"--good {good} --bad {bad}: {error}") from None
    missing = [name for name in (good, bad) if name not in known]
    if missing or first >= last:
        problem = "--bad has to be later than --good"
        if missing:
            problem = f"{package} {missing[0]} has no wheel for this board"
        raise UserError(f"{problem} (--good {good} --bad {bad})", f"there are {', '.join(known)}")
    return [name for name in known if first <= Version(name) <= last]


def _ratio(step: Step) -> str:
    found = step.ratio
    return f"{found.value:.3f} times as long (95 % interval {found.low:.3f} to {found.high:.3f})"


def _print_step(step: Step) -> None:
    verdict = {True: "slow", False: "not slow", None: "not decided"}[step.slow]
    print(f"{step.release}: {verdict}: {_ratio(step)}, {len(step.times)} processes", flush=True)


def _conclusion(found: Found, given: argparse.Namespace) -> str:
    if found.first_slow:
        skipped = f"; not measured: {', '.join(found.not_measured)}" if found.not_measured else ""
        return (
            f"first slow release: {found.first_slow.release} "
            f"(previous: {found.previous}{skipped}), "
            f"{_ratio(found.first_slow)}, confidence {1 - given.error_rate:.0%}"
        )
    last = found.steps[-1] if found.steps else None
    if last is None:
        return f"cannot be decided: {given.bad} could not be measured"
    if last.slow is False:
        return f"{last.release} is not slower than {given.good} by {given.slower:.0%}"
    return (
        f"cannot be decided with this budget: {last.release} after {len(last.times)} processes "
        "(--processes gives it more)"
    )
