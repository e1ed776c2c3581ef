"""A shell on the board that stays open and runs one small command after the other.

Opening a session for each command would cost the board a process of sshd's and a login shell.
Here a command costs one round trip: its lines go to the shell's stdin, and random marks in both
outputs say where what it wrote begins and ends.
"""

from __future__ import annotations

import secrets
import time

from nntest.measuring.transport.ssh_channel import Ended, Outcome, Outputs, close, send_all
from nntest.measuring.transport.ssh_errors import DeadlineExceeded, LostLink, SessionRefused
from nntest.measuring.transport.ssh_link import Link

START_TIMEOUT_S = 20.0
KILL_TIMEOUT_S = 10.0
GREETING = 'read -r a b c d group f < /proc/$$/stat; echo "$$" "${group:-none}"'
"""Its process, and whether that leads the group of all that it will run."""


# Where the server gives a session no process group of its own (dropbear), descendants are
# found one generation after the other: after the name in brackets come state and parent.
KILL_TREE = """all=$root new=$root
while [ -n "$new" ]; do
  found=
  for stat in /proc/[0-9]*/stat; do
    { read -r line < "$stat"; } 2> /dev/null || continue
    rest=${line##*) } rest=${rest#* } pid=${stat#/proc/}
    case " $new " in *" ${rest%% *} "*) found="$found ${pid%/stat}" ;; esac
  done
  all="$all $found" new=$found
done
kill -KILL $all"""


class Shell:
    """One shell on the board.  After an error it is of no more use."""

    def __init__(self, link: Link) -> None:
        """Start it; raises `LostLink`, `DeadlineExceeded` or `SessionRefused`."""
        self._link = link
        # Whatever the account's login shell is, it understands this.
        self._channel = link.open_session("exec sh")
        self._outputs = Outputs(self._channel)
        self._leads_group = False
        self._pid = 0
        try:
            hello = self.run(GREETING, START_TIMEOUT_S, "starting a shell")
        except DeadlineExceeded:
            self.close()
            raise
        except _ShellEnded as error:
            raise SessionRefused(
                f"{link.label}: the account does not run a shell{error.said}",
                "see that the account may run commands (no ForceCommand, a login shell)",
            ) from None
        pid, group = hello.stdout.split()
        self._pid = int(pid)
        self._leads_group = pid == group

    def run(self, code: str, timeout_s: float, doing: str) -> Outcome:
        """Run shell code in a subshell with nothing on its stdin.

        Raises `DeadlineExceeded` (the code is then still running: see `kill`) or `LostLink`.
        """
        mark = secrets.token_hex(16)
        lines = (
            f"echo {mark}; echo {mark} >&2\n({code}\n) </dev/null\n"
            f'echo "{mark} $?"; echo {mark} >&2\n'
        )
        out = _Between(f"{mark}\n".encode(), f"{mark} ".encode())
        err = _Between(f"{mark}\n".encode(), f"{mark}".encode())
        deadline = time.monotonic() + timeout_s
        try:
            send_all(self._channel, lines.encode("utf-8", "surrogateescape"), timeout_s)
            self._outputs.read_until(
                deadline, out.feed, err.feed, lambda: out.complete and err.complete
            )
        except TimeoutError:
            raise DeadlineExceeded(
                f"{self._link.label}: {doing}: no answer within {timeout_s:g} s"
            ) from None
        except Ended:
            if not self._link.settle():
                raise self._link.lost(doing) from None
            raise _ShellEnded(
                f"{self._link.label}: {doing}: the shell on the board was killed",
                said=bytes(out.raw + err.raw),
            ) from None
        return Outcome(int(out.after), out.content, err.content)

    def kill(self, other: Shell) -> None:
        """Kill another shell and what it runs; its detached programs live on."""
        if other._leads_group:
            code = f"kill -KILL -{other._pid}"
        else:
            code = f"root={other._pid}; {KILL_TREE}"
        self.run(code, KILL_TIMEOUT_S, "stopping a command")

    def close(self) -> None:
        """End it, once what it runs has ended."""
        close(self._channel)


class _ShellEnded(LostLink):
    """The shell ended by itself while the link stands."""

    def __init__(self, message: str, said: bytes) -> None:
        super().__init__(message, "see whether the board ran out of memory, and try again")
        text = said.decode("utf-8", "replace").strip()[-300:]
        self.said = f": it says {text!r}" if text else ""


class _Between:
    """What stands between two marks in a stream of bytes that comes in pieces."""

    def __init__(self, begin: bytes, end: bytes) -> None:
        self._begin = begin
        self._end = end
        self._begun = False
        self.raw = bytearray()
        """What came so far and is not yet known to be foreign."""
        self.complete = False
        self.content = b""
        self.after = b""
        """The rest of the line on which the end's mark stands."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        searched = len(self.raw)
        self.raw += piece
        if not self._begun:
            # Before it: a login shell's chatter, or a program of an earlier command.
            at = self.raw.find(self._begin, max(0, searched - len(self._begin)))
            if at < 0:
                return
            del self.raw[: at + len(self._begin)]
            self._begun = True
            searched = 0
        at = self.raw.find(self._end, max(0, searched - len(self._end) - 8))
        line_end = self.raw.find(b"\n", at + len(self._end)) if at >= 0 else -1
        if line_end >= 0:
            self.content = bytes(self.raw[:at])
            self.after = bytes(self.raw[at + len(self._end) : line_end])
            self.complete = True
