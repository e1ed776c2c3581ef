"""What Collective Knowledge has recorded: which points are whole, which failed, and why.

Standard library only, Python 3.5 and later: this file is copied to boards.

`ck run` ends with 0 whatever became of its points.  A point is good as far as its records hold
successful runs with a time; an aborted one is `{"run": {}}`, a wrong output has a time that
counts for nothing, and the reason of the former is in another file.
"""

import json
import os
import re
import time

from outcomes import FAILED, LONGEST_REASON, NO_REASON, OK, of_ck_run, real

POINT_FILE = re.compile(r"ckp-([0-9a-f]{16})\.([0-9]{4})\.json\Z")


class Record:
    """One point in one entry, all of its sub-points together."""

    def __init__(self, uid):
        self.uid = uid
        self.choices = {}
        self.good = 0
        """Repetitions with a time."""
        self.status = ""
        """Why there are not more of them; "" if nothing failed."""
        self.reason = ""

    def is_of(self, point):
        """Whether it is the record of a plan's point (its entry being the right one)."""
        environment = self.choices.get("env")
        wanted = list(point["variables"]) + [["CK_IN_SHAPE_N", point["batch_size"]]]
        if not isinstance(environment, dict):
            return False
        same = all(real(environment.get(key)) == float(value) for key, value in wanted)
        return same and environment.get("CK_LWS_TUNER_TYPE", "NONE") == point["tuner"]


def read_entry(folder, settled_s=0.0):
    """[`Record`] of an entry, in the order of their names; what CK has half written is left out.

    `settled_s`: only files that were last written that long ago.
    """
    before = time.time() - settled_s
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    records = {}
    for name in names:
        match = POINT_FILE.match(name)
        if match is None:
            continue
        path = os.path.join(folder, name)
        content = _load(path)
        if content is None or (settled_s and os.path.getmtime(path) > before):
            continue
        record = records.setdefault(match.group(1), Record(match.group(1)))
        choices = content.get("choices")
        record.choices = choices if isinstance(choices, dict) else {}
        _count(record, content, folder)
    return [records[uid] for uid in sorted(records)]


def forget(folder, record):
    """Take a failed record out of its entry, so that CK measures the point anew."""
    for name in os.listdir(folder):
        if name.startswith("ckp-{}.".format(record.uid)):
            os.remove(os.path.join(folder, name))


def _count(record, content, folder):
    items = content.get("characteristics_list")
    if not isinstance(items, list) or not items:
        record.status, record.reason = FAILED, "CK recorded no run"
        return
    aborted = _aborted(folder, record.uid)
    for item in items:
        run = item.get("run") if isinstance(item, dict) else None
        run = run if isinstance(run, dict) else {}
        # Programs print blanks after the names of times.
        status, reason = of_ck_run({key.strip(): run[key] for key in run}, aborted)
        if status == OK:
            record.good += 1
        else:
            record.status, record.reason = status, reason[:LONGEST_REASON] or NO_REASON


def _aborted(folder, uid):
    """Why CK aborted a point, "" if it did not."""
    flat = _load(os.path.join(folder, "ckp-{}.flat.json".format(uid))) or {}
    reason = flat.get("##pipeline_state#fail_reason#min")
    return reason if isinstance(reason, str) else ""


def _load(path):
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
