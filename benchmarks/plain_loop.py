"""Whether a study times ONNX Runtime as a plain loop around the same models does.

    python benchmarks/plain_loop.py [REPETITIONS [ROUNDS]]

Measures the first layers of MobileNet-v1-1.0-224, and the network of them, as a study does, and
right after it each of the same models (from `nntest capsule`) in a loop of twenty lines: a session,
20 runs, then runs for a second, each timed, of which it takes the median.  That in turn, ROUNDS
times (default 3, with 12 repetitions).  Prints for each model the study's median over the loop's,
round by round.  Run it where nothing else does.

Bar: the median of the rounds is within 10 % for every model.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from nntest.analysis.tables import summary
from nntest.commands.main import main as nntest
from small_study import SmallStudy

LAYERS = [
    {"name": "first", "species": "conv", "tensor": "3-224-224-3-32-2-0_1_0_1"},
    {"name": "depthwise", "species": "depthwiseconv", "tensor": "32-112-112-1-1"},
    {"name": "early", "species": "conv", "tensor": "32-112-112-1-64-1-0"},
    {"name": "strided", "species": "depthwiseconv", "tensor": "64-112-112-2-0_1_0_1"},
    {"name": "middle", "species": "conv", "tensor": "64-56-56-1-128-1-0"},
    {"name": "small", "species": "depthwiseconv", "tensor": "128-56-56-1-1"},
    {"name": "late", "species": "conv", "tensor": "128-56-56-1-128-1-0"},
]
STUDY = {
    "operators": ["conv", "depthwiseconv"], "tuners": ["DEFAULT"], "end_to_end": True,
    "padding": "exact", "loop_s": 0.002, "threads": [2],
    "baseline": {"operator": "conv", "tuner": "DEFAULT"},
}  # fmt: skip
LOOP = """
import statistics, sys, time
import numpy, onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
session = onnxruntime.InferenceSession(
    sys.argv[1] + "/model.onnx", options, providers=["CPUExecutionProvider"]
)
inputs = {session.get_inputs()[0].name: numpy.load(sys.argv[1] + "/input.npy")}
for _ in range(20):
    session.run(None, inputs)
times, end = [], time.perf_counter() + 1
while time.perf_counter() < end:
    start = time.perf_counter()
    session.run(None, inputs)
    times.append(time.perf_counter() - start)
print(1e6 * statistics.median(times))
"""
BAND = 0.10


def main(arguments: list[str]) -> int:
    """Measure both, print the ratios; 1 if the bar is missed."""
    repetitions, rounds = (int(given) for given in [*arguments, "12", "3"][:2])
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        study = SmallStudy(folder, LAYERS, ["onnxruntime"], **STUDY)
        for number in range(rounds):
            name = f"round-{number}"
            medians = summary(study.measure(name, repetitions), 42).set_index("tensor")["median_us"]
            for model, median_us in medians.items():
                ratio = float(median_us) / looped(folder, name, str(model))
                found.setdefault(str(model), []).append(ratio)
    for model, ratios in found.items():
        each = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{model:28} {statistics.median(ratios):.3f} times the plain loop's ({each})")
    missed = [name for name, each in found.items() if abs(statistics.median(each) - 1) > BAND]
    print(f"within {100 * BAND:.0f} %: {len(found) - len(missed)} of {len(found)} models")
    return bool(missed)


def looped(folder: Path, study: str, tensor: str) -> float:
    """µs of a run of one of the study's models in the plain loop, in the library's own Python."""
    capsule = folder / f"{study}-{tensor}"
    archive = folder / "results" / study / f"{study}.zip"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = nntest(["capsule", str(archive), f"onnxruntime {tensor}", "-o", str(capsule)])
    if status:
        raise SystemExit(said.getvalue())
    (python,) = folder.glob("results/boards/here/pip/onnxruntime-*/venv/bin/python")
    command = [str(python), "-c", LOOP, str(capsule)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
