"""Damaged files of every kind that is read from others, for as long as you say.

    python benchmarks/fuzz.py --minutes 60 [--seed 1] [--keep FOLDER]

The kinds, the ways to damage them and what may come of reading one are the tests' own
(tests/damaged_files.py): a message to the user, or what stands in the file; never another
exception, and never a time that is not in it.  Kinds take turns.  At the first fault Hypothesis
looks for the smallest input that has it; that input is kept, its traceback shown, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts" / "onboard"))

from damaged_files import READERS, read_damaged
from hypothesis import HealthCheck, Phase, given, seed, settings

A_TURN = 50
"""Inputs of one kind before the next one's turn."""


def a_turn(kind: str, number: int, counts: Counter[str], last: Path) -> None:
    """Read so many damaged files of a kind; what is read is in the file `last` before."""
    reader = READERS[kind]

    @seed(number)
    @settings(
        max_examples=A_TURN, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(reader.damaged())
    def reads(damaged: tuple[str, bytes]) -> None:
        last.write_bytes(damaged[1])
        counts[kind] += 1
        read_damaged(reader, *damaged)

    reads()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="no turn begins later")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for an input that shows a fault")
    parser.add_argument("--kinds", nargs="+", choices=READERS, default=list(READERS))
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="nntest-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    counts = Counter(dict.fromkeys(arguments.kinds, 0))
    began, turn, fault = time.monotonic(), 0, ""
    while not fault and time.monotonic() - began < 60 * arguments.minutes:
        for kind in arguments.kinds:
            last = folder / f"last of {kind}"
            try:
                a_turn(kind, 1_000_000 * arguments.seed + turn, counts, last)
            except Exception:
                traceback.print_exc()
                fault = f"a fault in the reading of {kind}: {last}"
                break
        turn += 1
    print(f"{(time.monotonic() - began) / 60:.1f} min, seed {arguments.seed}; inputs read:")
    for kind, count in counts.items():
        print(f"  {kind:<18} {count:>7}")
    print(fault or "no exception but messages to the user, and no invented time")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
