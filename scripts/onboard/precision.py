"""Measures until it is sure: which points need further processes, and when it is enough.

Standard library only, Python 3.5 and later: this file is copied to boards.

A plan's `aim` has `precision` (half the width of the median's 95 % interval, as a share of the
median), `point_s` (seconds that a point may take, None for any) and `sweep_s` (the same for all of
them together).  What a point took is in the journal, so a sweep that was interrupted goes on with
what was left of its time.
"""

import itertools
from statistics import median

from clean_runs import counted, run_state
from outcomes import OK, real
from spread import half_width

LONGEST_SERIES = 10000
"""Repetitions of a point, however little sure it is."""
FEWEST_SURE = 5
"""Of a point that is called sure."""


class Aim:
    """What the journal says of how sure each point is, and of the time that was spent on it."""

    def __init__(self, plan):
        self._aim = plan["aim"]
        # Profiled runs are looked at, not averaged.
        self._points = [point for point in plan["points"] if not point.get("profile")]
        self._runs = {point["id"]: [] for point in self._points}
        self._spent = {point["id"]: 0.0 for point in self._points}
        self._known = {}

    def note(self, line):
        """Take in a line of the journal."""
        if line.get("process_of") in self._spent:
            self._spent[line["process_of"]] += real(line.get("seconds")) or 0.0
        elif line.get("point") in self._runs and line.get("status", OK) == OK:
            time_s = real(line.get("time_s"))
            if time_s:
                run = (line.get("process", 0), time_s, _state(line, time_s))
                self._runs[line["point"]].append(run)
                self._known.pop(line["point"], None)

    def round(self, failed):
        """The points that are to have another process now; none if it is enough.

        Half of those that are open, those of which the network's sum depends on the most: a
        layer's weight is how often a network runs it.

        failed: ids of points that are not measured any more.
        """
        waiting = self.open(failed)
        if not waiting:
            return []
        waiting.sort(key=lambda point: (-self._matters(point), point["id"]))
        return waiting[: (len(waiting) + 1) // 2]

    def open(self, failed=()):
        """The points that are not sure yet, and have time left."""
        if self.seconds_left() == 0.0:
            return []
        return [
            point
            for point in self._points
            if point["id"] not in failed
            and self._runs[point["id"]]
            and not self.is_sure(point)
            and self._has_time(point)
            and len(self._runs[point["id"]]) < LONGEST_SERIES
        ]

    def seconds_left(self):
        """What is left of the whole sweep's time; None if that is not limited."""
        if self._aim["sweep_s"] is None:
            return None
        return max(0.0, self._aim["sweep_s"] - sum(self._spent.values()))

    def most_seconds(self):
        """What the open points may still take, at most; None if that is not limited."""
        whole, limit = self.seconds_left(), self._aim["point_s"]
        if limit is None:
            return whole
        points = sum(max(0.0, limit - self._spent[point["id"]]) for point in self.open())
        return points if whole is None else min(points, whole)

    def has_time(self, point):
        """Whether another process of the point may begin."""
        return self.seconds_left() != 0.0 and self._has_time(point)

    def text(self):
        """How far it is, for the line that shows the progress."""
        sure = sum(self.is_sure(point) for point in self._points)
        return "{} of {} points within {:g} %".format(
            sure, len(self._points), 100 * self._aim["precision"]
        )

    def is_sure(self, point):
        """Whether the point's interval is as narrow as was asked for."""
        medians = self._medians(point)
        return (
            len(medians) >= FEWEST_SURE
            and half_width(medians) <= self._aim["precision"]
            and half_width(medians[:-1]) <= self._aim["precision"]
        )

    def _has_time(self, point):
        limit = self._aim["point_s"]
        return limit is None or self._spent[point["id"]] < limit

    def _matters(self, point):
        """By how many seconds the point may put a network's sum off."""
        medians = self._medians(point)
        return point.get("weight", 1) * median(medians) * half_width(medians)

    def _medians(self, point):
        """Medians of the runs that count, by process, in the order in which they ran."""
        key = point["id"]
        if key not in self._known:
            runs = self._runs[key]
            by_process = {}
            kept = counted([run[2] for run in runs])
            for process, time_s, _ in itertools.compress(runs, kept):
                by_process.setdefault(process, []).append(time_s)
            self._known[key] = [median(times) for _, times in sorted(by_process.items())]
        return self._known[key]


def _state(line, time_s):
    """Whether a run was clean, as the tables will say."""
    state = line.get("run_time_state")
    state = state if isinstance(state, dict) else {}
    found, loop = [
        state[name] if isinstance(state.get(name), dict) else {} for name in ("disturbance", "loop")
    ]
    numbers = ("waited_s", "dispatches", "stolen_s", "major_faults")
    watched_s = real(loop.get("seconds")) or time_s
    return run_state(watched_s, *[real(found.get(name)) for name in numbers])
