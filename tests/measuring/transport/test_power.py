"""A hung board is switched off and on, once, by the commands of its file."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from measuring.paused_clock import PausedClock
from measuring.transport.sshd import SSHD, Sshd
from nntest.config import Board
from nntest.errors import UserError
from nntest.measuring.transport import (
    HostKeyChanged,
    LostLink,
    PowerSwitch,
    RetryingTransport,
    Transport,
    TransportError,
    UnknownName,
    Unreachable,
    connect_patiently,
)
from nntest.measuring.transport.local import LocalTransport

CONNECT = sys.modules["nntest.measuring.transport.connect"]


class Bench:
    """A board that answers once its power was switched, and a record of its switch."""

    def __init__(self, folder: Path) -> None:
        self.record = folder / "record"
        self.record.touch()
        self.notes: list[str] = []

    def board(self, **power: Any) -> Board:
        say = f"echo %s >> {shlex.quote(str(self.record))}"
        switch = {"off": say % "off", "on": ["sh", "-c", say % "on"], "off_s": 0, **power}
        return Board.model_validate(
            {
                "name": "there", "connect": {"transport": "ssh", "host": "there"},
                "work_dir": "w", "patience_s": 60, "power": switch,
            }
        )  # fmt: skip

    def switched(self) -> list[str]:
        return self.record.read_text().split()

    def connect(self, error: TransportError, works_after: list[str]) -> Any:
        def connect(board: Board) -> Transport:
            if self.switched() != works_after:
                raise error
            return LocalTransport()

        return connect


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_board_that_does_not_come_is_switched_off_and_on(
    bench: Bench, clock: PausedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        CONNECT, "connect", bench.connect(Unreachable("nothing listens"), ["off", "on"])
    )
    connect_patiently(bench.board(), bench.notes.append)
    assert bench.switched() == ["off", "on"]
    # Of 60 s: no new pause, of 18 s at most, begins that would end later.
    assert 42 <= clock.now < 70, "its whole patience, and no more"
    assert bench.notes == [
        "nothing listens; trying again for 60 s",
        "nothing listens; patience is over: switching the board off and on",
        "the board is on; waiting for it for 60 s",
    ]


def test_it_is_switched_once_in_a_sweep(
    bench: Bench, clock: PausedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = bench.board()
    power = PowerSwitch(board, bench.notes.append)
    monkeypatch.setattr(CONNECT, "connect", bench.connect(LostLink("cut"), ["off", "on"]))
    inner = connect_patiently(board, bench.notes.append, power)

    def hangs(*_: Any, **__: Any) -> None:
        raise LostLink("it hangs again")

    monkeypatch.setattr(inner, "read", hangs)
    link = RetryingTransport(inner, 60, lambda error: None, power.cycle)
    with pytest.raises(LostLink, match="it hangs again"):
        link.read("x")
    assert bench.switched() == ["off", "on"]


@pytest.mark.parametrize(
    "error", [HostKeyChanged("another key"), UnknownName("no address is known")]
)
def test_what_power_does_not_mend_leaves_it_on(
    bench: Bench, clock: PausedClock, monkeypatch: pytest.MonkeyPatch, error: TransportError
) -> None:
    monkeypatch.setattr(CONNECT, "connect", bench.connect(error, ["off", "on"]))
    with pytest.raises(type(error)):
        connect_patiently(bench.board(), bench.notes.append)
    assert bench.switched() == []
    assert clock.now == 0


def test_a_command_that_fails_is_named_and_the_board_is_on_all_the_same(bench: Bench) -> None:
    board = bench.board(off="echo no relay >&2; exit 4")
    with pytest.raises(UserError) as caught:
        PowerSwitch(board, bench.notes.append).cycle(LostLink("cut"))
    assert str(caught.value) == (
        "board there: power: off: echo no relay >&2; exit 4: ended with 4: no relay"
    )
    assert bench.switched() == ["on"]


def test_a_command_that_is_not_there_is_named(bench: Bench) -> None:
    board = bench.board(on=["/no/such/relay"])
    with pytest.raises(UserError, match="power: on: /no/such/relay: ended with 127"):
        PowerSwitch(board, bench.notes.append).cycle(LostLink("cut"))


def test_a_command_that_hangs_is_ended(bench: Bench) -> None:
    board = bench.board(off="sleep 600 & wait", timeout_s=0.5)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"sleep 600 & wait: has not ended within 0\.5 s"):
        PowerSwitch(board, bench.notes.append).cycle(LostLink("cut"))
    assert time.monotonic() - began < 20
    assert bench.switched() == ["on"]


def test_ctrl_c_while_it_is_off_switches_it_on(bench: Bench) -> None:
    board = bench.board(off_s=60)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            PowerSwitch(board, bench.notes.append).cycle(LostLink("cut"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert bench.switched() == ["off", "on"]


@pytest.fixture
def switched_off(tmp_path: Path) -> Iterator[Sshd]:
    """A board that is down, and that the scripts `on` and `off` beside it start and stop."""
    server = Sshd(tmp_path / "board")
    server.stop()
    pid = tmp_path / "pid"
    on = f"{SSHD} -f {server.config} -E {server.log} -o PidFile={pid}"
    (tmp_path / "on").write_text(f"#!/bin/sh\n{on} >/dev/null 2>&1\n")
    (tmp_path / "off").write_text(f'#!/bin/sh\nif [ -e {pid} ]; then kill "$(cat {pid})"; fi\n')
    for name in ("on", "off"):
        (tmp_path / name).chmod(0o755)
    yield server
    LocalTransport().run([str(tmp_path / "off")], timeout_s=20)


@pytest.mark.sshd
def test_a_real_board_comes_back_when_it_is_switched_on(
    switched_off: Sshd, tmp_path: Path, bench: Bench
) -> None:
    board = Board.model_validate(
        {
            "name": "there", "connect": switched_off.connection().model_dump(), "work_dir": "w",
            "patience_s": 4, "power": {
                "off": [str(tmp_path / "off")], "on": str(tmp_path / "on"), "off_s": 0.1,
            },
        }
    )  # fmt: skip
    with connect_patiently(board, bench.notes.append) as link:
        assert link.run(["echo", "here"], timeout_s=20).stdout == "here\n"
    assert any("switching the board off and on" in note for note in bench.notes)
