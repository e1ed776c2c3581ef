"""How often the comparison of two runs of identical code reports a difference.

    python benchmarks/compare_identical.py [RUNS [REPETITIONS]]

Measures the same small study RUNS times (default 7: 21 pairs) with opencl-reference on this
machine, one run after the other, each with its own journal, and compares every pair as the
workflow does.  Every difference that is reported is a false one.  Pairs that share a run are not
independent, but the expected count is the rate times the pairs all the same.

The stated rate is 5 % for *any* false difference in a comparison.  It is a statement about
processes that are exchangeable between the runs; what drifts from one run to the next comes on
top, which is what the smallest effect is for.  To tell the two apart, each run is also compared
with itself: its processes of even number with those of odd number, between which nothing drifts.

Prints the load of the machine, and counts for several smallest effects.  A bar: at the default
smallest effect at most 5 % of the pairs, rounded up, have a false difference.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
from nntest.analysis.comparison import ALPHA, FASTER, SLOWER, Side, compared
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from small_study import SmallStudy

LAYERS = [
    {"name": "first", "species": "conv", "tensor": "3-64-64-3-16-2-0_1_0_1"},
    {"name": "second", "species": "conv", "tensor": "16-32-32-1-64-1-0"},
    {"name": "third", "species": "conv", "tensor": "128-14-14-1-128-1-0"},
]
EFFECTS = (0.0, 3.0, 5.0, 10.0, 20.0)
DEFAULT = 5.0


def alarms(pairs: list[tuple[pd.DataFrame, pd.DataFrame]], effect: float) -> tuple[int, int, int]:
    """(pairs with a false difference, false differences, points) over all pairs."""
    compare = ComparisonConfig(baseline=ComparisonBaseline(run="-"), min_effect_percent=effect)
    wrong = differences = points = 0
    for old, new in pairs:
        rows = compared(Side("old", old), Side("new", new), compare, 42)
        found = sum(row["verdict"] in (SLOWER, FASTER) for row in rows)
        wrong += found > 0
        differences += found
        points += len(rows)
    return wrong, differences, points


def halves(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Processes of even and of odd number."""
    odd = (frame["process_id"] % 2 == 1).fillna(False).astype(bool)
    return frame[~odd], frame[odd]


def main() -> int:
    """Measure, compare, print; exit status 1 if the bar does not hold."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    frames = []
    with tempfile.TemporaryDirectory() as name:
        study = SmallStudy(Path(name), LAYERS, ["opencl-reference"])
        for run in range(runs):
            frames.append(study.measure(f"run{run}", repetitions))
            medians = frames[-1].groupby(["operator", "tensor"])["time_us"].median()
            load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
            print(f"run {run}: load {load}; medians µs",
                  " ".join(f"{time:.0f}" for time in medians), flush=True)  # fmt: skip
    pairs = list(itertools.combinations(frames, 2))
    processes = frames[0].groupby(["operator", "tensor"])["process_id"].nunique().min()
    points = frames[0].groupby(["operator", "tensor"]).ngroups
    print(f"{len(pairs)} pairs of {runs} runs, {points} points each, {processes} processes a point")
    held = True
    for effect in EFFECTS:
        wrong, differences, tested = alarms(pairs, effect)
        own, _, _ = alarms([halves(frame) for frame in frames], effect)
        print(
            f"smallest effect {effect:>4.0f} %: {wrong:>3} of {len(pairs)} pairs with a false "
            f"difference ({wrong / len(pairs):.1%}), {differences} of {tested} points "
            f"({differences / tested:.1%}); within one run: {own} of {runs}"
        )
        if effect == DEFAULT:
            held = wrong <= math.ceil(ALPHA * len(pairs))
    print(f"bar: at {DEFAULT:g} % at most {math.ceil(ALPHA * len(pairs))} pairs:",
          "holds" if held else "does not hold")  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
