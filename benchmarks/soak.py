"""Studies on a loopback board, disturbed at random for as long as you say; losses are counted.

    python benchmarks/soak.py --minutes 120 [--seed 1] [--keep FOLDER]

A real sshd of this machine is the board.  Each round measures a small study with another seed, so
other points, in one journal that grows, while faults are drawn from the seed:

    controller   Snakemake is killed, alone or with its jobs, and started again
    interrupt    it gets SIGINT or SIGTERM
    runner       the runner on the board is killed
    cut          nothing goes over the link for up to 20 s
    reconnect    every connection is closed
    sshd         the server ends, and is back after a few seconds
    disk         the board's disk, a tmpfs of 32 MiB, is filled (as root only: it is mounted)
    clock        the board's wall clock jumps, by jumping_clock.c in all that runs there; the
                 monotonic clock does not, as it does not on a real board
    rival        another check-out, so another owner, measures another plan in the same study folder

After each round the board's journal, the plan and the archive are held against each other, and both
sides are searched for what is left behind.  Exit status 1 if a count is not zero.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

HOME = Path(__file__).parents[1]
JUMPING_CLOCK = Path(__file__).with_name("jumping_clock.c")
sys.path.insert(0, str(HOME / "tests"))  # the board and the check-out are the tests' own

import psutil
from soak_counts import COUNTS, count_sweep, files_left, has_grown, locks_left, processes_in
from workflow.ssh_bench import SshBench
from workflow.study import SWEEP, Checkout

REPETITIONS, RIVALS_REPETITIONS = 4, 2
MOST_STARTS = 8
"""Of one study: a round that needs more is unfinished."""
MOST_FAULTS = 3
QUIET_S = 30.0
"""How long after a round something may still be ending."""
DISK_MB = 32
OFFSETS_S = (0, 90, 3600, -3600, -3 * 86400, 400 * 86400)


class Soak:
    """The board, the check-outs and the counts."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.counts = Counter(dict.fromkeys(COUNTS, 0))
        self.faults: Counter[str] = Counter()
        self.peaks: dict[str, list[float]] = {"controller": [], "runner": []}
        self.bench = SshBench(folder, repetitions=REPETITIONS)
        self._other = Checkout(folder / "rival")
        self._clock = folder / "clock"
        self._work = self.bench.sshd.home / "work folder of here"
        self._work.mkdir()
        self._rival: tuple[Checkout, subprocess.Popen[str]] | None = None
        self._drawn: dict[str, Callable[[subprocess.Popen[str]], None]] = {
            "controller": self._kill_controller, "interrupt": self._interrupt,
            "runner": self._kill_runner, "cut": self._cut, "reconnect": self._reconnect,
            "sshd": self._restart_sshd, "disk": self._fill_disk, "clock": self._set_clock,
            "rival": self._start_rival,
        }  # fmt: skip

    def set_up(self) -> None:
        """Make the disk and the clock of the board's own, and install the library."""
        self._own_disk()
        self._own_clock()
        self.bench.checkout.run("--until", "install")
        shutil.copytree(self.bench.checkout.folder, self._other.folder, symlinks=True)

    def _own_disk(self) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}M", "tmpfs", str(self._work)]
        if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
            del self._drawn["disk"]
            print("disks are not filled: only root may mount a small one")

    def _own_clock(self) -> None:
        environment = {
            "POCL_CACHE_DIR": str(Path.home() / ".cache/pocl/kcache"),
            # PyOpenCL has one of its own in the home folder, which is not ours to count.
            "XDG_CACHE_HOME": str(self.bench.folder / "caches"),
        }
        library = self._clock.with_suffix(".so")
        compile_it = ["cc", "-shared", "-fPIC", "-o", str(library), str(JUMPING_CLOCK), "-ldl"]
        if shutil.which("cc") is None:
            del self._drawn["clock"]
            print("clocks do not jump: there is no C compiler")
        else:
            subprocess.run(compile_it, check=True)
            self._clock.write_bytes(struct.pack("q", 0))
            environment |= {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self._clock)}
        self.bench.board("here", environment=environment, patience_s=120)

    def close(self) -> None:
        """End everything, and unmount the disk."""
        self.bench.close()
        if self._work.is_mount():
            subprocess.run(["umount", "--lazy", self._work], check=True)

    # -- faults ----------------------------------------------------------------------------

    def _kill_controller(self, running: subprocess.Popen[str]) -> None:
        if self.random.random() < 0.5:
            running.kill()
        else:
            os.killpg(running.pid, signal.SIGKILL)

    def _interrupt(self, running: subprocess.Popen[str]) -> None:
        os.killpg(running.pid, self.random.choice([signal.SIGINT, signal.SIGTERM]))

    def _kill_runner(self, running: subprocess.Popen[str]) -> None:
        runner = self._runner()
        if runner is not None:
            runner.kill()

    def _cut(self, running: subprocess.Popen[str]) -> None:
        self.bench.wire.cut()
        time.sleep(self.random.uniform(0.5, 20))
        self.bench.wire.mend()

    def _reconnect(self, running: subprocess.Popen[str]) -> None:
        self.bench.wire.hang_up()

    def _restart_sshd(self, running: subprocess.Popen[str]) -> None:
        self.bench.sshd.stop()
        self.bench.wire.hang_up()
        time.sleep(self.random.uniform(0.5, 5))
        self.bench.sshd.start()

    def _fill_disk(self, running: subprocess.Popen[str]) -> None:
        filler = self._work / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(65536))
        time.sleep(self.random.uniform(1, 8))
        filler.unlink()

    def _set_clock(self, running: subprocess.Popen[str]) -> None:
        with self._clock.open("r+b") as stream:  # in place: it is mapped
            stream.write(struct.pack("q", self.random.choice(OFFSETS_S)))

    def _start_rival(self, running: subprocess.Popen[str]) -> None:
        if self._rival is None:
            self._rival = self._other, self._other.start(*SWEEP, start_new_session=True)

    def _runner(self) -> psutil.Process | None:
        """The runner on the board, if one is at work."""
        with contextlib.suppress(OSError, ValueError, KeyError, psutil.Error):
            status = json.loads((self.bench.work() / "status.json").read_text())
            process = psutil.Process(status["pid"])
            if any(word.endswith("runner.py") for word in process.cmdline()):
                return process
        return None

    # -- a round ---------------------------------------------------------------------------

    def round(self, number: int) -> None:
        """One study, from the first start to its good end, and what is left of it."""
        self._rival = None
        peaks: Counter[str] = Counter()
        for checkout, repetitions, seed in (
            (self.bench.checkout, REPETITIONS, 2 * number),
            (self._other, RIVALS_REPETITIONS, 2 * number + 1),
        ):
            checkout.configure(seed=seed, repetitions=repetitions)
        left = self.random.randint(1, MOST_FAULTS)
        for _ in range(MOST_STARTS):
            running = self.bench.checkout.start(*SWEEP, start_new_session=True)
            while left and self._runs_on(running, self.random.uniform(2, 20), peaks):
                fault = self.random.choice(sorted(self._drawn))
                self.faults[fault] += 1
                left -= 1
                self._drawn[fault](running)
            self._runs_on(running, 600, peaks)
            self._read_output(self.bench.checkout)
            if running.poll() == 0:
                break
        self._check(self.bench.checkout, running)
        if self._rival is not None:
            self._end_rival(*self._rival)
        for name, values in self.peaks.items():
            values.append(peaks[name] / 2**20)
        self._search()

    def _runs_on(self, running: subprocess.Popen[str], seconds: float, peaks: Counter[str]) -> bool:
        """Wait, and keep the peaks of memory (bytes); whether it still runs then."""
        deadline = time.monotonic() + seconds
        while running.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psutil.Error):
                controller = psutil.Process(running.pid)
                processes = [controller, *controller.children(recursive=True)]
                used = sum(process.memory_info().rss for process in processes)
                peaks["controller"] = max(peaks["controller"], used)
                if (runner := self._runner()) is not None:
                    peaks["runner"] = max(peaks["runner"], runner.memory_info().rss)
            time.sleep(0.5)
        return running.poll() is None

    def _end_rival(self, checkout: Checkout, running: subprocess.Popen[str]) -> None:
        """It may have been told that the disk is full: then it is started again."""
        for _ in range(MOST_STARTS):
            self._runs_on(running, 600, Counter())
            self._read_output(checkout)
            if running.poll() == 0:
                break
            running = checkout.start(*SWEEP, start_new_session=True)
        self._check(checkout, running)

    def _read_output(self, checkout: Checkout) -> None:
        output = (checkout.folder / "output").read_text()
        # Snakemake has one where Ctrl-C comes before it has read a line of ours.
        if str(checkout.folder) in output.partition("Traceback")[2]:
            self.counts["tracebacks"] += 1
            print(output[-3000:])

    def _check(self, checkout: Checkout, running: subprocess.Popen[str]) -> None:
        if running.poll() != 0:
            self.counts["unfinished"] += 1
            print((checkout.folder / "output").read_text()[-3000:])
            return
        sweep = checkout.results / "sweeps" / "here.opencl-reference"
        self._add(count_sweep(sweep, self.bench.journal()))

    def _add(self, found: Counter[str]) -> None:
        self.counts.update(found)
        if any(found.values()):
            print("  !", {name: count for name, count in found.items() if count})

    def _search(self) -> None:
        """Count what the round left behind, once all had time to end."""
        deadline = time.monotonic() + QUIET_S
        listener = self.bench.sshd.pid
        while left := processes_in(self.bench.folder, [listener]):
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        results = [checkout.folder / "results" for checkout in (self.bench.checkout, self._other)]
        board = self.bench.sshd
        files = files_left(board.home, self._work, self.bench.work(), results[0])
        locks = [board.folder / "here.lock", *(folder / ".run.lock" for folder in results)]
        for name, what in (
            ("processes left", left), ("files left", files), ("locks left", locks_left(locks)),
        ):  # fmt: skip
            self.counts[name] += len(what)
            for line in what:
                print(f"  ! {name}: {line}")

    def table(self, rounds: int, seconds: float) -> Iterator[str]:
        """Lines with what happened and what was counted."""
        yield f"{rounds} rounds in {seconds / 60:.1f} min; faults: " + ", ".join(
            f"{count} {name}" for name, count in sorted(self.faults.items())
        )
        for name, peaks in self.peaks.items():
            if peaks:
                yield f"peak memory of the {name}: {peaks[0]:.0f} to {peaks[-1]:.0f} MiB"
        for name in COUNTS:
            yield f"{name:<16} {self.counts[name]:>6}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=120, help="no round begins later")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--keep", type=Path, help="folder to work in, and to leave as it is")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="nntest-soak-"))
    soak = Soak(folder, arguments.seed)
    began, rounds = time.monotonic(), 0
    try:
        soak.set_up()
        while time.monotonic() - began < 60 * arguments.minutes:
            rounds += 1
            before = Counter(soak.faults)
            soak.round(rounds)
            drawn = ", ".join((soak.faults - before).elements())
            wrong = sum(soak.counts.values())
            print(f"round {rounds}: {drawn or 'nothing'}; {wrong} wrong so far", flush=True)
    finally:
        soak.close()
    soak.counts["memory grown"] = sum(has_grown(peaks) for peaks in soak.peaks.values())
    print(*soak.table(rounds, time.monotonic() - began), sep="\n")
    if arguments.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if sum(soak.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
