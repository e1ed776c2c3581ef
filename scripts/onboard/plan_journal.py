"""A plan with the journal of its folder: what it still lacks, in rounds, and what has come to it.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import os

from job_names import JOURNAL_FILE
from journal import Journal
from outcomes import OK, Progress, read_lines
from precision import Aim


class PlanJournal:
    """One plan's."""

    def __init__(self, folder, plan):
        self.folder = folder
        self.plan = plan
        path = os.path.join(folder, JOURNAL_FILE)
        self._journal = Journal(path)
        planned = {point["id"] for point in plan["points"]}
        self.progress = Progress(line for line in read_lines(path) if line.get("point") in planned)
        self.aim = None
        if plan.get("aim"):
            self.aim = Aim(plan)
            for line in read_lines(path):
                self.aim.note(line)

    def keep(self, line):
        """Put a line into the journal, and count it."""
        self._journal.append(line)
        self.progress.note(line)
        if self.aim:
            self.aim.note(line)

    def is_unfinished(self):
        """Whether anything is to be measured."""
        return bool(self.open_points()) or any(
            self.progress.missing(point) and point["id"] not in self.progress.failed
            for point in self.plan["points"]
        )

    def open_points(self):
        """The points of which more is to be measured than the plan's repetitions."""
        return self.aim.open(self.progress.failed) if self.aim else []

    def rounds(self, profiled):
        """Lists of (point, process index, repetitions) that are missing, a process of each point.

        profiled: of the points that are profiled, or of those that are timed.
        """
        rounds = []
        for point in self.plan["points"]:
            if bool(point.get("profile")) != profiled:
                continue
            missing = self.progress.missing(point)
            size = point["repetitions_per_process"] if point["protocol"] == "in-process" else 1
            process = self.progress.processes.get(point["id"], 0)
            for number, start in enumerate(range(0, len(missing), size)):
                while len(rounds) <= number:
                    rounds.append([])
                rounds[number].append((point, process + number, missing[start : start + size]))
        return rounds

    def further_round(self):
        """(point, process index, repetitions) of the points that are to be surer; may be none."""
        if self.aim is None:
            return []
        points = self.aim.round(self.progress.failed)
        return [(point,) + self.progress.further(point) for point in points]

    def may_run(self, point):
        """Whether a process of the point may begin: it has not failed, and has time left."""
        is_whole = not self.progress.missing(point)
        out_of_time = self.aim is not None and is_whole and not self.aim.has_time(point)
        return point["id"] not in self.progress.failed and not out_of_time

    def counts(self):
        """Repetitions, those missing and done, and points that failed."""
        points, progress = self.plan["points"], self.progress
        return {
            "repetitions": sum(
                max(point["repetitions"], progress.count_done([point])) for point in points
            ),
            "missing": sum(len(progress.missing(point)) for point in points),
            "done": progress.count_done(points),
            "failed_points": sum(point["id"] in progress.failed for point in points),
        }


def is_good(line):
    """Whether a line is a repetition that was measured."""
    return line.get("status") == OK
