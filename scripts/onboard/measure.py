"""Run an operator program once and take down what it measured, or why it did not.

Standard library only, Python 3.5 and later: this file is copied to boards.  It is the measuring
part of the runner: its syntax tree is part of a point's identity, so what changes here makes
boards measure again.

The program is handed its point in environment variables and writes its times to files (the
contract of CK-NNTest, and ours beside it; docs/programs.md lists both).
"""

import os
import shutil
import signal
import subprocess
import time

from clock import utc_now
from cores import VARIABLE, why_not
from counters import CounterReader, CounterReaderError
from device_state import throttled
from energy import energy_of, sampler
from json_files import read_json
from outcomes import OK, OUT_OF_MEMORY, SKIPPED, TIMEOUT, crashed, of_exit, of_status_file
from processes import WAKE_EVERY_S, before_program, end_group, ended_within
from program_files import BadRecord, plain, repetition, timer
from sustained import windows_of

REPETITIONS_FILE = "tmp-nntest-repetitions.jsonl"
STATUS_FILE = "tmp-nntest-status.json"
TIMER_FILE = "tmp-ck-timer.json"
LOG_FILE = "program.log"

LOG_TAIL_BYTES = 2000


class Measurement:
    """One process of one point: `run` yields a journal line for each repetition.

    The program is looked at when it has ended, and once a second before: a look at the end of
    every repetition would take time from the next one.  Repetitions that are found at one look
    share the device's state before it.

    The last line has a status other than ok if the process ended badly.
    """

    def __init__(self, point, repetitions, process, folder, state, on_wait, servers):
        self._point = point
        self._repetitions = repetitions
        self._process = process
        self._folder = folder
        self._state = state
        self._on_wait = on_wait
        """Called while waiting; returning True ends the program and the measurement."""
        self._servers = servers
        """`ForkServers` that start what need not import everything anew."""
        self._read = 0
        self._lines = 0
        self._left = list(repetitions)
        """Repetitions that the program has not reported yet."""
        self._idle = None
        """(from, to) of the wait before the program, in s since 1970."""
        self._states = []
        """(s since 1970, the device's state) while a sustained run goes on."""
        self._odd = ""
        """What is wrong with the first line that is not a repetition."""

    def run(self):
        """Start the program, follow it to its end, and yield journal lines."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.makedirs(self._folder)
        if self._point.get("counter_reader"):
            return self._run_beside(self._point["counter_reader"], self._add_counters)
        if self._point.get("meters"):
            add = self._add_windows if self._point.get("sustained") else self._add_energy
            return self._run_beside(sampler(self._point["meters"]), add)
        if self._point.get("sustained"):
            return self._run_sustained()
        return self._run()

    def _run_beside(self, command, add):
        """What `_run` yields, with what a reader has seen from start to end.

        add(lines, said) puts what it said into the lines.
        """
        before = self._state.read()
        started_at = utc_now()
        lines = []
        try:
            with CounterReader(command, self._folder) as reader:
                self._idle = self._wait(self._point.get("idle_s", 0))
                lines = list(self._run())
                if lines and lines[-1]["status"] == OK:
                    add(lines, reader.finish())
        except (CounterReaderError, BadRecord, RecursionError) as error:
            self._left = list(self._repetitions)
            lines = [self._failure(SKIPPED, str(error), started_at, before)]
        for line in lines:
            yield line

    @staticmethod
    def _add_counters(lines, counted):
        lines[-1]["counters"] = plain(counted)

    def _add_energy(self, lines, said):
        for line in lines:
            line["energy"] = energy_of(line, self._idle, self._point["meters"], said)

    def _run_sustained(self):
        """What `_run` yields, with its windows; without a meter."""
        for line in self._run():
            self._add_windows([line], {})
            yield line

    def _add_windows(self, lines, said):
        for line in lines:
            line["sustained"] = windows_of(line, self._states, self._point["meters"], said)

    def _wait(self, seconds):
        """Wait, unless the measurement is to stop; (from, to) in s since 1970."""
        began, left = time.time(), seconds
        while left > 0 and not self._on_wait():
            time.sleep(min(left, WAKE_EVERY_S))
            left -= WAKE_EVERY_S
        return began, time.time()

    def _run(self):
        oom_before = _oom_kills()
        before = self._state.read()
        started_at = utc_now()
        without_cores = why_not(self._point["env"].get(VARIABLE, ""))
        if without_cores:
            yield self._failure(SKIPPED, without_cores, started_at, before)
            return
        try:
            program = self._start()
        except OSError as error:
            yield self._failure(crashed("start"), str(error), started_at, before)
            return
        deadline = time.monotonic() + self._point["timeout_s"]
        finished = 0
        ended_by = None
        try:
            while True:
                left = deadline - time.monotonic()
                ended = ended_within(program, min(left, WAKE_EVERY_S))
                if self._point.get("sustained"):
                    self._states.append((time.time(), self._state.read()))
                # Read after the end: what the program wrote before it is all there.
                for line in self._new_repetitions(before):
                    finished += 1
                    before = line["state_after"]
                    yield line
                if ended:
                    break
                if time.monotonic() >= deadline:
                    ended_by = "timeout"
                elif self._on_wait():
                    ended_by = "stopped"
                if ended_by:
                    break
        finally:
            end_group(program)
        if ended_by == "stopped":
            return
        if ended_by == "timeout":
            reason = "ran longer than {:g} s".format(self._point["timeout_s"])
            yield self._failure(TIMEOUT, reason, started_at, before)
        elif program.returncode == 0 and finished == 0 and not self._odd:
            yield self._single_repetition(started_at, before)
        elif program.returncode != 0 or finished < len(self._repetitions):
            status, reason = self._why(program.returncode, finished, _oom_kills() > oom_before)
            yield self._failure(status, reason, started_at, before)

    def _start(self):
        environment = dict(os.environ)
        environment.update(self._point["env"])
        environment["NNTEST_REPETITIONS"] = str(len(self._repetitions))
        environment["NNTEST_FIRST_REPETITION"] = str(self._repetitions[0])
        path = os.path.join(self._folder, LOG_FILE)
        forked = self._servers.start(self._point, environment, self._folder, path, self._on_wait)
        if forked:
            return forked
        with open(path, "wb") as log:
            return subprocess.Popen(
                self._point["argv"],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=before_program(environment),
            )

    def _new_repetitions(self, before):
        try:
            with open(os.path.join(self._folder, REPETITIONS_FILE), "rb") as stream:
                stream.seek(self._read)
                content = stream.read()
        except OSError:
            return
        whole = content.rfind(b"\n") + 1
        self._read += whole
        for raw in content[:whole].split(b"\n")[:-1]:
            self._lines += 1
            try:
                position, fields = repetition(raw, len(self._repetitions), self._repetitions[0])
                number = self._repetitions[position]
                if number not in self._left:
                    raise BadRecord("repetition {} was there already".format(number))
            except BadRecord as error:
                odd = "line {} of {}: {}".format(self._lines, REPETITIONS_FILE, error)
                self._odd = self._odd or odd
                continue
            self._left.remove(number)
            yield self._line(before, repetition=number, **fields)

    def _single_repetition(self, started_at, before):
        """The one repetition of a program that only knows CK-NNTest's timer file."""
        content = read_json(os.path.join(self._folder, TIMER_FILE))
        if not isinstance(content, dict) or "execution_time_kernel_1" not in content:
            reason = "ended well, but wrote no time to " + TIMER_FILE
            return self._failure(crashed("no timer"), reason, started_at, before)
        try:
            fields = timer(content)
        except BadRecord as error:
            reason = "{}: {}".format(TIMER_FILE, error)
            return self._failure(crashed("bad record"), reason, started_at, before)
        number = self._repetitions[0]
        return self._line(before, repetition=number, started_at=started_at, **fields)

    def _line(self, before, **fields):
        after = self._state.read()
        line = {
            "point": self._point["id"],
            "process": self._process,
            "status": OK,
            "state_before": before,
            "state_after": after,
            "throttled": throttled(before, after),
        }
        line.update(fields)
        return line

    def _failure(self, status, reason, started_at, before):
        return self._line(
            before,
            repetition=(self._left or self._repetitions[-1:])[0],
            status=status,
            reason=reason,
            log_tail=self._log_tail(),
            started_at=started_at,
        )

    def _why(self, returncode, finished, out_of_memory):
        """Status and reason of a process that did not end well."""
        said = of_status_file(read_json(os.path.join(self._folder, STATUS_FILE)))
        if said:
            return said
        if returncode == -signal.SIGKILL and out_of_memory:
            return OUT_OF_MEMORY, "killed by the kernel because memory ran out"
        if returncode != 0:
            return of_exit(returncode)
        if self._odd:
            return crashed("bad record"), self._odd
        reason = "ended after {} of {} repetitions".format(finished, len(self._repetitions))
        return crashed("early end"), reason

    def _log_tail(self):
        try:
            with open(os.path.join(self._folder, LOG_FILE), "rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - LOG_TAIL_BYTES))
                return stream.read().decode("utf-8", "replace")
        except OSError:
            return ""


def _oom_kills():
    """How often the kernel has killed because memory ran out; 0 where it does not say."""
    try:
        with open("/proc/vmstat") as stream:
            for line in stream:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
