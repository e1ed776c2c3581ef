"""What a run asks of Snakemake beyond what it documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WAITING = 12
SNAKEFILE = f"""
from nntest.graph.runs import make_room

rule all:
    input: expand("done.{{i}}", i=range({WAITING}))

rule wait:
    output: "done.{{i}}"
    threads: 0
    shell: "touch here.{{wildcards.i}}; "
        "for n in $(seq 300); do "
        "[ $(ls here.* | wc -l) = {WAITING} ] && exec touch {{output}}; sleep 0.1; done; exit 1"

onstart:
    make_room(workflow, waiting={WAITING})
"""


@pytest.mark.timeout(300)
def test_jobs_that_wait_for_boards_run_at_once_whatever_cores_there_are(tmp_path: Path) -> None:
    """Each waits until all are there; Snakemake alone runs six under `--cores 1`."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    for options in ((), ("--touch", "--forceall")):
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *options],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
