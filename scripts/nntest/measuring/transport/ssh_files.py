"""Files to a board, with what every board has: sh, tar, cat, mv, wc."""

from __future__ import annotations

import io
import posixpath
import secrets
import tarfile
from pathlib import Path
from typing import Any

from nntest.errors import UserError
from nntest.measuring.transport.base import CommandFailed
from nntest.measuring.transport.quoting import remote_path
from nntest.measuring.transport.ssh_channel import Outcome
from nntest.measuring.transport.ssh_session import Session, StreamingCommand

READ_TIMEOUT_S = 60.0
PART = ".nntest-part-"
"""Names on the board that begin so hold what is not yet whole."""
LEFT_OUT = "__pycache__"
TAR_BUFFER = 256 * 1024


def put(session: Session, source: Path, target: str) -> None:
    """Copy a file or folder to the board; there it appears whole, instead of the old one.

    Modes and times are kept, owners are not, symbolic links are followed.  Raises
    `CommandFailed` with what the board said, `UserError` for what cannot be read here, and the
    errors of `Session`.
    """
    doing = f"putting {source} to {target}"
    if not (source.is_dir() or source.is_file()):
        raise UserError(f"{doing}: there is no such file or folder here")
    token = secrets.token_hex(8)
    script = PUT_FOLDER if source.is_dir() else PUT_FILE
    command = session.stream(_names(target, token) + script, doing)
    try:
        _send_tar(command, source, token)
        outcome = command.finish()
    except OSError as error:
        raise UserError(f"{doing}: {error.filename or source}: {error.strerror or error}") from None
    finally:
        command.close()
    _check(session, outcome, doing)


def write(session: Session, target: str, content: bytes) -> None:
    """Write a file on the board, whole or not at all.  Raises as `put` does."""
    doing = f"writing {target}"
    names = _names(target, secrets.token_hex(8))
    command = session.stream(f"size={len(content)}; {names}{WRITE}", doing)
    try:
        command.send(content)
        outcome = command.finish()
    finally:
        command.close()
    _check(session, outcome, doing)


def read(session: Session, source: str) -> bytes | None:
    """The content of a small file on the board (or in its /proc or /sys); None if there is none.

    Raises `CommandFailed` for any other reason not to have it, and the errors of `Session`.
    """
    doing = f"reading {source}"
    code = f"LC_ALL=C; export LC_ALL; exec cat {remote_path(source)}"
    outcome = session.script(code, READ_TIMEOUT_S, doing)
    if outcome.status != 0 and outcome.stderr.rstrip().endswith(b": No such file or directory"):
        return None
    _check(session, outcome, doing)
    return outcome.stdout


def _check(session: Session, outcome: Outcome, doing: str) -> None:
    if outcome.status != 0:
        said = outcome.said or f"it ended with {outcome.status}"
        raise CommandFailed(f"{session.label}: {doing}: {said}")


def _names(target: str, token: str) -> str:
    """The shell variables that the scripts use: target, its folder, what is not yet whole."""
    bare = target.rstrip("/") or "/"
    folder = posixpath.dirname(bare)
    return (
        f"t={remote_path(bare)} d={remote_path(folder or '.')} "
        f"p={remote_path(posixpath.join(folder, PART + token))} n=new-{token}; "
    )


# Each is a single line: see READ_A_SCRIPT.
BEGIN = (
    "LC_ALL=C; export LC_ALL; "
    """trap 'exit 1' 1 2 13 15; trap 'rm -rf "$p"' 0; mkdir -p "$d" || exit 1; """
)
REFUSE_FOLDER = """{ [ ! -d "$t" ] || { echo 'there is a folder of that name' >&2; exit 1; }; }; """
"""`mv` would put the file into it."""
NOT_WHOLE = "{ echo 'it did not arrive whole' >&2; exit 1; }; "
# A link that is cut looks like the end of the file to cat: the size tells.
WRITE = (
    f"""{BEGIN}cat > "$p" || exit 1; [ $(wc -c < "$p") -eq "$size" ] || {NOT_WHOLE}"""
    f"""{REFUSE_FOLDER}mv -f "$p" "$t" """
)
# tar takes a stream that is cut between two files for a whole one: the last member tells.
# -o: files belong to whoever logs in.
UNPACK = (
    f"""{BEGIN}mkdir "$p" && tar -x -o -f - -C "$p" || exit 1; [ -e "$p/whole" ] || {NOT_WHOLE}"""
)
PUT_FILE = f"""{UNPACK}{REFUSE_FOLDER}mv -f "$p/$n" "$t" """
# The old folder steps aside, the new one takes its place.  Others may do the same at the same
# time: a folder that stands there again is not an error, but another turn.  Without -T, mv would
# put ours into theirs; a mv that knows no -T is asked afterwards where it put it.
# Parts of yesterday are left over.
PUT_FOLDER = (
    f"""{UNPACK}find "$d" -maxdepth 1 -name '{PART}*' -mtime +0 -exec rm -rf {{}} + 2>/dev/null; """
    """m='mv -f'; mv -f -T "$p/whole" "$p/hole" 2>/dev/null && m='mv -f -T'; """
    "for i in 1 2 3 4 5 6 7 8 9; do "
    """if [ -e "$t" ] || [ -L "$t" ]; then mv -f "$t" "$p/old-$i" 2> "$p/why"; fi; """
    """if $m "$p/$n" "$t" 2> "$p/why"; then [ -e "$t/$n" ] || exit 0; mv "$t/$n" "$p/"; fi; """
    """done; cat "$p/why" >&2; exit 1"""
)


def _send_tar(command: StreamingCommand, source: Path, token: str) -> None:
    """Stream a file or folder as a tar archive, its last member saying that it is whole."""
    sink = io.BufferedWriter(_Sink(command), TAR_BUFFER)
    # The GNU format: long names in every tar, busybox's included.
    with (
        sink,
        tarfile.open(
            fileobj=sink,
            mode="w|",
            format=tarfile.GNU_FORMAT,
            dereference=True,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive,
    ):
        archive.add(source, f"new-{token}", filter=_member)
        archive.addfile(tarfile.TarInfo("whole"))


def _member(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is not a file of ours, and who owns it here."""
    if posixpath.basename(info.name) == LEFT_OUT or not (info.isfile() or info.isdir()):
        return None
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


class _Sink(io.RawIOBase):
    """The stdin of a command as a file to write to; what it refuses is dropped."""

    def __init__(self, command: StreamingCommand) -> None:
        self._command = command

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Send the bytes on."""
        piece = bytes(data)
        self._command.send(piece)
        return len(piece)
