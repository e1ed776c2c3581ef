"""What every transport does, whatever it goes over."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from measuring.transport.sshd import SSHD, Sshd, busybox_board, is_gone, soon
from nntest.errors import UserError
from nntest.measuring.transport import CommandFailed, DeadlineExceeded, Transport
from nntest.measuring.transport.local import LocalTransport

HOSTILE = [
    "with space",
    "it's",
    'double "quote"',
    "$(touch gone-wrong)",
    "`touch gone-wrong`",
    "; touch gone-wrong",
    "-rf",
    "--help",
    "line\nbreak",
    "tab\there",
    "back\\slash",
    "star*[a]?",
    "~",
    "!history",
    "Á-ÿ-日本-\x7f-\x01",
    "a\n'; touch gone-wrong; '",
    "#comment",
    " lead and trail ",
]


def _boards() -> list[object]:
    remote = [pytest.param(name, marks=pytest.mark.sshd) for name in ("ssh", "ssh-busybox")]
    return ["local", *remote]


@pytest.fixture(scope="module", params=_boards())
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Transport, Path]]:
    """An open transport, and the folder that relative paths are below."""
    if request.param == "local":
        yield LocalTransport(), tmp_path_factory.mktemp("home")
        return
    if not SSHD.exists():
        pytest.skip(f"needs OpenSSH's server ({SSHD} is missing)")
    server = None
    if request.param == "ssh":
        board: Sshd = request.getfixturevalue("sshd")
    else:
        lab = request.getfixturevalue("lab")
        server = board = Sshd(lab / "small", before=busybox_board(lab))
    with board.connect() as transport:
        yield transport, board.home
    if server is not None:
        server.stop()


@pytest.fixture
def transport(shared: tuple[Transport, Path], monkeypatch: pytest.MonkeyPatch) -> Transport:
    monkeypatch.chdir(shared[1])
    return shared[0]


@pytest.fixture
def home(shared: tuple[Transport, Path]) -> Path:
    return shared[1]


@pytest.fixture
def work(home: Path) -> Path:
    """A fresh folder on the board, below home."""
    folder = home / f"work-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def test_a_command_gives_its_status_and_both_outputs(transport: Transport) -> None:
    done = transport.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=20)
    assert (done.status, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert transport.run(["true"], timeout_s=20).status == 0
    with pytest.raises(UserError, match="trying: sh ended with 7: err"):
        done.check("trying")


def test_output_need_not_end_a_line_nor_be_text(transport: Transport) -> None:
    script = r"printf 'a\000b\377'; printf 'no end' >&2"
    done = transport.run(["sh", "-c", script], timeout_s=20)
    assert done.stdout == "a\0b�"
    assert done.stderr == "no end"
    assert transport.run(["sh", "-c", ":"], timeout_s=20).stdout == ""


def test_outputs_larger_than_every_buffer(transport: Transport) -> None:
    script = "head -c 3000000 /dev/zero >&2; head -c 3000001 /dev/zero"
    done = transport.run(["sh", "-c", script], timeout_s=60)
    assert (len(done.stderr), len(done.stdout)) == (3_000_000, 3_000_001)


@pytest.mark.parametrize("value", HOSTILE)
def test_arguments_and_variables_arrive_as_they_are(
    transport: Transport, home: Path, value: str
) -> None:
    done = transport.run(
        ["sh", "-c", 'printf "%s|%s" "$1" "$VALUE"', "sh", value],
        timeout_s=20,
        environment={"VALUE": value},
    )
    assert done.stdout == f"{value}|{value}"
    assert not (home / "gone-wrong").exists()


def test_variables_add_to_what_is_there(transport: Transport) -> None:
    script = 'echo "$EMPTY-$A${PATH:+-path}"'
    done = transport.run(["sh", "-c", script], timeout_s=20, environment={"EMPTY": "", "A": "=b=c"})
    assert done.stdout == "-=b=c-path\n"
    assert transport.run(["sh", "-c", 'echo "$A"'], timeout_s=20).stdout == "\n"


def test_a_command_reads_nothing_from_stdin(transport: Transport) -> None:
    assert transport.run(["cat"], timeout_s=20).stdout == ""
    assert transport.run(["sh", "-c", "read line || echo none"], timeout_s=20).stdout == "none\n"


def test_no_command_changes_the_next_one(transport: Transport) -> None:
    before = transport.run(["pwd"], timeout_s=20).stdout
    for argv in (["cd", "/"], ["exit", "3"], ["exec", "true"], ["umask", "0"], ["set", "-e"]):
        transport.run(argv, timeout_s=20)
    transport.run(["sh", "-c", "cd /; export A=1; exit 9"], timeout_s=20)
    assert transport.run(["pwd"], timeout_s=20).stdout == before
    assert transport.run(["false"], timeout_s=20).status == 1


def test_commands_begin_in_the_home_folder(transport: Transport, home: Path) -> None:
    assert transport.run(["pwd"], timeout_s=20).stdout.strip() == str(home)


def test_a_program_that_is_not_there(transport: Transport) -> None:
    with pytest.raises(UserError, match="no-such-program"):
        transport.run(["no-such-program", "x"], timeout_s=20).check("trying")


def test_a_signal_is_no_success(transport: Transport) -> None:
    assert transport.run(["sh", "-c", "kill -9 $$"], timeout_s=20).status != 0


def test_a_command_that_hangs_is_ended_in_time(transport: Transport, work: Path) -> None:
    script = 'sleep 600 & echo $! > "$1"; wait'  # what it has started ends with it
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"no answer within 2 s"):
        transport.run(["sh", "-c", script, "sh", str(work / "pid")], timeout_s=2)
    assert time.monotonic() - began < 20
    pid = int((work / "pid").read_text())
    soon(lambda: is_gone(pid))
    assert transport.run(["echo", "next"], timeout_s=20).stdout == "next\n"


def test_a_program_in_the_background_outlives_its_command(transport: Transport, work: Path) -> None:
    wait = "until [ -e go ]; do sleep 0.1; done"
    script = f'cd "$1"; ({wait}; echo late > done) > log 2>&1 & echo started'
    done = transport.run(["sh", "-c", script, "sh", str(work)], timeout_s=20)
    assert done.stdout == "started\n"
    assert transport.read(str(work / "done")) is None
    (work / "go").touch()
    soon(lambda: transport.read(str(work / "done")) == b"late\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_files_go_there_and_back_under_any_name(
    transport: Transport, home: Path, work: Path, tmp_path: Path, name: str
) -> None:
    content = name.encode() + bytes(range(256))
    relative = f"{work.name}/{name}"
    transport.write(relative, content)
    assert (work / name).read_bytes() == content
    assert transport.read(relative) == content
    transport.get(relative, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content

    folder = tmp_path / "folder"
    (folder / name).mkdir(parents=True)
    (folder / name / name).write_bytes(content)
    transport.put(folder, f"{work.name}/put/{name}")
    assert (work / "put" / name / name / name).read_bytes() == content
    assert not (home / "gone-wrong").exists()
    assert sorted(entry.name for entry in work.iterdir()) == sorted([name, "put"])


@pytest.mark.parametrize("name", ["-rf", "line\nbreak", "~"])
def test_a_name_alone_is_below_home(transport: Transport, home: Path, name: str) -> None:
    try:
        transport.write(name, b"x")
        assert (home / name).read_bytes() == b"x"
        assert transport.read(name) == b"x"
    finally:
        (home / name).unlink(missing_ok=True)


def test_putting_a_folder_replaces_the_old_one_whole(
    transport: Transport, work: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "programs"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"")
    (folder / "deep" / "er" / "file").write_text("1")
    (folder / "empty").mkdir()
    program = folder / "run.sh"
    program.write_text("#!/bin/sh\necho $((6 * 7))\n")
    program.chmod(0o755)
    os.utime(program, (1_500_000_000, 1_500_000_000))
    long = folder / ("n" * 120) / ("m" * 120)
    long.mkdir(parents=True)
    (long / "file").write_text("long")
    (folder / "link").symlink_to("run.sh")

    target = work / "there" / "programs"
    transport.put(folder, str(target))
    assert transport.run([str(target / "run.sh")], timeout_s=20).stdout == "42\n"
    assert int((target / "run.sh").stat().st_mtime) == 1_500_000_000
    assert (target / long.relative_to(folder) / "file").read_text() == "long"
    assert (target / "link").read_text() == program.read_text()
    assert not (target / "link").is_symlink()
    assert (target / "empty").is_dir()
    assert not (target / "__pycache__").exists()

    (folder / "deep" / "er" / "file").unlink()
    (folder / "new").write_text("2")
    transport.put(folder, f"{target}")
    assert not (target / "deep" / "er" / "file").exists()
    assert (target / "new").read_text() == "2"
    assert [entry.name for entry in target.parent.iterdir()] == ["programs"]


def test_putting_a_file(transport: Transport, work: Path, tmp_path: Path) -> None:
    source = tmp_path / "tool"
    source.write_bytes(b"#!/bin/sh\nexit 5\n")
    source.chmod(0o755)
    transport.put(source, str(work / "bin" / "tool"))
    assert transport.run([str(work / "bin" / "tool")], timeout_s=20).status == 5
    source.write_bytes(b"#!/bin/sh\nexit 6\n")
    transport.put(source, str(work / "bin" / "tool"))
    assert transport.run([str(work / "bin" / "tool")], timeout_s=20).status == 6
    assert [entry.name for entry in (work / "bin").iterdir()] == ["tool"]


def test_writing_replaces_and_makes_folders(transport: Transport, work: Path) -> None:
    target = work / "a" / "b" / "file"
    for content in (b"first", b"", bytes(range(256)) * 5000):
        transport.write(str(target), content)
        assert target.read_bytes() == content
        assert transport.read(str(target)) == content
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


def test_reading_what_is_not_there(transport: Transport, work: Path) -> None:
    assert transport.read(str(work / "nothing")) is None
    assert transport.read(str(work / "no" / "folder" / "nothing")) is None
    (work / "dangling").symlink_to("nowhere")
    assert transport.read(str(work / "dangling")) is None
    (work / "empty").write_bytes(b"")
    assert transport.read(str(work / "empty")) == b""


def test_reading_what_cannot_be_read_is_no_absence(transport: Transport, work: Path) -> None:
    with pytest.raises(CommandFailed):
        transport.read(str(work))
    (work / "file").write_bytes(b"x")
    with pytest.raises(CommandFailed):
        transport.read(str(work / "file" / "below"))


def test_reading_the_kernels_own_files(transport: Transport) -> None:
    assert b"MemTotal" in (transport.read("/proc/meminfo") or b"")


def test_getting_what_is_not_there_leaves_nothing(
    transport: Transport, work: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("old")
    with pytest.raises(CommandFailed):
        transport.get(str(work / "nothing"), kept)
    assert kept.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, 262_145, 3_000_000])
def test_getting_files_of_all_sizes(
    transport: Transport, work: Path, tmp_path: Path, size: int
) -> None:
    content = os.urandom(size)
    (work / "data").write_bytes(content)
    target = tmp_path / "new folder" / "data"
    transport.get(str(work / "data"), target)
    assert target.read_bytes() == content
    assert [entry.name for entry in target.parent.iterdir()] == ["data"]


def test_a_file_in_the_way_of_a_folder(transport: Transport, work: Path) -> None:
    (work / "file").write_text("mine")
    with pytest.raises(CommandFailed):
        transport.write(str(work / "file" / "plan.json"), b"{}")
    assert (work / "file").read_text() == "mine"
    (work / "folder").mkdir()
    with pytest.raises(CommandFailed):
        transport.write(str(work / "folder"), b"{}")
    assert list((work / "folder").iterdir()) == []


def test_replacing_a_file_by_a_folder(transport: Transport, work: Path, tmp_path: Path) -> None:
    (work / "name").write_text("a file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("1")
    transport.put(tmp_path / "folder", str(work / "name"))
    assert (work / "name" / "inside").read_text() == "1"
    assert [entry.name for entry in work.iterdir()] == ["name"]


Call = Callable[[Transport, Path, Path], object]
"""What is tried, with the folder on the board and one here."""

FAILURES: dict[str, tuple[Call, type[UserError], str]] = {
    "get what is not there": (
        lambda t, there, here: t.get(f"{there}/none", here / "new"),
        CommandFailed,
        "getting .*none: there is no such file",
    ),
    "get below a file": (
        lambda t, there, here: t.get(f"{there}/file/none", here / "new"),
        CommandFailed,
        "getting .*there is no such file",
    ),
    "get a folder": (
        lambda t, there, here: t.get(f"{there}/folder", here / "new"),
        CommandFailed,
        "getting .*folder: it is not a file",
    ),
    "get a fifo": (
        lambda t, there, here: t.get(f"{there}/fifo", here / "new"),
        CommandFailed,
        "getting .*fifo: it is not a file",
    ),
    "get to below a file here": (
        lambda t, there, here: t.get(f"{there}/file", here / "file" / "new"),
        UserError,
        "getting .*(Not a directory|File exists)",
    ),
    "get to where a folder is here": (
        lambda t, there, here: t.get(f"{there}/file", here / "folder"),
        UserError,
        "getting .*Is a directory",
    ),
    "put what is not here": (
        lambda t, there, here: t.put(here / "none", f"{there}/new"),
        UserError,
        "putting .*none .*there is no such file or folder here",
    ),
    "put a folder with a link to nowhere": (
        lambda t, there, here: t.put(here / "links", f"{there}/new"),
        UserError,
        "putting .*dangling.*No such file",
    ),
    "put below a file": (
        lambda t, there, here: t.put(here / "file", f"{there}/file/new"),
        CommandFailed,
        "putting .*(Not a directory|File exists)",
    ),
    "put a file onto a folder": (
        lambda t, there, here: t.put(here / "file", f"{there}/folder"),
        CommandFailed,
        "putting .*there is a folder of that name",
    ),
    "write below a file": (
        lambda t, there, here: t.write(f"{there}/file/new", b"x"),
        CommandFailed,
        "writing .*(Not a directory|File exists)",
    ),
    "write onto a folder": (
        lambda t, there, here: t.write(f"{there}/folder", b"x"),
        CommandFailed,
        "writing .*there is a folder of that name",
    ),
    "read a folder": (
        lambda t, there, here: t.read(f"{there}/folder"),
        CommandFailed,
        "reading .*Is a directory",
    ),
    "read below a file": (
        lambda t, there, here: t.read(f"{there}/file/none"),
        CommandFailed,
        "reading .*Not a directory",
    ),
    "run what is not there": (
        lambda t, there, here: t.run(["no-such-program"], timeout_s=20).check("trying"),
        CommandFailed,
        "trying: no-such-program ended with 127: .*no-such-program",
    ),
    "run what is not a program": (
        lambda t, there, here: t.run([f"{there}/folder"], timeout_s=20).check("trying"),
        CommandFailed,
        "trying: .* ended with 126: .*([Pp]ermission denied|[Ii]s a directory)",
    ),
    "run what takes too long": (
        lambda t, there, here: t.run(["sleep", "60"], timeout_s=0.5),
        DeadlineExceeded,
        "sleep: no answer within 0.5 s",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_the_same_errors(
    transport: Transport, work: Path, tmp_path: Path, name: str
) -> None:
    """And they leave nothing, neither there nor here."""
    for folder in (work, tmp_path):
        (folder / "file").write_text("kept")
        (folder / "folder").mkdir()
    os.mkfifo(work / "fifo")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "dangling").symlink_to("nowhere")
    before = [sorted(path.rglob("*")) for path in (work, tmp_path)]
    call, error, words = FAILURES[name]
    with pytest.raises(UserError, match=words) as failure:
        call(transport, work, tmp_path)
    assert type(failure.value) is error
    assert (work / "file").read_text() == "kept"
    soon(lambda: sorted(work.rglob("*")) == before[0])
    assert [path for path in sorted(tmp_path.rglob("*")) if path.suffix != ".part"] == before[1]
