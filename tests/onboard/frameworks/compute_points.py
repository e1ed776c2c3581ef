"""Computes many points with one library, in its own Python: `compute_points.py LIBRARY`.

Reads a JSON object of points, each [operator, environment, options or null], and prints one with
what came of each: {"difference": …, "allowed": …, "ran": …} or {"status": …, "reason": …}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ONBOARD = Path(__file__).parents[3] / "scripts" / "onboard"
sys.path[:0] = [str(ONBOARD / "frameworks"), str(ONBOARD / "programs_common")]

from failures import Failure
from measurement import take, with_threshold
from point import Settings
from quantise import read_in_data_type
from reference import compare


def compute(library: str, operator: str, environment: dict[str, str]) -> dict[str, object]:
    settings = with_threshold(Settings.from_environment(environment), operator, environment)
    try:
        backend, threads, options = take(library, {**environment, "NNTEST_THREADS": "2"})
        graph = read_in_data_type(operator, environment, settings, backend.integers)
        backend.load()
        backend.build(graph, threads, options, settings)
        ran = backend.kernels()
        for _ in range(2):
            backend.clear()
            backend.run()
        found = compare(backend.output(), graph.expected, graph.tolerance)
    except Failure as failure:
        return {"status": failure.status, "reason": failure.reason}
    return {"difference": found.max_abs_diff, "allowed": graph.tolerance, "ran": ran}


def main() -> None:
    points = json.load(sys.stdin)
    answers = {}
    for name, (operator, environment) in points.items():
        environment = {key: str(value) for key, value in environment.items()}
        answers[name] = compute(sys.argv[1], operator, environment)
    # A library may print too: what is ours is the last line.
    print("\n" + json.dumps(answers))


main()
