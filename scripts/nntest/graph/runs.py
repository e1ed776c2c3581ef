"""One run of the workflow at a time in a folder, and what a run says at its end."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from nntest.errors import UserError
from nntest.owner import this_owner


class RunLock:
    """Held while a run goes on; given back by the kernel when the process ends, however it ends.

    Snakemake's own lock is left behind by a kill or a power cut and then refuses the next run
    until someone types `--unlock`; a study must go on with the same command.
    """

    def __init__(self, results: Path, study: str) -> None:
        self._path = results / ".run.lock"
        self._owner = results / ".run.json"
        self._study = study
        self._lock = FileLock(self._path)

    def take(self) -> None:
        """Take the lock, or say who has it (`UserError`)."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another run is active in this folder: {self._owner_text()}",
                "wait for it to end, or run this one in a check-out of its own",
            ) from None
        owner = {
            "study": self._study,
            **this_owner(),
            "pid": os.getpid(),
            "since": datetime.now().isoformat(timespec="seconds"),
        }
        self._owner.write_text(json.dumps(owner), encoding="utf-8")

    def _owner_text(self) -> str:
        try:
            owner = json.loads(self._owner.read_text(encoding="utf-8"))
            return (
                f"study {owner['study']}, {owner['user']} at {owner['host']}, "
                f"process {owner['pid']}, since {owner['since']}"
            )
        except (OSError, ValueError, KeyError):
            return "unknown owner"


def make_room(workflow: Any, waiting: int) -> None:
    """Let Snakemake run `waiting` jobs that take no thread beside those that do.

    Its pool for jobs on this machine has five more workers than there are cores (five in all
    where a cluster runs the rest).  Jobs that wait for boards hold one each; further ones are
    said to be started, and are not.
    """
    scheduler = workflow.scheduler
    executor = scheduler._local_executor or scheduler._executor
    if not hasattr(executor, "pool"):
        return  # `--touch` starts no job
    workers = executor.workers + waiting
    executor.workers = workers
    executor.pool = ThreadPoolExecutor(max_workers=workers)


def headline_text(results: Path) -> str:
    """What came out of a study, and where its report is."""
    try:
        lines = (results / "headline.txt").read_text(encoding="utf-8").rstrip()
    except FileNotFoundError:
        return ""
    return f"\n{lines}\n\nreport: {results / 'report.html'}"


class Controller:
    """The Snakemake process that wanted this one's work, to notice when it is gone."""

    def __init__(self) -> None:
        self._process = next(
            (
                parent
                for parent in psutil.Process().parents()
                if any("snakemake" in part for part in parent.cmdline()[:4])
            ),
            None,
        )

    @property
    def run(self) -> str:
        """A name of the run that no other has."""
        process = self._process or psutil.Process()
        return f"{process.pid} {process.create_time()}"

    def gone(self) -> bool:
        """Whether it has ended; False if there never was one."""
        return self._process is not None and not self._process.is_running()


def stop_the_jobs() -> None:
    """Send SIGINT to the processes below this one that a terminal's Ctrl-C would reach.

    Snakemake waits for its jobs to end, and nobody else stops them if the signal was for it alone.
    """
    for process in psutil.Process().children(recursive=True):
        try:
            if os.getpgid(process.pid) == os.getpgrp():
                process.send_signal(signal.SIGINT)
        except (psutil.Error, OSError):
            continue  # it has just ended
