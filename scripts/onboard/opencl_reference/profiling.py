"""Records every kernel that is launched: when, how large, and in which part of the run.

Off unless ``NNTEST_PROFILE=kernels``; then the device's queue keeps times, and each repetition's
record has a list of its launches. Times are the device's clock, in nanoseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from failures import BadValue

if TYPE_CHECKING:
    from point import Environment

PHASES = ("setup", "tuning", "warmup", "run")
_TOO_MANY = 1000  # events to keep before their times are read


class Profiler:
    """Takes down launches; ``phase`` says which part of the run it is in."""

    def __init__(self) -> None:
        self.phase = PHASES[0]
        self._events: list[tuple[dict[str, Any], Any]] = []
        self._records: list[dict[str, Any]] = []

    def note(self, launch: Any, event: Any) -> None:
        """Take down one launch (launch.Launch) that has just been enqueued."""
        local_size = launch.local_size
        record = {
            "name": launch.label,
            "phase": self.phase,
            "global_size": list(launch.global_size),
            "local_size": list(local_size) if local_size else None,
        }
        self._events.append((record, event))
        if len(self._events) > _TOO_MANY and self.phase != "run":
            self._settle()

    def take(self) -> list[dict[str, Any]]:
        """Return the launches since the last call, in order; waits until they have ended."""
        self._settle()
        records, self._records = self._records, []
        return records

    def _settle(self) -> None:
        for record, event in self._events:
            event.wait()
            times = event.profile
            record["queued_ns"] = times.queued
            record["submitted_ns"] = times.submit
            record["start_ns"] = times.start
            record["end_ns"] = times.end
            self._records.append(record)
        self._events = []


recorder: Profiler | None = None
"""Who takes down launches; None, as nearly always: nobody."""


def start(environment: Environment) -> None:
    """Start recording if the environment asks for it; raises BadValue."""
    global recorder
    wanted = environment.get("NNTEST_PROFILE", "").strip()
    if wanted not in ("", "none", "kernels"):
        raise BadValue(f"NNTEST_PROFILE={wanted!r} is neither 'kernels' nor 'none'")
    recorder = Profiler() if wanted == "kernels" else None


def enter(phase: str) -> None:
    """Say which part of the run begins."""
    if recorder is not None:
        recorder.phase = phase


def taken() -> dict[str, Any]:
    """Return what a repetition's record says of its kernels: {} where nothing is recorded."""
    return {} if recorder is None else {"kernels": recorder.take()}
