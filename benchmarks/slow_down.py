"""How small a slow-down `nntest bisect` finds beside busy neighbours, and how often it finds none.

    python benchmarks/slow_down.py [--pairs 20] [--shares 0 5] [--slower 5] [--busy 1] [--seed 1]

A pair is an operator beside itself, made slower by a known share: after each run it goes on
computing nothing until that share of the run's time is over.  Each pair is measured and judged as
`nntest bisect` does with two releases: processes of both in one mixed order, their clean runs, and
a test at an error rate of 5 %.  A share of 0 is identical code: what is then called slow is false.

Prints for each share how many pairs were called slow, not slower, and not decided by the budget of
processes, the ratios that were measured, and what the machine did meanwhile.  Bar: identical code
is called slow in no more pairs than the error rate allows (rounded up), and a slow-down by
`--slower` percent is found in nine of ten.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import yaml
from neighbours import BUSY, neighbours
from nntest.analysis.bisection import Found, find_first_slow
from nntest.config.load import load_study
from nntest.config.study import Study, StudyPoint, Sweep
from nntest.domain.tensors import Tensor
from nntest.measuring.progress import Watcher
from nntest.measuring.side_by_side import SideBySide
from nntest.measuring.transport.local import LocalTransport

HOME = Path(__file__).parents[1]
POINT = StudyPoint("conv", "NONE", Tensor.parse("conv", "256-14-14-1-256-1-0"), 1)
PLAIN, SLOWED = "plain", "slowed"
ERROR_RATE = 0.05
FOUND = 0.9
SHARE = "SLOW_DOWN_SHARE"
SITE = f"""
import importlib.abc, importlib.util, os, sys, time

SHARE = float(os.environ["{SHARE}"])

class Slower(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "repetitions":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def changed(module):
            execute(module)
            run_for = module._run_for
            def slowed(*given):
                taken_s, *rest = run_for(*given)
                end = time.perf_counter() + SHARE * taken_s
                while time.perf_counter() < end:
                    pass
                return taken_s * (1 + SHARE), *rest
            module._run_for = slowed
        spec.loader.exec_module = changed
        return spec

sys.meta_path.insert(0, Slower())
"""
"""`sitecustomize.py` of the operator program: it slows the loop that is timed."""


def study_of(folder: Path, share: str, pair: int) -> Study:
    """A study of the one point, on a board whose programs are slowed by `share`."""
    board = {
        "connect": {"transport": "local"},
        "work_dir": str(folder / "work"),
        "lock_file": str(folder / "lock"),
        # `pair` makes it a point of its own.
        "environment": {"PYTHONPATH": str(folder), SHARE: share, "SLOW_DOWN_PAIR": str(pair)},
    }
    path = folder / f"{share}-{pair}.yaml"
    path.write_text(yaml.safe_dump(board), encoding="utf-8")
    config = {
        "study": "slow-down",
        "networks": [str(HOME / "config" / "networks" / "trial.yaml")],
        "boards": [str(path)],
        "libraries": [str(HOME / "config" / "libraries" / "opencl-reference.yaml")],
        "operators": [POINT.operator],
        "tuners": [POINT.tuner],
        "tensors": {POINT.species: [POINT.subject]},
    }
    return load_study(config, HOME)


def judged(folder: Path, share: float, pair: int, given: argparse.Namespace) -> Found:
    """Measure one pair until the test is sure, or the budget is spent."""
    # The same number in two ways, where both sides are identical: their points must not be one.
    shares = {PLAIN: "0", SLOWED: f"{share / 100:.4f}"}

    def job_of(side: str) -> tuple[Study, Sweep]:
        study = study_of(folder, shares[side], pair)
        return study, Sweep("pair", study.boards[0], study.libraries[0], (POINT,))

    sides = SideBySide(LocalTransport(), PLAIN, job_of, given.repetitions, Watcher())
    return find_first_slow(
        [PLAIN, SLOWED], sides.measure, given.slower / 100, ERROR_RATE, given.processes
    )


def main() -> int:
    """Measure, count, print; exit status 1 if the bar does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 5.0], metavar="PERCENT")
    parser.add_argument("--slower", type=float, default=5.0, metavar="PERCENT")
    parser.add_argument("--busy", type=int, default=1, help="busy processes beside it")
    parser.add_argument("--processes", type=int, default=60, help="budget of each side")
    parser.add_argument("--repetitions", type=int, default=10, help="of a process")
    given = parser.parse_args()
    held = True
    print("| slower by | pairs | called slow | not slower | not decided | ratio | processes |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name, neighbours([BUSY] * given.busy):
        (Path(name) / "sitecustomize.py").write_text(SITE, encoding="utf-8")
        began = time.monotonic()
        for share in given.shares:
            steps = []
            for pair in range(given.pairs):
                found = judged(Path(name), share, pair, given)
                steps += found.steps
                print(f"  {share:g} %, pair {pair}: {found.steps[-1].slow}", file=sys.stderr)
            slow = sum(step.slow is True for step in steps)
            held &= slow >= FOUND * len(steps) if share >= given.slower else True
            held &= slow <= math.ceil(ERROR_RATE * len(steps)) if share == 0 else True
            ratios = sorted(step.ratio.value for step in steps)
            processes = statistics.median(len(step.times) for step in steps)
            print(
                f"| {share:g} % | {len(steps)} | {slow} "
                f"| {sum(step.slow is False for step in steps)} "
                f"| {sum(step.slow is None for step in steps)} "
                f"| {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) "
                f"| {processes:g} |",
                flush=True,
            )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{(time.monotonic() - began) / 60:.1f} min, {given.busy} busy beside it, load {load}")
    print("bar:", "holds" if held else "does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
