"""Two workflows want one study folder on one board, at random moments: whose result is whose.

    python benchmarks/two_controllers.py --trials 20 [--seed 1] [--kinds KIND ...] [--keep FOLDER]

A real sshd of this machine is the board.  Each trial gives both workflows plans that are new and
differ, starts the first one, and brings in the second one at a moment drawn from its whole run:

    suspended         the first sleeps (SIGSTOP to all of it) until the second is done
    cut off           nothing goes over the first one's link until the second is done
    other plan        the second is of the same user, in another check-out
    other owner       the second is another user's
    take-over         the second takes the board over; the first, if it lost it, runs again
    take-over, back   the first, if it lost the board, takes it back; then the second runs again

Counted are rows that are not the plan's own, lost, doubled or mislabelled; boards that a workflow
lost to one that was to wait (stolen); and workflows that ended well without all of their results,
or ended badly without having been stopped (exit status).  Exit status 1 if a count is not zero.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the board and the check-outs

from measuring.transport.sshd import Proxy
from soak_counts import count_sweep
from workflow.ssh_bench import SshBench
from workflow.study import SWEEP, Checkout

COUNTS = ("foreign", "lost", "doubled", "mislabelled", "stolen", "exit status", "tracebacks")
REPETITIONS = 6
OPERATORS = {"operators": ["conv", "directconv"], "tuners": ["NONE"]}
PATIENCE_S = 300.0
"""For a whole run of a workflow on a busy machine."""
STOPPED = "another process stopped the sweep"
TOOK_OVER = "taking the board over from"
SUSPENDED, CUT_OFF = "suspended", "cut off"
OTHER_PLAN, OTHER_OWNER = "other plan", "other owner"
TAKE_OVER, AND_BACK = "take-over", "take-over, back"
KINDS = (SUSPENDED, CUT_OFF, OTHER_PLAN, OTHER_OWNER, TAKE_OVER, AND_BACK)


class Workflow:
    """A check-out that measures with a wire to the board of its own."""

    def __init__(self, checkout: Checkout, wire: Proxy) -> None:
        self.checkout = checkout
        self.wire = wire
        self.running: subprocess.Popen[str]
        self._environment: dict[str, str] = {}

    def start(
        self, on_busy_board: str = "wait", user: str = "ann", seed: int | None = None
    ) -> None:
        """Begin a run; with a seed, of a new plan."""
        self._seed = seed if seed is not None else self._seed
        self.checkout.configure(
            **OPERATORS, repetitions=REPETITIONS, seed=self._seed, on_busy_board=on_busy_board
        )
        self.running = self.checkout.start(*SWEEP, start_new_session=True, env={"LOGNAME": user})

    def ended(self) -> int:
        """Wait for the end of its run; the exit status."""
        return self.running.wait(PATIENCE_S)

    @property
    def said(self) -> str:
        """All that it has said."""
        return (self.checkout.folder / "output").read_text("utf-8")

    @property
    def was_stopped(self) -> bool:
        """Whether it says that somebody else stopped its sweep."""
        return STOPPED in self.said

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """All of it sleeps, its jobs included."""
        os.killpg(self.running.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.running.pid, signal.SIGCONT)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Nothing goes over its link, and nobody tells it."""
        self.wire.cut()
        try:
            yield
        finally:
            self.wire.mend()


