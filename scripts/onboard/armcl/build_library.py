#!/usr/bin/env python3
"""Builds Arm Compute Library with scons on a board, detached from whoever asked for it.

    build_library.py tools '{"compiler": "g++"}'   which tools there are, as JSON
    build_library.py start FOLDER                  build FOLDER/source in the background
    build_library.py status FOLDER                 its last status, and whether it runs
    build_library.py stop FOLDER                   ask it to stop; what is compiled stays

Standard library only, Python 3.5 and later: this file is copied to boards.

FOLDER holds request.json (what to build), source/, cache/ (every object that was compiled: scons
forgets what it has done when it is killed, and takes it from there), status.json (rewritten while
it runs) and build.log (what scons and the compiler said).  What is built goes whole to the folder
that the request names, and source/ and cache/ are removed then.
"""

import argparse
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

from board_lock import BoardLock
from clock import utc_now
from runner import NEEDED_BYTES, detach, read_json, write_atomically

REQUEST_FILE = "request.json"
STATUS_FILE = "status.json"
STOP_FILE = "stop"
LOCK_FILE = "lock"
LOG_FILE = "build.log"
RECORD_FILE = "installed.json"

POLL_S = 0.2
STATUS_EVERY_S = 1.0
STOP_PATIENCE_S = 20.0
START_PATIENCE_S = 1.0

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


class Failed(Exception):
    """The build cannot go on; the text is for the user."""


class Stopped(Exception):
    """The build was asked to stop."""


def probe_scons(command):
    """[Python's version, scons' version] of a command that runs scons, or None if it does not."""
    folder = tempfile.mkdtemp(prefix="nntest-scons-")
    try:
        with open(os.path.join(folder, "SConstruct"), "w") as stream:
            stream.write(SCONS_PROBE)
        said = subprocess.check_output(
            command + ["-Q", "-C", folder], stderr=subprocess.DEVNULL, timeout=60
        )
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


class Build:
    """The running build."""

    def __init__(self, folder, request, locks):
        self._folder = folder
        self._request = request
        self._locks = locks
        self._began = time.monotonic()
        self._last_status = 0.0
        self._source = os.path.join(folder, "source")
        self._environment = dict(os.environ)
        self._environment.update(request["environment"])
        # A checkout that the work folder happens to lie in is not the library's.
        self._environment["GIT_CEILING_DIRECTORIES"] = folder
        self._environment["LC_ALL"] = "C"

    def run(self):
        """Build and install; the last status says 'done'."""
        self._wait_for_board()
        self._prepare_cache()
        self.write_status("counting")
        objects = self._objects_to_compile()
        self._build(objects)
        self.write_status("installing")
        self._install(len(objects))
        self.write_status("done")

    def _wait_for_board(self):
        """All cores for hours: nobody else measures meanwhile, and nobody is disturbed."""
        lock = BoardLock(self._request["lock_file"])
        claim = dict(self._request["owner"], folder=self._folder, since=utc_now(), pid=os.getpid())
        while not lock.acquire(claim, START_PATIENCE_S):
            self._refuse_stop()
            self.write_status("waiting", owner=lock.owner())
        self._locks.append(lock)

    def _refuse_stop(self):
        if os.path.exists(os.path.join(self._folder, STOP_FILE)):
            raise Stopped()

    def _prepare_cache(self):
        # scons' threads race for making this file, and one reads it while it is still empty.
        config = os.path.join(self._folder, "cache", "config")
        os.makedirs(os.path.dirname(config), exist_ok=True)
        if read_json(config, None) is None:
            write_atomically(config, {"prefix_len": 2})
        site = os.path.join(self._folder, "site")
        os.makedirs(site, exist_ok=True)
        with open(os.path.join(site, "site_init.py"), "w") as stream:
            stream.write(SITE.format(os.path.join(self._folder, "cache")))

    def _scons(self, *options):
        return (
            self._request["scons"]
            + ["--site-dir=" + os.path.join(self._folder, "site")]
            + ["--jobs={}".format(self._request["jobs"])]
            + list(options)
            + self._request["words"]
            + self._request["targets"]
        )

    def _start(self, argv, output):
        # It inherits the locks: as long as a compiler runs, nobody starts a second build.
        return subprocess.Popen(
            argv,
            cwd=self._source,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock.descriptor for lock in self._locks],
        )

    def _wait(self, process, tell):
        """Wait for a process and tell how far it is; ends it when asked to stop."""
        try:
            while process.poll() is None:
                self._refuse_stop()
                tell()
                time.sleep(POLL_S)
        except BaseException:
            self._end(process)
            raise
        return process.returncode

    @staticmethod
    def _end(process):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(STOP_PATIENCE_S)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return

    def _objects_to_compile(self):
        """Paths of the objects that scons is going to compile, as a dry run lists them."""
        path = os.path.join(self._folder, "plan.log")
        with open(path, "wb") as log:
            process = self._start(self._scons("--dry-run"), log)
            code = self._wait(process, lambda: self.write_status("counting"))
        with open(path, "rb") as log:
            said = log.read().decode("utf-8", "replace")
        if code != 0:
            shutil.copyfile(path, os.path.join(self._folder, LOG_FILE))
            raise Failed(self._complaint(said))
        return [os.path.join(self._source, name) for name in OBJECT.findall(said)]

    def _build(self, objects):
        began, began_at = time.monotonic(), time.time()
        waiting = set(objects)

        def tell():
            if time.monotonic() - self._last_status < STATUS_EVERY_S:
                return
            for path in list(waiting):
                try:
                    # Not one that an earlier, killed build has left.
                    if os.stat(path).st_mtime >= began_at - 2:
                        waiting.discard(path)
                except OSError:
                    pass
            done = len(objects) - len(waiting)
            left = None
            if done:
                left = (time.monotonic() - began) * len(waiting) / done
            self.write_status("building", done=done, total=len(objects), seconds_left=left)

        path = os.path.join(self._folder, LOG_FILE)
        with open(path, "wb") as log:
            code = self._wait(self._start(self._scons(), log), tell)
        if code != 0:
            with open(path, "rb") as log:
                raise Failed(self._complaint(log.read().decode("utf-8", "replace")))

    def _complaint(self, said):
        disk = os.statvfs(self._folder)
        if "No space left on device" in said or disk.f_bavail * disk.f_frsize < NEEDED_BYTES:
            return "the board's disk is full"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        complaints = [line for line in lines if COMPLAINT.search(line)]
        # What scons says of it comes after what the compiler says.
        told = [line for line in complaints if not line.startswith("scons:")] or complaints
        return (told or lines or ["scons said nothing"])[-1][:500]

    def _install(self, compiled):
        """Put libraries, headers and a record in place, whole or not at all."""
        target = self._request["install"]
        fresh = target + ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        os.makedirs(os.path.join(fresh, "lib"))
        for name in self._request["targets"]:
            shutil.copy2(os.path.join(self._source, name), os.path.join(fresh, "lib"))
        for name in self._request["headers"]:
            if os.path.isdir(os.path.join(self._source, name)):
                copy_headers(os.path.join(self._source, name), os.path.join(fresh, name))
        kernels = os.path.join(self._source, "src", "core", "CL", "cl_kernels")
        if self._request["kernels"] and os.path.isdir(kernels):
            shutil.copytree(kernels, os.path.join(fresh, "cl_kernels"))
        shutil.copyfile(os.path.join(self._folder, LOG_FILE), os.path.join(fresh, "build.log"))
        record = dict(
            self._request["record"],
            compiled_objects=compiled,
            build_s=round(time.monotonic() - self._began, 1),
            built_at=utc_now(),
            compiler=first_line([self._environment["CXX"], "--version"]),
        )
        write_atomically(os.path.join(fresh, RECORD_FILE), record)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
        for name in ("source", "cache", "site"):
            shutil.rmtree(os.path.join(self._folder, name), ignore_errors=True)

    def write_status(self, state, **more):
        """Rewrite status.json."""
        content = {
            "state": state,
            "key": self._request["key"],
            "pid": os.getpid(),
            "updated_at": utc_now(),
            "elapsed_s": round(time.monotonic() - self._began, 1),
        }
        content.update(more)
        write_atomically(os.path.join(self._folder, STATUS_FILE), content)
        self._last_status = time.monotonic()


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


