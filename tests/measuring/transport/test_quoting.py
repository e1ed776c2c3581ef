"""Whatever a value holds, a shell takes it as it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring.transport.sshd import Sshd
from nntest.errors import UserError
from nntest.measuring.transport import Transport
from nntest.measuring.transport.quoting import command, one_line, remote_path, word

SHELLS = [["sh"], ["bash"], ["busybox", "sh"], ["dash"], ["mksh"]]
SHARP = st.sampled_from([*"'\"`$\\;&|<>(){}[]*?~#!=-\n\t\r %^,", "$(", "${", "\x7f", "\x80"])
VALUES = st.lists(
    SHARP | st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12
).map("".join)
FEW = settings(max_examples=settings().max_examples // 4)
"""Each example starts processes."""
PRINT_ALL = 'for value; do printf "%s\\0" "$value"; done'


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@given(values=st.lists(VALUES, max_size=4), variable=VALUES)
@FEW
def test_every_shell_takes_values_as_they_are(
    shell: list[str], values: list[str], variable: str
) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    code = command(
        ["sh", "-c", PRINT_ALL + '; printf "%s\\0" "$V"', "sh", *values], {"V": variable}
    )
    for script in (code, one_line(code)):
        done = subprocess.run(
            [*shell, "-c", script], stdout=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL
        )
        assert done.stdout == "".join(f"{value}\0" for value in [*values, variable]).encode()
    assert "\n" not in one_line(code)


@pytest.fixture(scope="module")
def board(sshd: Sshd) -> Iterator[Transport]:
    with sshd.connect() as transport:
        yield transport


@pytest.mark.sshd
@given(values=st.lists(VALUES, min_size=1, max_size=3))
@FEW
def test_values_reach_a_board_as_they_are(board: Transport, values: list[str]) -> None:
    done = board.run(["sh", "-c", PRINT_ALL, "sh", *values], timeout_s=20)
    assert (done.status, done.stdout) == (0, "".join(f"{value}\0" for value in values))


@pytest.mark.sshd
@given(name=VALUES.filter(lambda value: value not in ("", ".", "..") and "/" not in value))
@FEW
def test_names_reach_a_board_as_they_are(board: Transport, sshd: Sshd, name: str) -> None:
    if len(name.encode()) > 200:
        return
    target = f"hypothesis/{name}"
    try:
        board.write(target, b"content")
        assert (sshd.home / target).read_bytes() == b"content"
        assert board.read(target) == b"content"
    finally:
        shutil.rmtree(sshd.home / "hypothesis")


def test_a_path_is_never_an_option() -> None:
    assert remote_path("-rf") == "./-rf"
    assert remote_path("/a b") == "'/a b'"
    assert one_line("echo plain") == "echo plain"


@pytest.mark.parametrize("call", [lambda: word("a\0b"), lambda: remote_path("")])
def test_what_no_board_can_have(call: object) -> None:
    assert callable(call)
    with pytest.raises(UserError):
        call()
