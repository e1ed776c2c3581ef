"""A board's power, switched by the commands that its file names; they run on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

from nntest.config.board import Board
from nntest.config.upkeep import Command, argv, as_text
from nntest.errors import UserError
from nntest.measuring.transport.base import TransportError
from nntest.measuring.transport.local import LocalTransport
from nntest.measuring.transport.ssh_errors import DeadlineExceeded


class PowerSwitch:
    """Switches a hung board off and on, once: one that hangs again needs its user."""

    def __init__(self, board: Board, note: Callable[[str], None]) -> None:
        """`note` is given what is done."""
        self._board = board
        self._note = note
        self._used = False

    def cycle(self, error: TransportError) -> bool:
        """Switch the board off and on because of `error`.

        False without a switch, or if it was used before.  Raises `UserError` where a command fails
        or does not end; however `off` ends, or Ctrl-C the wait, the board is switched on.
        """
        power = self._board.power
        if power is None or self._used:
            return False
        self._used = True
        self._note(f"{error.message}; patience is over: switching the board off and on")
        try:
            self._run("off", power.off, power.timeout_s)
            time.sleep(power.off_s)
        finally:
            self._run("on", power.on, power.timeout_s)
        self._note(f"the board is on; waiting for it for {self._board.patience_s:g} s")
        return True

    def _run(self, name: str, command: Command, timeout_s: float) -> None:
        where = f"board {self._board.name}: power: {name}: {as_text(command)}"
        try:
            done = LocalTransport().run(argv(command), timeout_s=timeout_s)
        except DeadlineExceeded:
            raise UserError(
                f"{where}: has not ended within {timeout_s:g} s",
                "what it starts in the background must not keep its output: add >/dev/null 2>&1",
            ) from None
        if done.status != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-500:]
            raise UserError(f"{where}: ended with {done.status}" + (f": {said}" if said else ""))
