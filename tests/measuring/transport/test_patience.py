"""A board that is booting or coming back: what is waited for, and what is said at once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from measuring.paused_clock import PausedClock
from nntest.config import Board
from nntest.measuring.transport import (
    AuthenticationFailed,
    HostKeyChanged,
    LostLink,
    NotAnSshServer,
    RetryingTransport,
    SessionRefused,
    Transport,
    TransportError,
    UnknownName,
    Unreachable,
    connect_patiently,
)
from nntest.measuring.transport.local import LocalTransport

CONNECT = sys.modules["nntest.measuring.transport.connect"]


pytestmark = pytest.mark.usefixtures("clock")


def board(patience_s: float = 120.0) -> Board:
    return Board.model_validate(
        {
            "name": "there",
            "connect": {"transport": "ssh", "host": "there"},
            "work_dir": "w",
            "patience_s": patience_s,
        }
    )


def answers_after(clock: PausedClock, seconds: float, error: TransportError) -> SimpleNamespace:
    """A board that fails so until then."""
    tries: list[float] = []

    def connect(_: Board) -> Transport:
        tries.append(clock.now)
        if clock.now < seconds:
            raise error
        return LocalTransport()

    return SimpleNamespace(connect=connect, tries=tries)


@pytest.mark.parametrize("error", [Unreachable("nothing listens"), LostLink("it hung up")])
def test_the_first_connection_waits_for_a_board_that_boots(
    monkeypatch: pytest.MonkeyPatch, clock: PausedClock, error: TransportError
) -> None:
    booting = answers_after(clock, 90, error)
    monkeypatch.setattr(CONNECT, "connect", booting.connect)
    notes: list[str] = []
    connect_patiently(board(), notes.append)
    assert 90 <= clock.now < 120
    assert len(booting.tries) < 15
    assert notes == [f"{error.message}; trying again for 120 s"]


def test_a_board_that_never_comes_is_given_up_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, clock: PausedClock
) -> None:
    gone = answers_after(clock, 1e9, Unreachable("nothing listens"))
    monkeypatch.setattr(CONNECT, "connect", gone.connect)
    with pytest.raises(Unreachable, match="nothing listens"):
        connect_patiently(board(), lambda _: None)
    assert clock.now <= 120
    clock.now = 0.0
    with pytest.raises(Unreachable):
        connect_patiently(board(patience_s=0), lambda _: None)
    assert clock.now == 0


@pytest.mark.parametrize(
    "error",
    [
        UnknownName("no address is known for 'fierfly'"),
        AuthenticationFailed("no key"),
        NotAnSshServer("a web server"),
        HostKeyChanged("another key"),
    ],
)
def test_what_is_mistyped_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, clock: PausedClock, error: TransportError
) -> None:
    monkeypatch.setattr(CONNECT, "connect", answers_after(clock, 1e9, error).connect)
    with pytest.raises(type(error)):
        connect_patiently(board(), lambda _: None)
    assert clock.now == 0


class ComingBack(LocalTransport):
    """A board that once was there, and fails for a while."""

    def __init__(self, clock: PausedClock, until: float, error: TransportError) -> None:
        self.clock, self.until, self.error = clock, until, error

    def read(self, source: str) -> bytes | None:
        if self.clock.now < self.until:
            raise self.error
        return b"there"


@pytest.mark.parametrize(
    "error",
    [
        LostLink("cut"),
        UnknownName("its name is gone with it"),
        AuthenticationFailed("keys not accepted"),
        NotAnSshServer("a boot loader's console"),
    ],
)
def test_what_a_board_says_while_it_comes_back_is_waited_out(
    clock: PausedClock, error: TransportError
) -> None:
    notes: list[str] = []
    link = RetryingTransport(
        ComingBack(clock, 60, error), 120, lambda failure: notes.append(failure.message)
    )
    assert link.read("x") == b"there"
    assert set(notes) == {error.message}
    with pytest.raises(type(error)):
        RetryingTransport(ComingBack(clock, 1e9, error), 120, lambda _: None).read("x")


@pytest.mark.parametrize("error", [HostKeyChanged("another key"), SessionRefused("no shell")])
def test_another_key_is_not_waited_out(clock: PausedClock, error: TransportError) -> None:
    link = RetryingTransport(ComingBack(clock, 60, error), 120, lambda _: None)
    with pytest.raises(type(error)):
        link.read("x")
    assert clock.now == 0


def test_this_machine_needs_no_patience(tmp_path: Path) -> None:
    here = Board.model_validate(
        {"name": "here", "connect": {"transport": "local"}, "work_dir": str(tmp_path)}
    )
    assert isinstance(connect_patiently(here, lambda _: None), LocalTransport)
