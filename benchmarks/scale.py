"""How time and memory behind the sweep grow with rows, platforms and tensors.

    python benchmarks/scale.py [--rows 10000 100000 1000000] [--platforms 1 10 100]
                               [--tensors 10 100 1000] [--keep FOLDER]

Made-up archives in this project's own format are imported into a study without boards.  Each rule
runs in a Snakemake of its own, of which CPU seconds and peak memory are printed; Snakemake's own
two seconds are taken off by a run that has nothing to do.  Growth is seconds over those of the row
above, divided by how much larger the study is: 1 is linear, less is better.  Times are CPU times,
so that a busy machine disturbs them little; memory it does not disturb at all.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME / "tests"), str(HOME / "scripts" / "onboard")]

from archives.ck.ck_samples import good, header, make_plan, make_point, write

RULES = ("merge", "tidy", "tables", "plots", "stills", "pages", "report")
OPERATORS = ("conv", "directconv")


@dataclass(frozen=True)
class Size:
    """How large a made-up study is; each tensor is measured with two operators."""

    platforms: int
    tensors: int
    repetitions: int

    @property
    def rows(self) -> int:
        """Repetitions of all points."""
        return self.platforms * self.tensors * len(OPERATORS) * self.repetitions


def tensors(count: int) -> list[str]:
    """Names of different convolutions, as a large network has them."""
    sizes = [(7 * 2**i, 2 ** (9 - i)) for i in range(6)]
    found = []
    for number in range(count):
        height, channels = sizes[number % len(sizes)]
        found.append(f"{channels}-{height}-{height}-1-{channels + 8 * (number // 6)}-1-0")
    return found


def lines_of(points: Sequence[dict[str, Any]], repetitions: int, seed: int) -> Iterator[Any]:
    """Journal lines: a time for each point, and noise about it."""
    draw = random.Random(seed)
    for number, point in enumerate(points):
        typical = 2e-4 * (1 + number % 50) * draw.uniform(0.8, 1.2)
        for repetition in range(repetitions):
            minute, second = divmod(repetition, 60)
            yield good(
                point,
                repetition,
                process=repetition // 5,
                time_s=typical * draw.lognormvariate(0, 0.05),
                started_at=f"2026-11-21T20:{minute % 60:02d}:{second:02d}Z",
            )


def make_study(folder: Path, size: Size) -> None:
    """Write archives, one a platform, and a config that imports them."""
    names = tensors(size.tensors)
    points = [
        make_point(operator, tensor, repetitions=size.repetitions)
        for operator in OPERATORS
        for tensor in names
    ]
    for number in range(size.platforms):
        name = f"Board {number + 1:03d}"
        plan = make_plan(
            points, label=f"study-{number}", platform={"name": name, "model": name, "vendor": "-"}
        )
        lines = [header(), *lines_of(points, size.repetitions, number)]
        write(folder / f"board-{number:03d}.zip", plan, lines)
    layers = [
        {"name": f"layer{number + 1}", "species": "conv", "tensor": tensor}
        for number, tensor in enumerate(names)
    ]
    config = {
        "study": "scale", "networks": ["large"], "boards": [], "libraries": [],
        "operators": list(OPERATORS), "tuners": ["NONE"], "imports": ["board-*.zip"],
        "baseline": {"operator": "directconv", "tuner": "NONE"},
    }  # fmt: skip
    network = {"definition": {"family": "layers", "layers": layers}}
    (folder / "config" / "networks").mkdir(parents=True)
    (folder / "config" / "networks" / "large.yaml").write_text(yaml.safe_dump(network), "utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")


@dataclass(frozen=True)
class Cost:
    """What a process and all that it started took."""

    cpu_s: float
    peak_mib: float


def snakemake(folder: Path, rule: str) -> Cost:
    """Run a rule of the study (what it needs is there); SystemExit with the words of a failure."""
    command = [
        sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all",
        "--snakefile", str(HOME / "workflow" / "Snakefile"), "--directory", str(folder),
        "--configfile", str(folder / "config.yaml"), "--until", rule, "--", rule,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(HOME / "scripts")}
    # In a process of its own, since the peak of all children is never forgotten.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}"
        os.write(writer, said.encode() if done.returncode == 0 else done.stderr[-4000:].encode())
        os._exit(done.returncode)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    if os.waitpid(child, 0)[1]:
        raise SystemExit(f"{rule}: {said}")
    cpu, peak = map(float, said.split())
    return Cost(cpu, peak)


def costs(folder: Path, size: Size) -> dict[str, Cost]:
    """What each rule takes of a study of that size, Snakemake's own time taken off."""
    folder.mkdir(parents=True)
    make_study(folder, size)
    found = {rule: snakemake(folder, rule) for rule in RULES}
    own = snakemake(folder, RULES[0]).cpu_s  # nothing to do
    return {rule: replace(cost, cpu_s=max(cost.cpu_s - own, 0.0)) for rule, cost in found.items()}


def heading() -> str:
    """The table's first two lines."""
    names = ["platforms", "tensors", "rows", *(f"{rule} s" for rule in RULES), "growth", "MiB",
             "report MB"]  # fmt: skip
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def series(folder: Path, sizes: Sequence[Size], by: str) -> None:
    """Print a table of studies that grow."""
    print(f"\n{by}:\n\n{heading()}", flush=True)
    before: tuple[Size, float] | None = None
    for number, size in enumerate(sizes):
        place = folder / f"{re.sub('[^a-z]', '', by)}-{number}"
        found = costs(place, size)
        total = sum(cost.cpu_s for cost in found.values())
        growth = "" if before is None else (
            f"{total / before[1] / (size.rows / before[0].rows):.2f}")  # fmt: skip
        peak = max(found.items(), key=lambda item: item[1].peak_mib)
        report = (place / "results" / "scale" / "report.html").stat().st_size / 1e6
        seconds = " | ".join(f"{cost.cpu_s:.1f}" for cost in found.values())
        print(
            f"| {size.platforms} | {size.tensors:,} | {size.rows:,} | {seconds} | {growth} | "
            f"{peak[1].peak_mib:.0f} ({peak[0]}) | {report:.1f} |",
            flush=True,
        )
        before = (size, total)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[10**4, 10**5, 10**6])
    parser.add_argument("--platforms", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--tensors", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--keep", type=Path, help="a folder to leave the studies in, to look at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nntest-scale-") as name:
        folder = options.keep or Path(name)
        # Ten platforms, a hundred tensors: more rows are more repetitions.
        series(folder, [Size(10, 100, rows // 2000) for rows in options.rows], "rows")
        series(folder, [Size(count, 20, 10) for count in options.platforms], "platforms")
        series(folder, [Size(1, count, 10) for count in options.tensors], "tensors")


if __name__ == "__main__":
    main()
