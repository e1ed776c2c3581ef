"""Many boards at once: how many measure together, how long it takes, what the console shows.

    python benchmarks/many_boards.py [--boards 20] [--cores 2] [--repetitions 20]

One sshd of this machine stands for all boards, each with a work folder and a lock of its own, and
each measures a convolution.  The boards share this machine's cores, so times say nothing of them:
the figure that counts is how many measured at once, against Snakemake's own limit of cores + 5.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the boards are the tests' own

from workflow.ssh_bench import SshBench
from workflow.study import SWEEP

Span = tuple[datetime, datetime]


def most_at_once(spans: Iterable[Span]) -> int:
    """The largest number of spans that have a moment in common."""
    changes = sorted(
        change for begin, end in spans for change in ((begin, 1), (end, -1))
    )  # an end before a beginning at the same moment
    most = now = 0
    for _, step in changes:
        now += step
        most = max(most, now)
    return most


def span(bench: SshBench, board: str) -> Span:
    """From the first repetition's start on a board to the last one's."""
    stamps = [datetime.fromisoformat(line["started_at"]) for line in bench.journal(board)]
    return min(stamps), max(stamps)


def measure(boards: int, cores: int, repetitions: int) -> tuple[float, str, list[Span]]:
    """(seconds, what the console showed, when each board measured) of a run."""
    names = [f"board-{number:02}" for number in range(1, boards + 1)]
    with tempfile.TemporaryDirectory() as folder:
        bench = SshBench(
            Path(folder), boards=names, operators=["conv"], tuners=["NONE"],
            repetitions=repetitions,
        )  # fmt: skip
        try:
            for name in names:
                bench.board(name)
            start = time.monotonic()
            said = bench.checkout.run(*SWEEP, "--cores", str(cores), "--quiet", "all")
            return time.monotonic() - start, said, [span(bench, name) for name in names]
        finally:
            bench.close()


def main() -> int:
    """Print the comparison; exit status 1 if the boards did not all measure at once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boards", type=int, default=20)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=20)
    options = parser.parse_args()
    one, _, _ = measure(1, options.cores, options.repetitions)
    wall, said, spans = measure(options.boards, options.cores, options.repetitions)
    together = most_at_once(spans)
    lines = [line for line in said.splitlines() if line.strip()]
    print("\n".join(lines))
    print(f"\n{options.boards} boards, --cores {options.cores}")
    print(f"measured at once       {together:6} (Snakemake alone: {options.cores + 5})")
    print(f"one board              {one:6.1f} s")
    print(f"all boards             {wall:6.1f} s, {wall / one:.1f} times as long")
    print(f"lines on the console   {len(lines):6}, {len(lines) / options.boards:.1f} a board")
    return int(together < options.boards)


if __name__ == "__main__":
    sys.exit(main())
