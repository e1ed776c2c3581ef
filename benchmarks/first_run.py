"""The default study in a clean clone, again and again: how long until there is an answer.

    python benchmarks/first_run.py [--runs 3] [--cores 2] [--source FOLDER] [-- SNAKEMAKE'S OPTIONS]

Each run has a clone of its own of the committed state of `--source` (this check-out), a folder for
its results, and an empty cache of PoCL's kernels; Python's packages are there, as after `make env`.
Prints for each

    total           seconds until the command ends
    measuring       share of it in operator programs, and of that what set-up and tuning took;
                    only of a study with `precision`, whose journals have what each process took
    first table     seconds until the preliminary ranking is on the console
    time left       what the console said over how long that sweep still took: the median, and the
                    worst to either side; from the second minute on, without the last seconds

and ends with 1 unless most runs keep each bar.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1]
MOST_TOTAL_S = 300.0
LEAST_MEASURING = 0.8
LATEST_TABLE_S = 90.0
MOST_OFF = 1.5
"""Factor by which the time left may be wrong."""
SECOND_MINUTE_S = 60.0
LAST_S = 15.0
"""Before a sweep's end: the console is silent for so long where it is no terminal."""

_UNITS_S = {"h": 3600.0, "min": 60.0, "s": 1.0}
_DURATION = r"\d+ (?:h|min|s)(?: \d+ (?:min|s))?"
_PROGRESS = re.compile(rf"(\S+) \[[= ]*\] \d+/\d+.*?, ({_DURATION}) left")
_DONE = re.compile(r"(\S+): done: ")
_FIRST_TABLE = "preliminary: "

Line = tuple[float, str]
"""Seconds since the command began, and what it said then."""


@dataclass(frozen=True)
class Figures:
    """What one run showed; NaN for what it did not."""

    total_s: float
    measuring: float
    """Share of the total in which operator programs ran."""
    preparing: float
    """Share of the programs' time in set-up and tuning."""
    first_table_s: float
    left_median: float
    left_worst: float
    """Both: time left as predicted over as it was."""
    readings: int

    @property
    def kept(self) -> tuple[bool, ...]:
        """For each bar whether it is kept."""
        return (
            self.total_s <= MOST_TOTAL_S,
            self.measuring >= LEAST_MEASURING,
            self.first_table_s <= LATEST_TABLE_S,
            1 / MOST_OFF <= self.left_worst <= MOST_OFF,
        )

    @property
    def text(self) -> str:
        """For the console."""
        return (
            f"total {self.total_s:4.0f} s   measuring {self.measuring:4.0%} "
            f"(set-up and tuning {self.preparing:3.0%} of it)   "
            f"first table {self.first_table_s:4.0f} s   "
            f"time left {self.left_median:.2f} of the actual, at worst {self.left_worst:.2f} "
            f"({self.readings} readings)"
        )


def seconds_of(duration: str) -> float:
    """Seconds of a duration as the console says it, e.g. '3 min 10 s'."""
    words = duration.split()
    return sum(
        float(number) * _UNITS_S[unit] for number, unit in zip(words[::2], words[1::2], strict=True)
    )


def first_table_s(lines: Iterable[Line]) -> float:
    """When the first ranking came; NaN if none did."""
    return next((at for at, text in lines if text.startswith(_FIRST_TABLE)), math.nan)


def times_left(lines: Sequence[Line]) -> list[float]:
    """Each time left that counts, predicted over actual.

    Only of sweeps that were alone on their line: the others' line has no name to know its end by.
    """
    ends = {done[1]: at for at, text in lines if (done := _DONE.match(text))}
    ratios = []
    for at, text in lines:
        found = _PROGRESS.match(text)
        if found and found[1] in ends and at >= SECOND_MINUTE_S:
            actual = ends[found[1]] - at
            if actual >= LAST_S:
                ratios.append(seconds_of(found[2]) / actual)
    return ratios


def worst(ratios: Iterable[float]) -> float:
    """The ratio that is farthest from 1, by its factor; NaN of none."""

    def factor(ratio: float) -> float:
        return max(ratio, 1 / ratio) if ratio else math.inf

    return max(ratios, key=factor, default=math.nan)


def program_seconds(journal: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """(seconds of all processes of operator programs, of these in set-up and tuning)."""
    whole = 0.0
    preparing: dict[tuple[str, int], float] = {}
    for line in journal:
        if "process_of" in line:
            whole += line["seconds"]
        elif "point" in line:
            # Each repetition of a process says the same again.
            took = sum(line.get(name) or 0.0 for name in ("setup_s", "tuning_s"))
            preparing[line["point"], line.get("process", 0)] = took
    return whole, sum(preparing.values())


def read_journals(results: Path) -> Iterator[dict[str, Any]]:
    """The lines of this machine's own journals, one for each library."""
    for path in results.glob("boards/*/studies/*/*/journal.jsonl"):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def figures_of(
    total_s: float, lines: Sequence[Line], journals: Iterable[Mapping[str, Any]]
) -> Figures:
    """The figures of a run by what it said and what it wrote down."""
    whole, preparing = program_seconds(journals)
    ratios = times_left(lines)
    return Figures(
        total_s,
        whole / total_s if whole else math.nan,
        preparing / whole if whole else math.nan,
        first_table_s(lines),
        statistics.median(ratios) if ratios else math.nan,
        worst(ratios),
        len(ratios),
    )


def keeps_bars(runs: Sequence[Figures]) -> bool:
    """Whether most runs keep each bar; what is not known keeps none."""
    return all(2 * sum(kept) > len(runs) for kept in zip(*(run.kept for run in runs), strict=True))


def first_run(source: Path, cores: int, options: Sequence[str]) -> Figures:
    """Clone, run, and see; SystemExit with what Snakemake said where it fails."""
    with tempfile.TemporaryDirectory(prefix="first-run-") as name:
        clone, kernels = Path(name, "clone"), Path(name, "kernels")
        kernels.mkdir()
        subprocess.run(["git", "clone", "--quiet", source, clone], check=True)
        environment = {
            **os.environ, "PYTHONPATH": str(clone / "scripts"), "POCL_CACHE_DIR": str(kernels),
        }  # fmt: skip
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *options]
        lines: list[Line] = []
        start = time.monotonic()
        with subprocess.Popen(
            command, cwd=clone, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as run:  # fmt: skip
            assert run.stdout is not None
            lines += ((time.monotonic() - start, line.rstrip("\n")) for line in run.stdout)
        total_s = time.monotonic() - start
        if run.returncode:
            raise SystemExit("\n".join(text for _, text in lines))
        return figures_of(total_s, lines, read_journals(clone / "results"))


def main() -> int:
    """Print the figures; exit status 1 if a bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--source", type=Path, default=HOME)
    parser.add_argument("options", nargs="*", help="of Snakemake, after --")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, {given.runs} runs, each in a clone of its own")
    runs = []
    for number in range(1, given.runs + 1):
        runs.append(first_run(given.source.resolve(), given.cores, given.options))
        print(f"run {number}   {runs[-1].text}", flush=True)
    print(
        f"bars    total {MOST_TOTAL_S:.0f} s   measuring {LEAST_MEASURING:.0%}   "
        f"first table {LATEST_TABLE_S:.0f} s   time left within a factor of {MOST_OFF}"
    )
    return int(not keeps_bars(runs))


if __name__ == "__main__":
    sys.exit(main())