class Trials:
    """The board, both workflows, and what was counted, by kind of trial."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.counts = {kind: Counter(dict.fromkeys(COUNTS, 0)) for kind in KINDS}
        self.trials: Counter[str] = Counter()
        self._kind = ""
        self.bench = SshBench(folder, **OPERATORS, repetitions=REPETITIONS)
        self._second_wire = Proxy(self.bench.sshd.port)
        self.bench.sshd.is_known_behind(self._second_wire)
        self._of_kind: dict[str, Callable[[], None]] = {
            SUSPENDED: lambda: self._without_the_first(Workflow.suspended),
            CUT_OFF: lambda: self._without_the_first(Workflow.cut_off),
            OTHER_PLAN: lambda: self._side_by_side("ann"),
            OTHER_OWNER: lambda: self._side_by_side("bob"),
            TAKE_OVER: self._take_over,
            AND_BACK: self._take_over_and_back,
        }

    def set_up(self) -> None:
        """Install the library, and see how long an undisturbed run takes."""
        bench = self.bench
        bench.board("here", patience_s=PATIENCE_S)
        bench.checkout.run("--until", "install")
        other = bench.checkout.copy(bench.folder / "second")
        ports = (f"port: {port}" for port in (bench.wire.port, self._second_wire.port))
        other.edit("config/boards/here.yaml", *ports)
        self.first = Workflow(bench.checkout, bench.wire)
        self.second = Workflow(other, self._second_wire)
        began = time.monotonic()
        self.first.start(seed=self._new_seed())
        assert self.first.ended() == 0, self.first.said
        self._run_s = time.monotonic() - began

    def close(self) -> None:
        """End all that runs."""
        self._second_wire.close()
        self.bench.close()

    def trial(self, kind: str) -> None:
        """One trial of a kind."""
        self._kind = kind
        self.trials[kind] += 1
        before = Counter(self.counts[kind])
        self._of_kind[kind]()
        if found := self.counts[kind] - before:
            print(f"{kind}: {dict(found)}")
            for workflow in (self.first, self.second):
                print(workflow.said[-3000:])

    # -- kinds -----------------------------------------------------------------------------

    def _start_both(self, user: str = "ann", on_busy_board: str = "wait") -> None:
        """The second one at some moment of the first one's run."""
        self.first.start(on_busy_board, seed=self._new_seed())
        time.sleep(self.random.uniform(0, self._run_s))
        self.second.start(on_busy_board, user, self._new_seed())

    def _without_the_first(self, away: Callable[[Workflow], object]) -> None:
        self.first.start(seed=self._new_seed())
        time.sleep(self.random.uniform(0, self._run_s))
        if self.first.running.poll() is not None:
            away = _as_it_is  # it was quick: its results are to stay its own all the same
        with away(self.first):
            self.second.start(seed=self._new_seed())
            self._ends_well(self.second)
        self._ends_well(self.first)

    def _side_by_side(self, user: str) -> None:
        self._start_both(user)
        self._ends_well(self.first)
        self._ends_well(self.second)

    def _take_over(self) -> None:
        self._start_both(on_busy_board="take-over")
        self._ends_well(self.second)
        if self._has_lost_the_board(self.first, self.second):
            self.first.start("wait")
            self._ends_well(self.first)

    def _take_over_and_back(self) -> None:
        self._start_both(on_busy_board="take-over")
        if not self._has_lost_the_board(self.first, self.second):
            self._ends_well(self.second)
            return
        self.first.start("take-over")
        self._ends_well(self.first)
        if self._has_lost_the_board(self.second, self.first):
            self.second.start("wait")
            self._ends_well(self.second)

    # -- counting --------------------------------------------------------------------------

    def _ends_well(self, workflow: Workflow) -> None:
        """It ends with 0, has all of its results and no other's."""
        status = workflow.ended()
        counts = self.counts[self._kind]
        counts["tracebacks"] += "Traceback" in workflow.said
        counts["stolen"] += workflow.was_stopped
        if status != 0:
            counts["exit status"] += 1
            return
        sweep = workflow.checkout.results / "sweeps/here.opencl-reference"
        found = count_sweep(sweep, self.bench.journal())
        counts["exit status"] += bool(found["lost"])
        for name in ("foreign", "lost", "doubled", "mislabelled"):
            counts[name] += found[name]

    def _has_lost_the_board(self, workflow: Workflow, taker: Workflow) -> bool:
        """Whether it was stopped, which it has to say; one that was done before ends well."""
        status = workflow.ended()
        if status == 0:
            self._ends_well(workflow)
            return False
        taken = workflow.was_stopped and TOOK_OVER in taker.said
        self.counts[self._kind]["exit status"] += not taken
        return True

    def _new_seed(self) -> int:
        return self.random.randrange(2**31)

    def table(self) -> Iterator[str]:
        """A Markdown table: what was counted, by kind."""
        yield "| trial | trials | " + " | ".join(COUNTS) + " |"
        yield "|---" * (2 + len(COUNTS)) + "|"
        for kind, count in self.trials.items():
            cells = [count, *(self.counts[kind][name] for name in COUNTS)]
            yield f"| {kind} | " + " | ".join(map(str, cells)) + " |"


@contextmanager
def _as_it_is(workflow: Workflow) -> Iterator[None]:
    yield


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20, help="of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--keep", type=Path, help="folder to work in, and to leave as it is")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="nntest-two-"))
    trials = Trials(folder, arguments.seed)
    began = time.monotonic()
    try:
        trials.set_up()
        for number in range(arguments.trials):
            for kind in arguments.kinds:
                trials.trial(kind)
            print(f"{number + 1} of each, {(time.monotonic() - began) / 60:.1f} min")
            print(*trials.table(), sep="\n", flush=True)
    finally:
        trials.close()
    if arguments.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if any(map(Counter.total, trials.counts.values())) else 0


if __name__ == "__main__":
    sys.exit(main())
