"""Sources and binaries that this machine fetches for a board: archives and git repositories.

They are fetched here because boards often have no way to the internet, and so that what is sent
there has been checked.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import posixpath
import shutil
import ssl
import stat
import subprocess
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from nntest.errors import UserError

TIMEOUT_S = 60.0
"""Without a byte from the other side."""
GIT_TIMEOUT_S = 3600.0
BLOCK = 1 << 20


def fetch_archive(
    place: str, sha256: str, folder: Path, where: str, note: Callable[[str], None]
) -> Path:
    """The archive at a URL or a path of this machine, checked; a downloaded one is in `folder`.

    Raises `UserError` if it cannot be had, or is not the one that the checksum means.
    """
    if urllib.parse.urlparse(place).scheme in ("http", "https"):
        path = folder / posixpath.basename(urllib.parse.urlparse(place).path)
        note(f"fetching {place}")
        _download(place, path, where)
    else:
        path = Path(place).expanduser()
        if not path.is_file():
            raise UserError(
                f"{where}: there is no archive {place} on this machine",
                "paths are relative to where snakemake runs",
            )
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise UserError(
            f"{where}: {place} has the SHA-256 {found}, the library's file says {sha256}",
            "it is another archive, or damaged: fetch it again, or correct `sha256`",
        )
    return path


def _download(url: str, path: Path, where: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, path.open("wb") as file:
            wanted = answer.headers.get("Content-Length")
            shutil.copyfileobj(answer, file, BLOCK)
    except urllib.error.HTTPError as error:
        raise UserError(f"{where}: {url}: the server says {error.code} {error.reason}") from None
    except (
        *(urllib.error.URLError, http.client.HTTPException),
        *(TimeoutError, ConnectionError, ssl.SSLError),
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{where}: {url} cannot be fetched: {reason}",
            "name a copy on this machine instead: archive: path/of/the.tar.gz",
        ) from None
    if wanted is not None and path.stat().st_size != int(wanted):
        raise UserError(f"{where}: {url} ended early: {path.stat().st_size} of {wanted} bytes")


def unpack(archive: Path, target: Path, where: str, leave_out: Sequence[str] = ()) -> str | None:
    """Unpack an archive into a new folder, without the one folder that everything in it is in.

    Only plain files are taken, no link and nothing outside of the archive's own folder, and not
    the folders in `leave_out`.  Returns the git revision that `git archive` has written into it,
    if any.  Raises `UserError` for a damaged archive, or one that would reach outside.
    """
    into = target.with_name(target.name + ".unpacking")
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    try:
        if archive.name.endswith(".zip"):
            revision = _unpack_zip(archive, into)
        else:
            revision = _unpack_tar(archive, into)
    except (
        *(tarfile.TarError, zipfile.BadZipFile, zlib.error),
        *(EOFError, ValueError, OSError),  # A member within another, a name that is too long.
    ) as error:
        raise UserError(f"{where}: {archive} cannot be unpacked: {error}") from None
    tops = list(into.iterdir())
    top = tops[0] if len(tops) == 1 and tops[0].is_dir() else into
    for name in leave_out:
        shutil.rmtree(top / name, ignore_errors=True)
    top.replace(target)
    shutil.rmtree(into, ignore_errors=True)
    return revision


def _unpack_tar(archive: Path, into: Path) -> str | None:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                _write(into, member.name, content, member.mode)
            elif not member.isdir():
                _check(member.name)  # links and devices are left out
        comment = tar.pax_headers.get("comment", "")
    is_revision = len(comment) == 40 and set(comment) <= set("0123456789abcdef")
    return comment if is_revision else None


def _unpack_zip(archive: Path, into: Path) -> str | None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            mode = member.external_attr >> 16
            if not member.is_dir() and not stat.S_ISLNK(mode):
                with packed.open(member) as content:
                    _write(into, member.filename, content, mode)
        comment = packed.comment.decode("ascii", "replace")
    is_revision = len(comment) == 40 and set(comment) <= set("0123456789abcdef")
    return comment if is_revision else None


def _check(name: str) -> None:
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or "\0" in name:
        raise ValueError(f"its member {name!r} would be written outside of it")


def _write(into: Path, name: str, content: IO[bytes], mode: int) -> None:
    _check(name)
    path = into / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, BLOCK)
    path.chmod(0o755 if mode & 0o100 else 0o644)


def fetch_git(
    repository: str,
    tag: str | None,
    commit: str | None,
    target: Path,
    leave_out: Sequence[str],
    where: str,
) -> str:
    """Check a tag or commit of a git repository out into a new folder; the commit (40 digits).

    Folders in `leave_out` are not even fetched, where the server knows how.  Raises `UserError`
    if git is missing, or the repository, the tag or the commit, or if the tag is another commit.
    """
    if shutil.which("git") is None:
        raise UserError(
            f"{where}: there is no git on this machine, and the sources come from a repository",
            "install git here, or name an `archive` with its `sha256` instead",
        )
    if repository.startswith("~") or "://" not in repository:
        repository = str(Path(repository).expanduser().absolute())  # git clones elsewhere
    clone = ["git", "clone", "--quiet", "--no-checkout", "--filter=blob:none"]
    if commit is None:
        clone += ["--depth=1", "--branch", str(tag)]
    done = _git([*clone, "--", _as_url(repository), str(target)])
    if done.returncode != 0:
        what = f"tag {tag} of {repository}" if commit is None else repository
        raise UserError(
            f"{where}: {what} cannot be cloned: {_complaint(done)}",
            "are the address and the tag right? git ls-remote --tags shows what there is",
        )
    patterns = ["/*", *(f"!/{name}" for name in leave_out)]
    done = _git(["git", "sparse-checkout", "set", "--no-cone", *patterns], target)
    if done.returncode == 0:
        wanted = f"refs/tags/{tag}" if tag is not None else str(commit)
        done = _git(["git", "checkout", "--quiet", "--detach", wanted], target)
    if done.returncode != 0:
        what = f"tag {tag}" if tag is not None else f"commit {commit}"
        raise UserError(f"{where}: {repository} has no {what}: {_complaint(done)}")
    found = _git(["git", "rev-parse", "HEAD"], target).stdout.strip()
    if commit is not None and found != commit:
        raise UserError(
            f"{where}: tag {tag} of {repository} is commit {found}, the library's file says "
            f"{commit}",
            "the tag was moved, or `commit` is another version's",
        )
    shutil.rmtree(target / ".git")
    return found


def _as_url(repository: str) -> str:
    # By its path git would copy the repository whole, and not leave out what is not wanted.
    return f"file://{repository}" if repository.startswith("/") else repository


def _git(argv: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # git must not ask for a password.
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return subprocess.run(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=GIT_TIMEOUT_S,
    )


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["git gave no reason"])[0][:500]