def start(folder):
    """Start the build unless it runs; returns what to print."""
    request = read_json(os.path.join(folder, REQUEST_FILE), None)
    if request is None:
        return {"state": "failed", "message": "no readable {} in {}".format(REQUEST_FILE, folder)}
    lock = BoardLock(os.path.join(folder, LOCK_FILE))
    if not lock.acquire({"folder": folder}, START_PATIENCE_S):
        return {"state": "running"}
    try:
        os.remove(os.path.join(folder, STOP_FILE))
    except FileNotFoundError:
        pass
    write_atomically(
        os.path.join(folder, STATUS_FILE), {"state": "starting", "key": request["key"]}
    )
    sys.stdout.flush()
    if not detach(folder):
        return {"state": "started"}
    os._exit(run(folder, request, lock))


def run(folder, request, lock):
    """Build in this process; the exit status."""
    build = Build(folder, request, [lock])
    try:
        build.run()
        return 0
    except Stopped:
        state, message = "stopped", "stopped from elsewhere"
    except Failed as error:
        state, message = "failed", str(error)
    except OSError as error:
        state = "failed"
        message = "{} ({})".format(error.strerror or error, error.filename or folder)
    except Exception as error:
        import traceback

        traceback.print_exc()
        state, message = "failed", "{}: {}".format(type(error).__name__, error)
    print(message, file=sys.stderr)
    try:
        build.write_status(state, message=message)
    except OSError:
        # The disk that is full takes no status either; the lock's end tells the controller.
        pass
    return 1


def status(folder):
    """Whether a build runs (or a compiler that a killed one has left), and its last status."""
    running = os.path.isdir(folder) and BoardLock(os.path.join(folder, LOCK_FILE)).owner() != {}
    last = read_json(os.path.join(folder, STATUS_FILE), {"state": "none"})
    return {"running": running, "last": last}


def stop(folder):
    """Ask the build to stop."""
    try:
        with open(os.path.join(folder, STOP_FILE), "w"):
            return {"state": "asked"}
    except OSError as error:
        return {"state": "failed", "message": "{}: {}".format(folder, error.strerror)}


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["tools", "start", "status", "stop"])
    parser.add_argument("about")
    arguments = parser.parse_args()
    if arguments.command == "tools":
        answer = tools(json.loads(arguments.about))
    else:
        # A relative folder is below where we are; the detached process may be elsewhere.
        folder = os.path.abspath(arguments.about)
        answer = {"start": start, "status": status, "stop": stop}[arguments.command](folder)
    json.dump(answer, sys.stdout, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
