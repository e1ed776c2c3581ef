from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from measuring.paused_clock import PausedClock
from measuring.transport.sshd import MEGABYTE, SSHD, Proxy, Sshd
from nntest.measuring.transport import retry


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a server the tests that need one are skipped."""
    if not SSHD.exists():
        skip = pytest.mark.skip(reason=f"needs OpenSSH's server ({SSHD} is missing)")
        for item in items:
            if item.get_closest_marker("sshd") is not None:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def lab() -> Iterator[Path]:
    """A folder with a short name: an agent's socket must fit into 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="nntest-ssh-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sshd(lab: Path) -> Iterator[Sshd]:
    """A board that most tests share."""
    server = Sshd(lab / "board")
    yield server
    server.stop()


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[Proxy]:
    """A wire to that board, which can be cut."""
    wire = Proxy(sshd.port)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def archive(sshd: Sshd) -> Path:
    """Thirty megabytes of noise on that board."""
    path = sshd.home / "archive.zip"
    path.write_bytes(os.urandom(30 * MEGABYTE))
    return path


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of whoever runs the tests are none of ours."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PausedClock:
    """Of whoever tries again."""
    clock = PausedClock()
    monkeypatch.setattr(retry, "time", clock)
    return clock
