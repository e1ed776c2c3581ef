"""A virtual board that is built once and started on a free port."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from nntest.measuring.transport import Transport, connect
from virtual_board.own_board import VirtualBoard, why_not


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    """A board that is built; tests that need it running start it."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machine = VirtualBoard(tmp_path_factory.mktemp("virtual-board"), port)
    machine.do("build", "--no-compiler", "--install-tools")
    yield machine
    machine.do("stop")


@pytest.fixture
def running(machine: VirtualBoard) -> VirtualBoard:
    """The board, running."""
    machine.start()
    return machine


@pytest.fixture
def transport(running: VirtualBoard) -> Iterator[Transport]:
    """An open connection to the running board."""
    with connect(running.board) as connection:
        yield connection
