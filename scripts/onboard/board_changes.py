"""What of a board has changed since its journal began: kernel, governors, library, load.

Standard library only, Python 3.5 and later: this file is copied to boards.

A sweep looks before its first repetition and after its last one.  What it sees is kept beside the
journal, so that rows of one journal are never of two kernels without a word, however many sweeps,
reboots and kills lie between them.
"""

import glob
import hashlib
import os
import time

from clock import utc_now
from device_settings import GOVERNOR_FILES
from job_names import CHANGES_FILE
from json_files import read_json, write_atomically
from kernel_files import find

LOAD_OVER_S = 0.2
LOAD_DIFFERS = 0.5
"""In busy cores: less may be chance."""
_NAMED = 3
"""Files that a sentence names; more are counted."""


class BoardChanges:
    """Compares the board with what it was at the last look, maybe another sweep's.

    `watch` says at what to look: ``governors`` [folder of the kernel] and ``library`` [pattern of
    files].
    """

    def __init__(self, folder, watch):
        self._path = os.path.join(folder, CHANGES_FILE)
        self._watch = watch
        self._load = None

    def look(self):
        """Keep what is, and add what is new to the list of changes."""
        before, changes = _kept(self._path)
        state = {
            "kernel": kernel(),
            "governors": governors(self._watch.get("governors", [])),
            "library": checksums(self._watch.get("library", [])),
        }
        load = busy_cores(LOAD_OVER_S)
        found = differences(before, state) if before else []
        # Of one sweep alone: what else ran days ago is no change of the board.
        if None not in (self._load, load) and abs(load - self._load) >= LOAD_DIFFERS:
            words = "other programs kept {:.1f} cores busy before the sweep and {:.1f} after it"
            found.append(words.format(self._load, load))
        self._load = load
        changes += [{"at": utc_now(), "what": what} for what in found]
        try:
            write_atomically(self._path, {"state": state, "changes": changes})
        except OSError:
            pass  # a full disk ends the sweep with a message of its own


def _kept(path):
    """(state, changes) of the last look; another version's, or a damaged one, counts for none."""
    kept = read_json(path)
    try:
        state, changes = kept["state"], list(kept["changes"])
        whole = isinstance(state["kernel"], str) and all(
            isinstance(state[name], dict) for name in ("governors", "library")
        )
    except (TypeError, KeyError):
        whole = False
    return (state, changes) if whole else ({}, [])


def differences(before, after):
    """Sentences on what two looks do not share; a clock that one of them lacks is no change."""
    found = []
    if before["kernel"] != after["kernel"]:
        found.append("the kernel was {} and is {}".format(before["kernel"], after["kernel"]))
    old = before["governors"]
    for path, governor in sorted(after["governors"].items()):
        if old.get(path, governor) != governor:
            name = os.path.basename(path.rstrip("/"))
            found.append("the governor of {} was {} and is {}".format(name, old[path], governor))
    old, new = before["library"], after["library"]
    if old and new and old != new:
        paths = sorted(path for path in set(old) | set(new) if old.get(path) != new.get(path))
        names = ", ".join(os.path.basename(path) for path in paths[:_NAMED])
        more = " and {} more".format(len(paths) - _NAMED) if len(paths) > _NAMED else ""
        found.append("the library's files are others: {}{}".format(names, more))
    return found


def kernel():
    """Name, release and build of the kernel that runs."""
    system = os.uname()
    return "{} {} {}".format(system.sysname, system.release, system.version)


def governors(folders):
    """{folder: governor} of those clocks that have one."""
    found = {}
    for folder in folders:
        for name in GOVERNOR_FILES:
            try:
                with open(os.path.join(find(folder) or folder, name)) as stream:
                    found[folder] = stream.read().strip()
                break
            except OSError:
                continue
    return found


def checksums(patterns):
    """{path: SHA-256} of the files that patterns name."""
    found = {}
    for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
        digest = hashlib.sha256()
        try:
            with open(path, "rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(block)
        except OSError:  # a folder, or a file that is just being replaced
            continue
        found[path] = digest.hexdigest()
    return found


def busy_cores(seconds):
    """How many cores work, over some seconds in which we sleep; None where it is not said."""
    try:
        idle_before, all_before = _ticks()
        time.sleep(seconds)
        idle, ticks = _ticks()
    except (OSError, ValueError, IndexError):
        return None
    if ticks == all_before:
        return None
    return (os.cpu_count() or 1) * (1.0 - (idle - idle_before) / (ticks - all_before))


def _ticks():
    """(idle, all) of /proc/stat: of all cores, since the machine was started."""
    with open("/proc/stat") as stream:
        # user nice system idle iowait irq softirq steal; guests are in user and nice.
        figures = [int(figure) for figure in stream.readline().split()[1:9]]
    return figures[3] + figures[4], sum(figures)
