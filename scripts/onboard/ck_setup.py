"""Makes Collective Knowledge (CK) on a board ready to measure: a detached run with a log.

Standard library only, Python 3.5 and later: this file is copied to boards.

CK, then its repositories, then answers to the questions that it would ask, then the software that
its programs are compiled with, then the library.  What is there already is left as it is, so that
a run that was cut off goes on where it was.  CK's exit status says little (`ck add repo` ends
with a traceback and has done its work), so each step is judged by what CK knows afterwards.
"""

import hashlib
import os
import shutil
import tarfile
import time
import zipfile

from ck_command import Ck, CkError, last_words, tail_of
from clock import utc_now
from detached import Job
from job_names import RESULT_FILE, RUNNING
from json_files import write_atomically

LOG_FILE = "ck.log"


class CkSetup(Job):
    """The steps of ``plan["setup"]``; the result is in installed.json."""

    def __init__(self, folder, plan, lock=None):
        super().__init__(folder, plan, lock)
        self._setup = plan["setup"]
        self._log = os.path.join(folder, LOG_FILE)
        self._ck = Ck(self._setup["ck"], folder)
        self._steps = self._all_steps()
        self._done = 0
        self._log_grew = (0, time.monotonic())
        """Size of the log, and when it had just become that."""

    def work(self):
        """Do all steps; `CkError` says what is missing."""
        for name, step in self._steps:
            self._current = name
            self.write_status(RUNNING)
            step()
            self._done += 1
        self._current = ""
        result = dict(self._result(), plan_id=self._plan["plan_id"])
        write_atomically(os.path.join(self._folder, RESULT_FILE), result)

    def _all_steps(self):
        steps = [("Collective Knowledge", self._have_ck)]
        for one in self._setup["repositories"]:
            steps.append(("repository " + one["name"], lambda one=one: self._have_repository(one)))
        steps.append(("settings", self._answer_questions))
        for one in self._setup["software"]:
            steps.append((one["what"], lambda one=one: self._have_software(one)))
        steps.append(("programs", self._have_programs))
        return steps

    # -- steps -----------------------------------------------------------------------------

    def _have_ck(self):
        pip = self._setup["pip"]
        if pip is not None and not os.path.exists(pip["marker"]):
            shutil.rmtree(pip["folder"], ignore_errors=True)
            os.makedirs(pip["folder"])
            if pip["wheels"] is not None:
                _unpack_wheels(pip["wheels"], pip["folder"])
            else:
                self._install_by_pip(pip)
            os.makedirs(os.path.dirname(pip["starter"]))
            with open(pip["starter"], "w") as stream:
                stream.write(pip["start"])
            os.chmod(pip["starter"], 0o755)
            with open(pip["marker"], "w") as stream:
                stream.write(utc_now() + "\n")
        for name in ("CK_REPOS", "CK_TOOLS"):
            folder = self._setup["ck"]["environment"].get(name)
            if folder and not os.path.isdir(folder):
                os.makedirs(folder)
        self._version = self._ck.ask("version")["version_str"]

    def _install_by_pip(self, pip):
        command = [pip["python"], "-m", "pip", "install", "--disable-pip-version-check"]
        said = self._command(["--target", pip["folder"], pip["requirement"]], command)
        if said is not None:
            raise CkError("pip could not install {}: {}".format(pip["requirement"], said))

    def _have_repository(self, repository):
        name = repository["name"]
        if self._repository_path(name):
            return
        path = repository.get("path")
        if repository.get("unpack"):
            path = self._unpacked(repository["unpack"], name)
        if path:
            if not os.path.isdir(path):
                raise CkError("repository {}: there is no folder {}".format(name, path))
            command = ["add", "repo:" + name, "--path=" + path, "--quiet"]
        else:
            command = ["pull", "repo:" + name, "--quiet"]
            if repository.get("url"):
                command.append("--url=" + repository["url"])
        start = os.path.getsize(self._log) if os.path.exists(self._log) else 0
        said = self._command(command)
        if not self._repository_path(name):
            # It asked because the repository is missing: git's own words say more.
            text = tail_of(self._log, start)
            fatal = [line.strip() for line in text.splitlines() if line.startswith("fatal:")]
            raise CkError(
                "CK has no repository {} after `ck {}`: {}".format(
                    name, " ".join(command), (fatal or [said or "it gave no reason"])[0]
                )
            )

    def _repository_path(self, name):
        found = self._ck.ask("find", "repo:" + name)
        path = (found or {}).get("path", "")
        return path if path and os.path.isdir(path) else ""

    def _unpacked(self, archive, name):
        """Folder with the content of an archive that was copied here: the one with .ckr.json."""
        target = os.path.join(self._folder, "repositories", name)
        if os.path.isdir(archive):
            return archive
        if not os.path.isdir(target):
            fresh = target + ".new"
            shutil.rmtree(fresh, ignore_errors=True)
            os.makedirs(fresh)
            try:
                if zipfile.is_zipfile(archive):
                    with zipfile.ZipFile(archive) as content:
                        content.extractall(fresh)
                else:
                    with tarfile.open(archive) as content:
                        _refuse_escapes(content, fresh)
                        content.extractall(fresh)
            except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
                raise CkError("repository {}: its archive: {}".format(name, error))
            os.rename(fresh, target)
        for folder, folders, files in os.walk(target):
            if ".ckr.json" in files:
                return folder
            if "module" in folders or "program" in folders or "soft" in folders:
                return folder
        raise CkError("repository {}: its archive holds no repository of CK".format(name))

    def _answer_questions(self):
        """Answers that a first run would ask a person for; none that are there are changed."""
        bits = self._setup["bits"]
        system = self._ck.ask("load", "os:linux-" + bits)
        if system is None:
            raise CkError("CK knows no os:linux-{}: its repository ck-env is missing".format(bits))
        uid = system["data_uid"]
        self._setting("local-platform", {"platform_init_uoa": {"linux-" + bits: "-"}})
        self._setting(
            "program-crowdtuning",
            {
                "user_email": self._setup["user"],
                "platform_gpu_name": {uid: {"default": self._setup["gpu"] or "-"}},
                "platform_name": {uid: {"default": self._setup["platform"]}},
            },
        )

    def _setting(self, name, wanted):
        entry = "local:cfg:" + name
        there = self._ck.ask("load", entry)
        content = dict((there or {}).get("dict", {}))
        merged = _filled(content, wanted)
        if there is None:
            self._ck.ask("add", entry, content={"dict": merged})
        elif merged != content:
            self._ck.ask("update", entry, content={"dict": merged})

    def _have_software(self, software):
        if self._environments(software["tags"]):
            return
        said = self._command(software["command"], content=software.get("content"))
        if not self._environments(software["tags"]):
            raise CkError(
                "{} gave nothing tagged {}: {} (the whole log: {})".format(
                    "`ck {}`".format(" ".join(software["command"])),
                    software["tags"],
                    said or last_words(tail_of(self._log)) or "it gave no reason",
                    self._log,
                )
            )

    def _environments(self, tags):
        """Environments of CK with all of `tags`, each with its meta and info."""
        found = self._ck.ask("search", "env:*", "--tags=" + tags, "--add_meta=yes")
        return (found or {}).get("lst", [])

    def _have_programs(self):
        self._programs = {}
        for name in self._setup["programs"]:
            found = self._ck.ask("find", "program:" + name)
            if found is None:
                raise CkError(
                    "CK has no program {}: it is in the repository ck-nntest, if anywhere".format(
                        name
                    )
                )
            self._programs[name] = _digest_of_folder(found["path"])

    # -- the result ------------------------------------------------------------------------

    def _result(self):
        tags = self._setup["library_tags"]
        found = self._environments(tags)
        if len(found) > 1:
            raise CkError(
                "CK has {} environments tagged {}: {}; name a tag that only one has, e.g. the "
                "version's".format(len(found), tags, ", ".join(one["data_uid"] for one in found))
            )
        environment = self._ck.ask("load", "env:" + found[0]["data_uid"])
        meta = environment["dict"]
        files = _library_files(meta)
        return {
            "ck_version": self._version,
            "environment": found[0]["data_uid"],
            "name": environment.get("data_name", ""),
            "version": str(meta["customize"]["version"]),
            "files": files,
            "programs": self._programs,
        }

    # -- commands --------------------------------------------------------------------------

    def _command(self, arguments, argv=None, content=None):
        """Run a command with its words in the log; None, or why it failed in its own words."""
        start = os.path.getsize(self._log) if os.path.exists(self._log) else 0
        words = list(arguments)
        if content is not None:
            path = os.path.join(self._folder, "in.json")
            write_atomically(path, content)
            words.append("@" + path)
        self._log_grew = (start, time.monotonic())
        status = self._ck.run(words, self._log, self.while_waiting, argv)
        return None if status == 0 else last_words(tail_of(self._log, start))

    def while_waiting(self):
        """As of every job; a command that has written nothing for long is a failure."""
        now = time.monotonic()
        size, since = self._log_grew
        grown = os.path.getsize(self._log) if os.path.exists(self._log) else 0
        if grown != size:
            self._log_grew = (grown, now)
        elif now - since > self._setup["quiet_timeout_s"]:
            raise CkError(
                "{}: it wrote nothing for {:g} s (the log: {})".format(
                    self._current, self._setup["quiet_timeout_s"], self._log
                )
            )
        return super().while_waiting()

    def counts(self):
        """Steps, instead of a sweep's repetitions."""
        total = len(self._steps)
        return {"repetitions": total, "missing": total - self._done, "unit": "steps"}


