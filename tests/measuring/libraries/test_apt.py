"""Packages while the board installs something itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from nntest.errors import UserError
from nntest.measuring.libraries import apt
from nntest.measuring.transport.local import LocalTransport

APT = """#!/bin/sh
echo "$*" >> {said}
case " $* " in *" update "*) ;; *) exit 0;; esac
[ -f {held} ] || exit 0
[ $(grep -c update {said}) -lt 3 ] || rm {held}
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)" >&2
exit 100
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What apt-get was asked; another one holds its lock for three of our tries."""
    said, held = tmp_path / "said", tmp_path / "held"
    held.touch()
    scripts = {"apt-get": APT.format(said=said, held=held), "dpkg": "#!/bin/sh\n"}
    for name, text in scripts.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(apt, "ASK_EVERY_S", 0.01)
    monkeypatch.setattr(apt, "need_room", lambda *_: None)
    return said


def install() -> None:
    tools = {"apt-get": "apt-get", "sudo": None}
    apt.install_packages(LocalTransport(), ["libarm-compute-dev"], tools, True, "board here")


def test_another_apt_is_waited_for(said: Path) -> None:
    install()
    asked = [line.split("120 ")[1] for line in said.read_text().splitlines()]
    assert asked == ["update"] * 4 + ["--no-install-recommends install libarm-compute-dev"]


def test_one_that_does_not_end_is_reported(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "PATIENCE_S", 0.0)
    with pytest.raises(UserError, match=r"Could not get lock .* held by process 7"):
        install()
