"""Collective Knowledge (CK) as a command: asked for an answer, or run at length with a log.

Standard library only, Python 3.5 and later: this file is copied to boards.  CK itself is a
process of its own, of whatever Python and version it has (1.9 to 2.6, Python 2.7 and 3).
"""

import json
import os
import signal
import subprocess
import tempfile

from detached import Failed, Stopped
from processes import WAKE_EVERY_S, die_with_parent, ended_within

ASK_TIMEOUT_S = 300.0
END_PATIENCE_S = 5.0
TAIL_BYTES = 200000
LONGEST_LINE = 300


class CkError(Failed):
    """What CK cannot do; the text is the whole message."""


class Ck:
    """CK as a plan describes it: ``argv`` that starts it, ``environment``, ``path`` in front.

    Nobody answers its questions: standard input is closed.
    """

    def __init__(self, request, scratch):
        self._argv = request["argv"]
        self._environment = dict(os.environ, **request["environment"])
        self._environment["PATH"] = os.pathsep.join(
            request.get("path", []) + [self._environment.get("PATH", os.defpath)]
        )
        self._scratch = scratch

    def ask(self, *arguments, **options):
        """CK's answer, a dict; `None` if it says that there is no such thing.

        `content` (keyword) is handed over as a file, instead of an ``@file`` argument.
        Raises `CkError` for any other failure.
        """
        handle, path = tempfile.mkstemp(dir=self._scratch, suffix=".json")
        os.close(handle)
        os.remove(path)
        words = list(arguments) + ["--out=json_file", "--out_file=" + path]
        handed = None
        if options.get("content") is not None:
            handed = path + ".in.json"
            with open(handed, "w") as stream:
                json.dump(options["content"], stream)
            words.append("@" + handed)
        try:
            status, output = self._to_the_end(words)
            answer = self._read(path)
        finally:
            for left in (path, handed):
                if left is not None and os.path.exists(left):
                    os.remove(left)
        if answer is not None and answer.get("return") == 0:
            return answer
        said = (answer or {}).get("error") or last_words(output)
        # 16 is CK's "not found"; a repository that is not in the cache has a 1 all the same.
        if (answer or {}).get("return") == 16 or "not found" in said:
            return None
        raise CkError("ck {}: {}".format(" ".join(arguments), said or "exit status %s" % status))

    def _to_the_end(self, words):
        try:
            done = subprocess.Popen(
                self._argv + words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CkError("{} cannot be run: {}".format(self._argv[0], error.strerror))
        try:
            output, _ = done.communicate(timeout=ASK_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            end_group(done)
            raise CkError("ck {}: no answer within {:g} s".format(words[0], ASK_TIMEOUT_S))
        return done.returncode, output.decode("utf-8", "replace")

    @staticmethod
    def _read(path):
        try:
            with open(path, encoding="utf-8") as stream:
                answer = json.load(stream)
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None

    def run(self, arguments, log, while_waiting, argv=None):
        """Run a command of CK (or `argv`) with its output in the file `log`; its exit status.

        `while_waiting` is called once a second; True ends the command and all that it started.
        Raises `Stopped` then, and what `while_waiting` raises, after ending them as well.
        """
        with open(log, "ab") as output:
            try:
                process = subprocess.Popen(
                    (argv or self._argv) + arguments,
                    env=self._environment,
                    cwd=self._scratch,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            except OSError as error:
                name = (argv or self._argv)[0]
                raise CkError("{} cannot be run: {}".format(name, error.strerror))
        try:
            while not ended_within(process, WAKE_EVERY_S):
                if while_waiting():
                    raise Stopped()
        finally:
            # Also after a good end: nothing that it left behind may run beside the next one.
            end_group(process)
        return process.returncode


def end_group(process):
    """End a process and all of its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except OSError:
            break
        ended_within(process, END_PATIENCE_S)
    process.wait()


def tail_of(log, start=0):
    """The text of a log from byte `start` on, at most its last 200,000 bytes."""
    try:
        with open(log, "rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(start, stream.tell() - TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_words(text):
    """Why a command of CK ended, as its output tells: CK's own error, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("CK error:"):
            return line[len("CK error:") :].strip()[:LONGEST_LINE]
    if any(line.startswith("EOFError") for line in lines[-3:]):
        return "it stopped at a question: " + question(text)
    return lines[-1][:LONGEST_LINE] if lines else ""


def question(text):
    """The question at which CK found nobody to answer: what stands before the traceback."""
    before = text.rpartition("Traceback (most recent call last)")[0].strip()
    return before.splitlines()[-1].strip()[:LONGEST_LINE] if before else "unknown"
