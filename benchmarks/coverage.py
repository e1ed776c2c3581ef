"""How often each 95 % interval holds the truth, where the truth is known: by simulation.

    python benchmarks/coverage.py [--trials N] [JOURNAL ...]
    python benchmarks/coverage.py --record        measures benchmarks/recorded_spread.csv anew

A population is the processes that were recorded of one point, many more than a study takes: the
file beside this one has 40 of each of nine points (ONNX Runtime, LiteRT and ncnn, four runs a
process) and 30 of each of three (`opencl-reference`, two), on two cores that other programs kept
busy.  A journal is a `*.journal.jsonl` of a finished study; points of fewer than 10 processes are
left out.  A trial draws 2, 3, 5, 7 or 10 processes of a population and asks whether the interval
holds the median of all of it.  Each drawn process is made a little slower or faster (a smoothed
bootstrap: Silverman and Young, Biometrika 74, 1987): else two would often be the very same one,
which two real ones never are.

Conditions: `all` runs as they were recorded; `clean` runs alone, of the points that ran clean for
the most part, since a study has too few clean runs of the others and judges these by all; and
`bursts`, the clean ones with every fifth process slower by half, as beside a program that is busy
now and then.

Intervals: a point's median; the ratio of two points; the sum over 15 layers with weights of their
own; the error of that sum against a point that stands for the measured network; and the sum where
each layer is the fastest of four choices, of which two are equal and two 2 % and 10 % slower, with
the correction for its optimism and without.

Prints a table of percent, each a share of N trials (default 400: it may be off by 2), and which
are further from 93 to 97 than that; exit status 1 if any of these holds too seldom.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
from nntest.analysis.stats import (
    Figure,
    Interval,
    Sample,
    fastest_of,
    ratio,
    ratio_of_medians,
    weighted_sum,
)
from onboard.clean_runs import CLEAN
from small_study import SmallStudy

RECORDED = Path(__file__).with_name("recorded_spread.csv")
LAYERS = [
    {"name": "first", "species": "conv", "tensor": "3-224-224-3-32-2-0_1_0_1"},
    {"name": "middle", "species": "conv", "tensor": "256-28-28-1-256-1-0"},
    {"name": "late", "species": "conv", "tensor": "512-14-14-1-512-1-0"},
]
PROCESSES = (2, 3, 5, 7, 10)
FEWEST = 10
"""Processes that a population needs."""
MOSTLY = 0.5
"""Share of clean runs from which on a point ran clean for the most part."""
BURST, HIT = 1.5, 5
"""In bursts every fifth process takes 1.5 times as long."""
CHOICES = (1.0, 1.0, 1.02, 1.1)
"""True times of a layer's choices, over the first."""
WEIGHTS = np.exp(np.random.default_rng(0).normal(0.0, 1.0, 15))
"""What the layers of a network take, over each other."""
LOWEST, HIGHEST = 0.93, 0.97
"""What a share that holds the truth is meant to be between."""
SMOOTHED = 400
"""Draws of each process that the truth is the median of."""
KINDS = ("median", "ratio", "sum", "error of the sum", "best")
UNCORRECTED = "best, uncorrected"


@dataclass(frozen=True)
class Population:
    """A point's recorded processes, each with the times of its runs."""

    processes: tuple[tuple[float, ...], ...]

    @cached_property
    def bandwidth(self) -> float:
        """Standard deviation of what is added to a process's logarithms: Silverman's rule."""
        medians = np.log([np.median(times) for times in self.processes])
        low, high = np.quantile(medians, [0.25, 0.75])
        scatter = min(float(medians.std()), (high - low) / 1.349)
        return 0.9 * float(scatter) * len(medians) ** -0.2

    @cached_property
    def truth(self) -> float:
        """The median of all runs, of processes that are smoothed as drawn ones are."""
        factors = np.exp(self.bandwidth * np.random.default_rng(0).normal(size=SMOOTHED))
        return float(np.median(np.outer(factors, np.concatenate(self.processes))))

    def in_bursts(self) -> Population:
        """With processes that are slower, as many as make every `HIT`th."""
        slow = self.processes[:: HIT - 1]
        return Population(
            (*self.processes, *(tuple(BURST * time for time in times) for times in slow))
        )

    def draw(self, count: int, random: np.random.Generator, factor: float = 1.0) -> Sample:
        """A sample of `count` of its processes; its times are multiplied by `factor`."""
        numbers = random.integers(len(self.processes), size=count)
        factors = factor * np.exp(self.bandwidth * random.normal(size=count))
        drawn = [
            [own * time for time in self.processes[number]]
            for number, own in zip(numbers, factors, strict=True)
        ]
        return Sample.of(
            [time for times in drawn for time in times],
            [number for number, times in enumerate(drawn) for _ in times],
            42,
            (int(random.integers(2**60)),),
        )


def populations(frame: pd.DataFrame) -> list[Population]:
    """The points of enough processes of a table with point, process, time_us."""
    found = []
    for _, rows in frame.groupby("point", sort=True):
        times = (rows["time_us"] / rows["time_us"].median()).groupby(rows["process"])
        processes = tuple(tuple(own) for _, own in times)
        if len(processes) >= FEWEST:
            found.append(Population(processes))
    return found


def mostly_clean(frame: pd.DataFrame) -> pd.DataFrame:
    """The clean runs of the points that ran clean for the most part."""
    clean = frame["run_state"] == CLEAN
    return frame[clean & (clean.groupby(frame["point"]).transform("mean") >= MOSTLY)]


