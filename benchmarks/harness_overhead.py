"""What the on-board runner adds to each repetition, beyond the operator program's own time.

    python benchmarks/harness_overhead.py [REPETITIONS]

Runs a program that only writes its timer file, once by itself and once under the runner with a
process for each repetition (the dearest protocol), in turn, and prints the medians and their
difference.  Bar: 50 ms.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONBOARD = Path(__file__).parents[1] / "scripts" / "onboard"
PROGRAM = """
import json
json.dump({"execution_time_kernel_0": 0.0, "execution_time_kernel_1": 0.001},
          open("tmp-ck-timer.json", "w"))
"""
ROUNDS = 5
BAR_MS = 50.0


def alone(folder: Path, program: Path, repetitions: int) -> float:
    """Milliseconds a repetition of the program by itself."""
    start = time.perf_counter()
    for _ in range(repetitions):
        subprocess.run([sys.executable, program], cwd=folder, check=True)
    return (time.perf_counter() - start) / repetitions * 1e3


def under_the_runner(folder: Path, program: Path, repetitions: int) -> float:
    """Milliseconds a repetition under the runner, its start and end left out."""
    folder.mkdir()
    point = {
        "id": "p", "operator": "conv", "tuner": "NONE", "tensor": "t",
        "argv": [sys.executable, str(program)], "env": {}, "repetitions": repetitions,
        "repetitions_per_process": 1, "protocol": "process", "timeout_s": 60,
    }  # fmt: skip
    plan = {
        "plan_id": "p", "seed": 1, "points": [point], "lock_file": str(folder / "lock"),
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    subprocess.run(
        [sys.executable, ONBOARD / "runner.py", "start", folder], check=True, capture_output=True
    )
    while json.loads((folder / "status.json").read_text("utf-8"))["state"] != "done":
        time.sleep(0.01)
    lines = (folder / "journal.jsonl").read_text("utf-8").splitlines()[1:]
    stamps = [json.loads(line)["started_at"] for line in (lines[0], lines[-1])]
    first, last = (time_of(stamp) for stamp in stamps)
    return (last - first) / (repetitions - 1) * 1e3


def time_of(stamp: str) -> float:
    """Seconds of an ISO time."""
    from datetime import datetime

    return datetime.fromisoformat(stamp).timestamp()


def main() -> int:
    """Print the comparison; exit status 1 if the bar does not hold."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        pairs = [
            (
                alone(folder, program, repetitions),
                under_the_runner(folder / f"round{index}", program, repetitions),
            )
            for index in range(ROUNDS)
        ]
    added = [under - by_itself for by_itself, under in pairs]
    print(f"{os.cpu_count()} cores, {ROUNDS} rounds of {repetitions} repetitions, in turn")
    print(f"program by itself    {statistics.median(p[0] for p in pairs):7.1f} ms a repetition")
    print(f"under the runner     {statistics.median(p[1] for p in pairs):7.1f} ms a repetition")
    print(
        f"the harness adds     {statistics.median(added):7.1f} ms "
        f"({min(added):.1f} to {max(added):.1f}); bar {BAR_MS:.0f} ms"
    )
    return int(statistics.median(added) > BAR_MS)


if __name__ == "__main__":
    sys.exit(main())
