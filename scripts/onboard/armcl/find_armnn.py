#!/usr/bin/env python3
"""Says what there is of Arm NN for the Python that runs this, as one JSON object.

``find_armnn.py '["python3-pyarmnn"]'`` asks dpkg for the packages and imports PyArmNN.  Standard
library only, Python 3.5 and later.
"""

import glob
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from answers import Answer
from find_library import packages, sha256

LOADED = re.compile(r"/\S*/lib(?:armnn|arm_compute)\S*\.so\S*")


def import_pyarmnn():
    """(backends, paths of the libraries that it loads, why it cannot be imported or "")."""
    try:
        import pyarmnn

        runtime = pyarmnn.IRuntime(pyarmnn.CreationOptions())
        backends = sorted(set(re.findall(r"[A-Z]\w+(?:Acc|Ref)", str(runtime.GetDeviceSpec()))))
    except Exception as error:  # it is generated code: whatever it raises, it is of no use
        return [], [], "{}: {}".format(type(error).__name__, error)
    with open("/proc/self/maps") as maps:
        loaded = set(LOADED.findall(maps.read()))
    folders = {os.path.dirname(path) for path in loaded}
    found = [path for folder in folders for path in glob.glob(folder + "/armnn*/*.so")]
    return backends, sorted(loaded.union(found)), ""


def main(wanted):
    """Answer with the findings; wanted: names of packages."""
    channel = Answer()
    there = packages(wanted)
    backends, paths, problem = import_pyarmnn()
    versions = [entry["version"] for name, entry in there.items() if "pyarmnn" in name]
    answer = {
        "packages": {name: there[name]["status"] if name in there else "" for name in wanted},
        "package_version": versions[0] if versions else "",
        "tools": {name: shutil.which(name) for name in ("apt-get", "sudo")},
        "is_root": os.geteuid() == 0,
        "backends": backends,
        "files": [
            {"name": os.path.basename(path), "path": path, "sha256": sha256(path)} for path in paths
        ],
        "problem": problem,
    }
    channel.give(answer)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
