"""A check-out of the workflow in a folder of its own, with a study small enough for a test."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

HOME = Path(__file__).parents[2]

# Two small tensors, one of them twice in the network: 2 x 2 operators x 2 tuners = 8 points.
LAYERS = [
    {"name": "first", "species": "conv", "tensor": "3-32-32-3-8-2-0_1_0_1"},
    {"name": "second", "species": "conv", "tensor": "8-16-16-1-16-1-0"},
    {"name": "third", "species": "conv", "tensor": "8-16-16-1-16-1-0"},
    {"name": "classes", "species": "softmax", "tensor": "16-1-1"},
]
CONFIG: dict[str, Any] = {
    "study": "tiny",
    "networks": ["tiny"],
    "boards": ["here"],
    "libraries": ["opencl-reference"],
    "operators": ["conv", "directconv"],
    "tuners": ["NONE", "DEFAULT"],
    "repetitions": 3,
}
POINTS = 8
REPETITIONS = POINTS * CONFIG["repetitions"]
SWEEP = ("--until", "sweep")
"""The sweep is what is disturbed here; the analysis behind it would only cost time."""

own_study = pytest.mark.slow("measure a study of their own")


class Checkout:
    """The workflow's files in a folder, and Snakemake run there as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path, **changes: Any) -> Checkout:
        """Copy the project, and write the tiny study with `changes` as its config."""
        checkout = cls(folder)
        for name in ("workflow", "scripts", "config"):
            # With what Python has compiled, but for what it is just writing: each check-out would
            # compile all of it once more, for a second of CPU.
            shutil.copytree(HOME / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        checkout.write(
            "config/networks/tiny.yaml", definition={"family": "layers", "layers": LAYERS}
        )
        checkout.write(
            "config/boards/here.yaml",
            connect={"transport": "local"},
            work_dir="results/boards/here",
            # Its own lock: other tests measure at the same time, and prove nothing by waiting.
            lock_file=str(folder / "board.lock"),
        )
        checkout.configure(**changes)
        return checkout

    def copy(self, folder: Path) -> Checkout:
        """The same check-out elsewhere, with its results and Snakemake's memory of them."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)

    def write(self, name: str, **content: Any) -> None:
        """Write a YAML file."""
        (self.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def configure(self, **changes: Any) -> None:
        """Write config.yaml: the tiny study with changes."""
        self.write("config/config.yaml", **{**CONFIG, **changes})

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a file that must be there."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def add(self, name: str, line: str) -> None:
        """Add a line at the end of a file."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")

    def command(self, *arguments: str) -> list[str]:
        """Command line of Snakemake on two cores."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        """Of a process that is to use this check-out's package, not the tests' own."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "scripts"), **(more or {})}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start Snakemake; its output goes to the file `output`."""
        options["env"] = self.environment(options.get("env"))
        with (self.folder / "output").open("w") as output:
            return subprocess.Popen(
                self.command(*arguments), cwd=self.folder, stdout=output,
                stderr=subprocess.STDOUT, text=True, preexec_fn=_hear_stops, **options,
            )  # fmt: skip

    def output(self) -> str:
        """What the Snakemake that was started last has said by now."""
        return (self.folder / "output").read_text()

    def wait_for(self, condition: Callable[[], bool], patience_s: float) -> None:
        """Wait until something is so; a failure, with what Snakemake said, if it never is."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run Snakemake to a good end; what it said."""
        status, output = self.run_anyhow(*arguments, env=env)
        assert status == 0, output
        return output

    def run_anyhow(self, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        """Run Snakemake to any end: (exit status, what it said)."""
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, capture_output=True, text=True, check=False,
            env=self.environment(env),
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def would_run(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule that `snakemake -n` lists; empty when there is nothing to be done."""
        output = self.run("-n", *arguments)
        if "Nothing to be done" in output:
            return {}
        table = output.rsplit("Job stats:", 1)[1].split("\n\n")[0]
        jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)}
        jobs.pop("total")
        return jobs

    def to_measure(self, *arguments: str) -> list[int]:
        """Repetitions to measure that `snakemake -n` shows, one figure for each sweep."""
        output = self.run("-n", *arguments)
        return [int(count) for count in re.findall(r"(\d+) repetitions to measure", output)]

    @property
    def results(self) -> Path:
        """Folder with the study's results."""
        return self.folder / "results" / "tiny"

    def journal(self, library: str = "opencl-reference") -> list[dict[str, Any]]:
        """Lines of the board's own journal, without its first."""
        path = self.folder / "results/boards/here/studies/tiny" / library / "journal.jsonl"
        if not path.exists():
            return []
        whole = path.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in whole][1:]


def end_what_runs_in(folder: Path) -> None:
    """End the processes that work in a folder of ours."""
    for process in psutil.process_iter(["cwd", "cmdline"]):
        try:
            cwd, words = process.info["cwd"] or "", " ".join(process.info["cmdline"] or [])
            if process.pid != os.getpid() and (cwd.startswith(str(folder)) or str(folder) in words):
                process.kill()
        except psutil.Error:
            continue


def _hear_stops() -> None:
    """What a shell starts in the background ignores SIGINT, under nohup SIGHUP too."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
