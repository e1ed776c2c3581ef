"""Files from a board: checked whole, and gone on with where a cut link broke off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nntest.errors import UserError
from nntest.measuring.transport.base import CommandFailed
from nntest.measuring.transport.quoting import remote_path
from nntest.measuring.transport.ssh_errors import DamagedTransfer
from nntest.measuring.transport.ssh_session import Session

SMALL_BYTES = 256 * 1024
"""Up to this a file comes through the open shell, in less time than a session takes to open."""
BLOCK_BYTES = 64 * 1024
"""A pull goes on from a multiple of this: dd counts in blocks."""
SIZE_TIMEOUT_S = 60.0
SLOWEST_SUM_BYTES_PER_S = 2e6

SIZE = """[ -f "$f" ] || { if [ -e "$f" ]; then echo 'it is not a file'; else
echo 'there is no such file'; fi >&2; exit 1; }; exec wc -c < "$f" """
# The first bytes only: a journal may have grown since it was asked for its size.
SUM = """first() { head -c "$n" < "$f"; }
head -c 1 < /dev/null > /dev/null 2>&1 || first() { cat < "$f"; }
if command -v sha256sum > /dev/null 2>&1; then first | sha256sum
elif command -v python3 > /dev/null 2>&1; then first | python3 -c 'import hashlib, sys
digest = hashlib.sha256()
for piece in iter(lambda: sys.stdin.buffer.read(1 << 20), b""): digest.update(piece)
print(digest.hexdigest())'
fi"""


@dataclass(frozen=True)
class _Original:
    """A file as it is on the board."""

    word: str
    size: int
    sha256: str


def get(session: Session, source: str, target: Path) -> None:
    """Copy a file from the board; `target` is there whole, checked by size and SHA-256.

    What a cut link leaves of a large file stays in ``<target>.part``, and the next call goes on
    from there.  Raises `CommandFailed` (no such file), `DamagedTransfer`, `UserError` (cannot
    be written here) and the errors of `Session`.
    """
    doing = f"getting {source}"
    original = _look_at(session, source, doing)
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if original.size <= SMALL_BYTES:
            _pull_small(session, original, part, doing)
        else:
            _pull_large(session, original, part, doing)
        part.replace(target)
    except OSError as error:
        raise UserError(f"{doing}: {error.filename or part}: {error.strerror or error}") from None


def _look_at(session: Session, source: str, doing: str) -> _Original:
    word = remote_path(source)
    size = int(_ask(session, f"f={word}; {SIZE}", SIZE_TIMEOUT_S, doing))
    patience = SIZE_TIMEOUT_S + size / SLOWEST_SUM_BYTES_PER_S
    answer = _ask(session, f"f={word} n={size}; {SUM}", patience, doing).split()
    if not answer or len(answer[0]) != hashlib.sha256().digest_size * 2:
        raise CommandFailed(
            f"{session.label}: {doing}: the board cannot compute a SHA-256",
            "install sha256sum (coreutils, busybox) or python3 on it",
        )
    return _Original(word, size, answer[0])


def _ask(session: Session, code: str, timeout_s: float, doing: str) -> str:
    outcome = session.script(f"LC_ALL=C; export LC_ALL; {code}", timeout_s, doing)
    if outcome.status != 0:
        raise CommandFailed(f"{session.label}: {doing}: {outcome.said or outcome.status}")
    return outcome.stdout.decode("ascii", "replace").strip()


def _pull_small(session: Session, original: _Original, part: Path, doing: str) -> None:
    code = f"exec cat {original.word}"
    outcome = session.script(code, SIZE_TIMEOUT_S, doing)
    if outcome.status != 0:
        raise CommandFailed(f"{session.label}: {doing}: {outcome.said or outcome.status}")
    content = outcome.stdout[: original.size]
    _compare(session, original, len(content), hashlib.sha256(content).hexdigest(), doing)
    part.write_bytes(content)


def _pull_large(session: Session, original: _Original, part: Path, doing: str) -> None:
    """Bring the file into `part`, going on from what is there if that fits."""
    held = part.stat().st_size if part.exists() else 0
    begin = held // BLOCK_BYTES * BLOCK_BYTES if held <= original.size else 0
    try:
        _stream(session, original, part, begin, doing)
    except DamagedTransfer:
        part.unlink()
        if begin == 0:
            raise
        # What was there came from another file: an older archive of the same name.
        try:
            _stream(session, original, part, 0, doing)
        except DamagedTransfer:
            part.unlink()
            raise


def _stream(session: Session, original: _Original, part: Path, begin: int, doing: str) -> None:
    """Bring the bytes from `begin` on, and check the whole."""
    digest = hashlib.sha256()
    size = 0
    with part.open("r+b" if begin else "wb") as file:
        while size < begin:
            piece = file.read(min(begin - size, 1 << 20))
            digest.update(piece)
            size += len(piece)
        file.truncate()
        if begin:
            blocks = begin // BLOCK_BYTES
            code = f"exec dd if={original.word} bs={BLOCK_BYTES} skip={blocks} 2>/dev/null"
        else:
            code = f"exec cat < {original.word}"
        command = session.stream(code, doing)
        try:
            for piece in command.chunks():
                piece = piece[: original.size - size]
                file.write(piece)
                digest.update(piece)
                size += len(piece)
                if size == original.size:
                    break
            else:
                # It ended early: with the link, or with an error that its status tells.
                outcome = command.finish()
                if outcome.status != 0:
                    raise CommandFailed(
                        f"{session.label}: {doing}: {outcome.said or outcome.status}"
                    )
        finally:
            command.close()
    _compare(session, original, size, digest.hexdigest(), doing)


def _compare(session: Session, original: _Original, size: int, sha256: str, doing: str) -> None:
    if (size, sha256) != (original.size, original.sha256):
        raise DamagedTransfer(
            f"{session.label}: {doing}: {size} bytes with SHA-256 {sha256[:12]}... arrived, not "
            f"{original.size} with {original.sha256[:12]}...",
            "see that nothing changes the file meanwhile, and try again",
        )
