#!/usr/bin/env python3
"""Says what there is of Arm Compute Library on this machine, as one JSON object.

``find_library.py '{"prefix": "", "packages": [], "compiler": "g++"}'`` looks below the prefix
(empty: in the system's folders) and asks dpkg for the packages.  Standard library only, Python 3.5
and later.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from answers import Answer

STEMS = ("arm_compute", "arm_compute_core")
HEADER = os.path.join("arm_compute", "core", "Types.h")
BUILD = re.compile(
    rb"arm_compute_version=(\S+) Build options: (\{[^}\0]*\})(?: Git hash=(?:b')?([0-9a-zA-Z]*))?"
)


def folders(prefix):
    """(library folders, header folders) to look in, the likeliest first."""
    if prefix:
        libraries = [os.path.join(prefix, name) for name in ("lib", "build")] + [prefix]
        return libraries, [os.path.join(prefix, "include"), prefix]
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    libraries = ["/usr/local/lib", "/usr/lib/" + triplet, "/usr/lib", "/usr/lib64"]
    return libraries, ["/usr/local/include", "/usr/include/" + triplet, "/usr/include"]


def library_files(places):
    """[{name, path, sha256}] of the shared libraries, all of them from one folder."""
    for folder in places:
        found = []
        for stem in STEMS:
            path = os.path.join(folder, "lib{}.so".format(stem))
            if os.path.isfile(path):
                found.append({"name": stem, "path": os.path.realpath(path), "sha256": sha256(path)})
        if found:
            return found
    return []


def sha256(path):
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def build_of(files):
    """What the library says of its own build: (version, options, git hash), or None for each."""
    for entry in files:
        with open(entry["path"], "rb") as stream:
            found = BUILD.search(stream.read())
        if found:
            return tuple(
                part.decode("ascii", "replace") if part else None for part in found.groups()
            )
    return None, None, None


def packages(names):
    """{package: {status, version}} as dpkg has it; empty where there is no dpkg."""
    found = {}
    for name in names:
        ask = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}|${Version}\n", name]
        try:
            said = subprocess.check_output(ask, stderr=subprocess.DEVNULL).decode("utf-8")
        except (OSError, subprocess.CalledProcessError):
            continue
        status, version = said.splitlines()[0].split("|")
        found[name] = {"status": status.strip(), "version": version}
    return found


def main(wanted):
    """Answer with the findings; `wanted` has the keys prefix, packages and compiler."""
    channel = Answer()
    libraries, headers = folders(wanted["prefix"])
    files = library_files(libraries)
    version, options, git_hash = build_of(files)
    tools = ("make", wanted["compiler"], "apt-get", "sudo")
    answer = {
        "files": files,
        "headers": [place for place in headers if os.path.isfile(os.path.join(place, HEADER))][:1],
        "version": version,
        "options": options,
        "git_hash": git_hash,
        "packages": packages(wanted["packages"]),
        "tools": {name: shutil.which(name) for name in tools},
        "is_root": os.geteuid() == 0,
    }
    channel.give(answer)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
