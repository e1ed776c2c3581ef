"""Data sets of Collective Knowledge for the points of a plan: found, or written.

Standard library only, Python 3.5 and later: this file is copied to boards.

A data set is an entry with a file `shape-<tensor>` for each tensor (empty) and beside it a
`shape-<tensor>.json` with the variables that a program is handed.
"""

import json
import os
from collections import OrderedDict

from outcomes import real

OURS = "tensor-{}-nntest-flow"


class Datasets:
    """Where each tensor is.  `ck` is a `ck_command.Ck`; looked up once."""

    def __init__(self, ck):
        self._ck = ck
        self._entries = None

    def place(self, points):
        """{point id: (data set, file, its position in it)}; writes what no data set has.

        A point's own data set (``datasets`` of the plan) comes first, then any other in the
        order of names; synthetic ones, which no table reads, are left out.
        """
        placed = {}
        missing = OrderedDict()
        for point in points:
            found = self._find(point)
            if found is None:
                missing.setdefault(point["species"], []).append(point)
            else:
                placed[point["id"]] = found
        for species, lacking in missing.items():
            self._write(species, lacking)
            for point in lacking:
                placed[point["id"]] = self._find(point)
        return placed

    def _find(self, point):
        name = "shape-" + point["tensor"]
        wanted = point["dataset"]
        entries = sorted(self._all(), key=lambda one: (one["data_uoa"] != wanted, one["data_uoa"]))
        for entry in entries:
            files = entry["meta"].get("dataset_files", [])
            if name in files and _holds(os.path.join(entry["path"], name + ".json"), point):
                return entry["data_uoa"], name, files.index(name)
        return None

    def _all(self):
        if self._entries is None:
            found = self._ck.ask("search", "dataset:*", "--tags=nntest", "--add_meta=yes")
            self._entries = [
                one for one in (found or {}).get("lst", []) if "synthetic" not in one["data_uoa"]
            ]
        return self._entries

    def _write(self, species, points):
        """Add the points' tensors to our own data set of their species."""
        entry = "local:dataset:" + OURS.format(species)
        there = self._ck.ask("load", entry)
        meta = (there or {}).get("dict", {})
        files = list(meta.get("dataset_files", []))
        for point in points:
            name = "shape-" + point["tensor"]
            if name not in files:
                files.append(name)
        meta = {
            "dataset_files": files,
            "tags": ["dataset", "nntest", "tensor-" + species, "nntest-flow"],
        }
        action = "add" if there is None else "update"
        answer = self._ck.ask(action, entry, "--substitute=yes", content={"dict": meta})
        for point in points:
            base = os.path.join(answer["path"], "shape-" + point["tensor"])
            with open(base, "w"):
                pass
            with open(base + ".json", "w") as stream:
                json.dump(OrderedDict(point["variables"]), stream, indent=2)
        self._entries = None


def _holds(path, point):
    """Whether a data set's JSON file gives the values of the point's tensor."""
    try:
        with open(path) as stream:
            content = json.load(stream)
        return all(real(content[key]) == float(value) for key, value in point["variables"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return False