def of_journal(path: Path) -> pd.DataFrame:
    """The runs of a journal that succeeded; which of them were clean is not taken from it."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return pd.DataFrame(
        {"point": line["point"], "process": line["process"], "time_us": 1e6 * line["time_s"],
         "run_state": None}
        for line in lines if line.get("status") == "ok"
    )  # fmt: skip


def record() -> None:
    """Measure the recorded processes anew."""
    runs = {("onnxruntime", "litert", "ncnn"): 160, ("opencl-reference",): 60}
    frames = []
    with tempfile.TemporaryDirectory() as name:
        for number, (libraries, repetitions) in enumerate(runs.items()):
            folder = Path(name) / str(number)
            study = SmallStudy(folder, LAYERS, libraries, operators=["conv"], tuners=["DEFAULT"])
            frames.append(study.measure("recorded", repetitions))
    write(pd.concat(frames))


def write(frame: pd.DataFrame) -> None:
    """Write a measurement table's times as the file that is read."""
    library = frame["library"].str.replace("-[0-9a-f]{7,}$", "", regex=True)
    frame.assign(
        point=library + " " + frame["tensor"], process=frame["process_id"],
        time_us=frame["time_us"].round(1),
    ).sort_values(["point", "process", "repetition_id"])[
        ["point", "process", "time_us", "run_state"]
    ].to_csv(RECORDED, index=False)  # fmt: skip


Holding = tuple[Interval, float]
"""An interval and the truth."""


def intervals(
    among: Sequence[Population], number: int, count: int, random: np.random.Generator
) -> Iterator[tuple[str, Holding]]:
    """One trial's intervals by their names; `number` says which populations stand for what."""
    one, other = (among[(number + shift) % len(among)] for shift in (0, 1))
    sample = one.draw(count, random)
    yield "median", (sample.median_interval, one.truth)
    ratio_of_both = ratio_of_medians(sample, other.draw(count, random))
    yield "ratio", (ratio_of_both, one.truth / other.truth)
    layers = [among[(number + layer) % len(among)] for layer in range(len(WEIGHTS))]
    truth = math.fsum(w * layer.truth for w, layer in zip(WEIGHTS, layers, strict=True))
    total = summed([layer.draw(count, random).figure for layer in layers])
    yield "sum", (total.interval, truth)
    yield "error of the sum", (ratio(total, sample.figure), truth / one.truth)
    corrected, plain, true_times = [], [], []
    for layer in layers:
        tried = [layer.draw(count, random, factor) for factor in CHOICES]
        fastest = min(range(len(tried)), key=lambda choice: tried[choice].median)
        corrected.append(fastest_of(tried))
        plain.append(tried[fastest].figure)
        true_times.append(layer.truth * CHOICES[fastest])
    truth = math.fsum(w * time for w, time in zip(WEIGHTS, true_times, strict=True))
    for name, chosen in (("best", corrected), (UNCORRECTED, plain)):
        yield name, (summed(chosen).interval, truth)


def summed(layers: Sequence[Figure]) -> Figure:
    """The sum over layers of the given figures, each times its weight."""
    return weighted_sum([
        (1, Figure(weight * one.value, one.variance, one.freedom))
        for weight, one in zip(WEIGHTS, layers, strict=True)
    ])  # fmt: skip


def coverage(among: Sequence[Population], count: int, trials: int) -> dict[str, float]:
    """Of each kind of interval the share that holds the truth."""
    random = np.random.default_rng(count)
    held: dict[str, int] = {}
    for number in range(trials):
        for name, (interval, truth) in intervals(among, number, count, random):
            held[name] = held.get(name, 0) + (interval.low <= truth <= interval.high)
    return {name: number / trials for name, number in held.items()}


def main() -> int:
    """Simulate, print; exit status 1 if an interval holds too seldom."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("journals", nargs="*", type=Path, metavar="JOURNAL")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    if given.record:
        record()
        return 0
    frame = pd.concat([of_journal(path) for path in given.journals] or [pd.read_csv(RECORDED)])
    clean = populations(mostly_clean(frame))
    conditions = {
        "all": populations(frame),
        "clean": clean,
        "bursts": [one.in_bursts() for one in clean],
    }
    for name in (name for name, among in conditions.items() if not among):
        print(f"{name}: no such point has {FEWEST} processes")
    print(row("condition", "processes", *KINDS, UNCORRECTED))
    print(row(*["---"] * (3 + len(KINDS))))
    chance = 2 * math.sqrt(0.95 * 0.05 / given.trials)
    seldom, often = [], []
    cells = [(name, count) for name, among in conditions.items() if among for count in PROCESSES]
    with ProcessPoolExecutor() as pool:
        all_shares = pool.map(
            coverage,
            (conditions[name] for name, _ in cells),
            (count for _, count in cells),
            repeat(given.trials),
        )
        for (condition, count), shares in zip(cells, all_shares, strict=True):
            print(row(condition, count, *(f"{share:.1%}" for share in shares.values())), flush=True)
            for kind in KINDS:
                where = f"{kind}, {condition}, {count} processes"
                seldom += [where] if shares[kind] < LOWEST - chance else []
                often += [where] if shares[kind] > HIGHEST + chance else []
    print("holds too seldom:", "; ".join(seldom) or "none")
    print("holds more often than it says:", "; ".join(often) or "none")
    return 1 if seldom else 0


def row(*cells: object) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