def _unpack_wheels(wheels, folder):
    """Put what wheels hold into a folder: for libraries that only have to be importable."""
    for name in sorted(os.listdir(wheels)):
        if name.endswith(".whl"):
            with zipfile.ZipFile(os.path.join(wheels, name)) as wheel:
                wheel.extractall(folder)


def _filled(content, wanted):
    """`content` with what it lacks of `wanted`, also inside of objects."""
    merged = dict(content)
    for key, value in wanted.items():
        if isinstance(value, dict):
            merged[key] = _filled(merged.get(key) or {}, value)
        elif not merged.get(key):
            merged[key] = value
    return merged


def _refuse_escapes(archive, target):
    root = os.path.realpath(target) + os.sep
    for member in archive.getmembers():
        path = os.path.realpath(os.path.join(target, member.name))
        if not (path + os.sep).startswith(root) or member.issym() or member.islnk():
            raise tarfile.TarError("{} leaves its folder".format(member.name))


def _library_files(meta):
    """[{name, sha256}] of a library's binaries: the file that CK found, and its kin beside it."""
    path = meta.get("customize", {}).get("full_path", "")
    stem = os.path.basename(path).split(".")[0]
    folder = os.path.dirname(path)
    if not stem or not os.path.isdir(folder):
        return []
    files = []
    for name in sorted(os.listdir(folder)):
        whole = os.path.join(folder, name)
        if name.startswith(stem) and os.path.isfile(whole):
            files.append({"name": name, "sha256": _sha256(whole)})
    return files


def _digest_of_folder(folder):
    """SHA-256 over the sources of a program (its temporary folders are left out)."""
    digest = hashlib.sha256()
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("tmp"))
        for name in sorted(files):
            path = os.path.join(parent, name)
            line = "{} {}\n".format(os.path.relpath(path, folder), _sha256(path))
            digest.update(line.encode("utf-8"))
    return digest.hexdigest()


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
