#!/usr/bin/env python3
"""Builds Arm Compute Library with scons on a board, detached from its caller.

    build_library.py tools '{"compiler": "g++"}'   which tools there are, as JSON
    build_library.py start FOLDER                  build FOLDER/source in the background
    build_library.py status FOLDER                 its last status, and whether it runs
    build_library.py stop FOLDER                   ask it to stop; what is compiled stays

Standard library only, Python 3.5 and later: this file is copied to boards.

FOLDER holds plan.json (what to build), source/, cache/ (every object that was compiled: scons
forgets what it has done when it is killed, and takes it from there), build.log (what scons and
the compiler said), and the files of every detached job (detached.py).  What is built goes whole
to the folder that the plan names, and source/ and cache/ are removed then.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from answers import Answer
from clock import utc_now
from detached import Failed, Job, Stopped, is_full, main
from job_names import RESULT_FILE, RUNNING
from json_files import read_json, write_atomically
from processes import WAKE_EVERY_S, end_group, ended_within

LOG_FILE = "build.log"
STOP_PATIENCE_S = 20.0
PROBE_TIMEOUT_S = 60.0

SCONS_PROBE = """
import sys
import SCons
print("nntest-scons %d.%d %s" % (sys.version_info[0], sys.version_info[1], SCons.__version__))
Exit(0)
"""
SITE = """
from SCons.Script import CacheDir
CacheDir({!r})
"""
OBJECT = re.compile(r" -o (\S+\.os) ")
COMPLAINT = re.compile(r"[Ee]rror: |\bError \d|No space left on device|Killed")


def probe_scons(command):
    """[Python's version, scons' version] of a command that runs scons, or None if it does not."""
    folder = tempfile.mkdtemp(prefix="nntest-scons-")
    try:
        with open(os.path.join(folder, "SConstruct"), "w") as stream:
            stream.write(SCONS_PROBE)
        # In a group of its own: what calls itself python2 may be a script that starts others.
        process = subprocess.Popen(
            command + ["-Q", "-C", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            said = process.communicate(timeout=PROBE_TIMEOUT_S)[0]
        finally:
            end_group(process)
        if process.returncode != 0:
            return None
    except (OSError, subprocess.SubprocessError):
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = re.search(r"nntest-scons (\S+) (\S+)", said.decode("utf-8", "replace"))
    return list(found.groups()) if found else None


def tools(wanted):
    """What there is to build with: the compiler, and every scons with the Python that runs it."""
    scons = shutil.which("scons")
    found = []
    for python in ("", "python2", "python2.7"):
        command = ([python] if python else []) + [scons or "scons"]
        versions = probe_scons(command) if scons else None
        if versions:
            found.append({"command": command, "python": versions[0], "version": versions[1]})
    return {"compiler": shutil.which(wanted["compiler"]), "scons": found}


class Build(Job):
    """The running build.  All cores for hours: nobody else measures meanwhile."""

    def __init__(self, folder, plan, lock=None):
        super().__init__(folder, plan, lock)
        self._source = os.path.join(folder, "source")
        self._waiting = set()
        """Objects that are still to be compiled."""
        self._objects = 0
        self._compiling_since = None
        self._environment = dict(os.environ)
        self._environment.update(plan["environment"])
        # A checkout that the work folder happens to lie in is not the library's.
        self._environment["GIT_CEILING_DIRECTORIES"] = folder
        self._environment["LC_ALL"] = "C"

    def work(self):
        """Build and install."""
        self._prepare_cache()
        self._current = "scons is finding out what there is to compile"
        self.write_status(RUNNING)
        self._compile(self._objects_to_compile())
        self._current = "installing"
        self.write_status(RUNNING)
        self._install()
        self._current = ""

    def _prepare_cache(self):
        # scons' threads race for making this file, and one reads it while it is still empty.
        config = os.path.join(self._folder, "cache", "config")
        os.makedirs(os.path.dirname(config), exist_ok=True)
        if read_json(config) is None:
            write_atomically(config, {"prefix_len": 2})
        site = os.path.join(self._folder, "site")
        os.makedirs(site, exist_ok=True)
        with open(os.path.join(site, "site_init.py"), "w") as stream:
            stream.write(SITE.format(os.path.join(self._folder, "cache")))

    def _scons(self, *options):
        return (
            self._plan["scons"]
            + ["--site-dir=" + os.path.join(self._folder, "site")]
            + ["--jobs={}".format(self._plan["jobs"])]
            + list(options)
            + self._plan["words"]
            + self._plan["targets"]
        )

    def _start(self, argv, output):
        # It inherits the lock: as long as a compiler runs, nobody starts a second build.
        return subprocess.Popen(
            argv,
            cwd=self._source,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[self._lock.descriptor],
        )

    def _scons_said(self, name, *options):
        """Run scons with its output in a file; the text.  Raises `Failed` with its complaint."""
        path = os.path.join(self._folder, name)
        with open(path, "wb") as log:
            process = self._start(self._scons(*options), log)
            try:
                while not ended_within(process, WAKE_EVERY_S):
                    if self.while_waiting():
                        raise Stopped()
            except BaseException:
                self._end(process)
                raise
        with open(path, "rb") as log:
            said = log.read().decode("utf-8", "replace")
        if process.returncode != 0:
            if name != LOG_FILE:
                shutil.copyfile(path, os.path.join(self._folder, LOG_FILE))
            raise Failed(self._complaint(said))
        return said

    @staticmethod
    def _end(process):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                return
            if ended_within(process, STOP_PATIENCE_S):
                return

    def _objects_to_compile(self):
        """Paths of the objects that scons is going to compile, as a dry run lists them."""
        said = self._scons_said("plan.log", "--dry-run")
        return [os.path.join(self._source, name) for name in OBJECT.findall(said)]

    def _compile(self, objects):
        self._objects, self._waiting = len(objects), set(objects)
        self._current = ""
        self._compiling_since = time.time()
        self._scons_said(LOG_FILE)
        self._waiting.clear()

    def counts(self):
        """Objects, instead of a sweep's repetitions, and the seconds left at this pace."""
        for path in list(self._waiting):
            try:
                # Not one that an earlier, killed build has left.
                if os.stat(path).st_mtime >= self._compiling_since - 2:
                    self._waiting.discard(path)
            except OSError:
                pass
        missing = len(self._waiting)
        done = self._objects - missing
        left = (time.time() - self._compiling_since) * missing / done if done else None
        return {
            "repetitions": self._objects,
            "missing": missing,
            "unit": "objects",
            "seconds_left": left,
            "elapsed_s": round(time.monotonic() - self._began, 1),
        }

    def _complaint(self, said):
        if "No space left on device" in said or is_full(self._folder):
            return "the disk is full"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        complaints = [line for line in lines if COMPLAINT.search(line)]
        # What scons says of it comes after what the compiler says.
        first = [line for line in complaints if not line.startswith("scons:")] or complaints
        return (first or lines or ["scons gave no reason"])[-1][:500]

    def _install(self):
        """Put libraries, headers and a record in place, whole or not at all."""
        target = self._plan["install"]
        fresh = target + ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        os.makedirs(os.path.join(fresh, "lib"))
        for name in self._plan["targets"]:
            shutil.copy2(os.path.join(self._source, name), os.path.join(fresh, "lib"))
        for name in self._plan["headers"]:
            if os.path.isdir(os.path.join(self._source, name)):
                copy_headers(os.path.join(self._source, name), os.path.join(fresh, name))
        kernels = os.path.join(self._source, "src", "core", "CL", "cl_kernels")
        if self._plan["kernels"] and os.path.isdir(kernels):
            shutil.copytree(kernels, os.path.join(fresh, "cl_kernels"))
        shutil.copyfile(os.path.join(self._folder, LOG_FILE), os.path.join(fresh, "build.log"))
        record = dict(
            self._plan["record"],
            compiled_objects=self._objects,
            build_s=round(time.monotonic() - self._began, 1),
            built_at=utc_now(),
            compiler=first_line([self._plan["compiler"], "--version"]),
        )
        write_atomically(os.path.join(fresh, RESULT_FILE), record)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
        for name in ("source", "cache", "site"):
            shutil.rmtree(os.path.join(self._folder, name), ignore_errors=True)


def copy_headers(source, target):
    """Copy the headers of a folder, and the folders that have some."""
    for folder, _, names in os.walk(source):
        into = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        for name in names:
            if name.endswith((".h", ".hpp", ".inl")):
                os.makedirs(into, exist_ok=True)
                shutil.copy2(os.path.join(folder, name), into)


def first_line(argv):
    """The first line that a command prints."""
    said = subprocess.check_output(argv, stderr=subprocess.DEVNULL)
    return said.decode("utf-8", "replace").splitlines()[0]


if __name__ == "__main__":
    if sys.argv[1:2] == ["tools"]:
        Answer().give(tools(json.loads(sys.argv[2])))
    else:
        sys.exit(main(Build))
