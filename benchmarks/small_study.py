"""A small study on this machine, for the benchmarks that measure it again and again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from nntest.archives.runs import read_archives

_HOME = Path(__file__).parents[1]
_BOARD = {"connect": {"transport": "local"}, "work_dir": "results/boards/here"}


class SmallStudy:
    """A study of a few layers in a folder of its own; every run of it measures anew."""

    def __init__(
        self,
        folder: Path,
        layers: Sequence[Mapping[str, str]],
        libraries: Sequence[str],
        **config: Any,
    ) -> None:
        """Write its files; `config` replaces keys of its config."""
        self._folder = folder
        network = {"definition": {"family": "layers", "layers": list(layers)}}
        study = {
            "networks": ["small"], "boards": ["here"], "libraries": list(libraries),
            "operators": ["conv", "directconv"], "tuners": ["NONE"], **config,
        }  # fmt: skip
        files = {
            "config/boards/here.yaml": {**_BOARD, "lock_file": str(folder / "lock")},
            "config/networks/small.yaml": network,
            "config.yaml": study,
        }
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(yaml.safe_dump(content), encoding="utf-8")

    def measure(self, name: str, repetitions: int) -> pd.DataFrame:
        """One run, from the sweep to the merged archive, as a measurement table.

        SystemExit with what Snakemake said where it fails.
        """
        archive = self._folder / "results" / name / f"{name}.zip"
        command = [
            sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all",
            "--snakefile", str(_HOME / "workflow" / "Snakefile"), "--directory", str(self._folder),
            "--configfile", str(self._folder / "config.yaml"),
            "--config", f"study={name}", f"repetitions={repetitions}",
            "--", str(archive.relative_to(self._folder)),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return read_archives([archive], [], lambda _: None)
