"""A `snakemake` with nothing to do, against one of the same number of jobs with empty rules.

    python benchmarks/noop.py

Needs a finished study in results/ (after `make run`).  Times `snakemake` on it and on a made-up
workflow of as many jobs and files, in turn, and prints the medians and their ratio.  Bar: 1.5.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).parents[1]
ROUNDS = 7
BAR = 1.5


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds that Snakemake takes, and what it says."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - start, done.stdout + done.stderr


def empty_workflow(folder: Path, jobs: int) -> None:
    """As many jobs as the study has, one after the other in no more than two steps."""
    (folder / "Snakefile").write_text(
        "rule all:\n    input: 'last'\n"
        f"rule last:\n    input: expand('out/{{i}}', i=range({jobs - 2}))\n"
        "    output: touch('last')\n"
        "rule one:\n    output: touch('out/{i}')\n",
        encoding="utf-8",
    )


def main() -> int:
    """Print the comparison; exit status 1 if the bar does not hold."""
    _, said = snakemake(HOME, "-n", "--forceall")
    jobs = int(re.findall(r"^total\s+(\d+)$", said, re.M)[-1])
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name)
        empty_workflow(empty, jobs)
        snakemake(empty)
        pairs = []
        for _ in range(ROUNDS):
            ours, said = snakemake(HOME)
            if "Nothing to be done" not in said:
                print("the study is not finished: `make run` first", file=sys.stderr)
                return 2
            pairs.append((ours, snakemake(empty)[0]))
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    print(f"{jobs} jobs, {ROUNDS} rounds, in turn")
    print(f"the study      {statistics.median(p[0] for p in pairs):6.2f} s")
    print(f"empty rules    {statistics.median(p[1] for p in pairs):6.2f} s")
    print(f"ratio          {ratio:6.2f}; bar {BAR}")
    return int(ratio > BAR)


if __name__ == "__main__":
    sys.exit(main())
