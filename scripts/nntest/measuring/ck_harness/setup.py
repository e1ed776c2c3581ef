"""What a board with Collective Knowledge is set up with, and how it is set up."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onboard.job_names import DONE, RESULT_FILE

from nntest.config.board import Board
from nntest.config.ck import CkDetect, CkLibrary, CkRepository, CkSoftware
from nntest.config.library import Library
from nntest.errors import UserError
from nntest.measuring.ck_harness.request import ck_request, pip_request
from nntest.measuring.ck_harness.wheels import send_ck
from nntest.measuring.detached import DetachedJob, patient
from nntest.measuring.onboard import absolute_root
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

Request = dict[str, Any]


def set_up(
    link: Transport,
    board: Board,
    library: Library,
    facts: Mapping[str, Any],
    watcher: Watcher,
) -> dict[str, Any]:
    """Have CK, its repositories, what its programs need and the library on a board.

    Returns what the board says of them: {ck_version, environment, name, version, files,
    programs}.  The board does it by itself, whatever becomes of the link or of this process.
    Raises `UserError` that names what is missing and the key to change.
    """
    assert library.ck is not None  # the config checks it
    _need_archives(board)
    transport = patient(link, board, watcher)
    root = absolute_root(transport, board)
    folder = posixpath.join(root, "ck", "setup", library.name)
    plan = _plan(transport, board, library, library.ck, facts, root, folder)
    job = DetachedJob(
        transport,
        board,
        watcher,
        script="ck_runner.py",
        folder=folder,
        plan_id=plan["plan_id"],
        study=f"setting up {library.name}",
    )
    status = job.run(lambda: plan, "what is installed stays on the board")
    if status["state"] != DONE:
        message = status["message"] or "another process stopped it"
        raise UserError(f"board {board.name}: {message}", _hint(message))
    content = transport.read(posixpath.join(folder, RESULT_FILE))
    answer = json.loads(content) if content else None
    if not isinstance(answer, dict) or answer.pop("plan_id", None) != plan["plan_id"]:
        raise UserError(
            f"board {board.name}: {folder}/{RESULT_FILE} has no answer to what was asked",
            "another workflow may have set the same library up in another way: run it again",
        )
    return answer


def _need_archives(board: Board) -> None:
    """`UserError` that names all repositories of CK that should be on this machine and are not."""
    missing = [
        f"{repository.name} ({repository.archive})"
        for repository in board.ck_harness.repositories
        if repository.archive is not None and not Path(repository.archive).exists()
    ]
    if missing:
        raise UserError(
            f"board {board.name}: CK's repositories are not on this machine: {', '.join(missing)}",
            "get each of them there (`archive` is relative to where snakemake runs), e.g. by "
            "git clone https://github.com/ctuning/NAME; or give `path`, a folder on the board, or "
            "`url` instead",
        )


def _plan(
    transport: Transport,
    board: Board,
    library: Library,
    ck: CkLibrary,
    facts: Mapping[str, Any],
    root: str,
    folder: str,
) -> dict[str, Any]:
    software = [_software(one) for one in (*ck.needs, ck.library)]
    setup = {
        "ck": ck_request(board, root),
        "pip": pip_request(board, root, send_ck(transport, board, facts, root)),
        "repositories": [
            _repository(transport, one, root, folder) for one in board.ck_harness.repositories
        ],
        "software": software,
        "library_tags": ck.library.tags,
        "programs": sorted({ck.program(operator) for operator in library.operators}),
        "bits": "64" if facts["machine"].endswith("64") else "32",
        "platform": facts["platform"] or board.name,
        "gpu": board.gpu.name if board.gpu else "",
        "user": board.ck_harness.user,
        "quiet_timeout_s": board.ck_harness.quiet_timeout_s,
    }
    plan = {"lock_file": board.lock_file, "setup": setup}
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    return {**plan, "plan_id": digest[:16]}


def _repository(
    transport: Transport, repository: CkRepository, root: str, folder: str
) -> dict[str, Any]:
    """How a repository comes to be: an archive of ours is copied to the board first."""
    request: Request = {"name": repository.name, "url": repository.url}
    if repository.path is not None:
        request["path"] = posixpath.join(root, repository.path)
    if repository.archive is not None:
        source = Path(repository.archive)
        target = posixpath.join(folder, "archives", f"{repository.name}-{_mark(source)}")
        if transport.run(["test", "-e", target], timeout_s=60).status != 0:
            transport.put(source, target)
        request["unpack"] = target
    return request


def _mark(source: Path) -> str:
    """What tells an archive from an earlier one of its name: its bytes, or a folder's names."""
    digest = hashlib.sha256()
    if source.is_file():
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
    else:
        for path in sorted(source.rglob("*")):
            state = path.lstat()
            digest.update(f"{path.relative_to(source)} {state.st_size}\n".encode())
    return digest.hexdigest()[:12]


def _software(one: CkSoftware) -> dict[str, Any]:
    """The command of CK that gives a piece of software, and how it is known to be there."""
    if isinstance(one, CkDetect):
        command = ["detect", f"soft:{one.detect}", "--quiet"]
        for option, value in (
            ("full_path", one.path),
            ("force_version", one.version),
            ("extra_tags", one.extra_tags),
            ("extra_name", one.extra_name),
        ):
            if value is not None:
                command.append(f"--{option}={value}")
        return {"what": f"soft:{one.detect}", "tags": one.tags, "command": command}
    request: Request = {
        "what": f"package:{one.package}",
        "tags": one.tags,
        "command": ["install", f"package:{one.package}", "--quiet"],
    }
    if one.options:
        # By file, and not as --env.X=Y: what is common to the study's two commands is kept so.
        request["content"] = {"env": one.options}
    return request


def _hint(message: str) -> str:
    """What a user can do about a failure of the setting up."""
    if any(word in message for word in ("has no repository", "no folder", "is missing")):
        return (
            "set its place under ck: repositories: in the board's file: `path` (a folder on the "
            "board), `archive` (a file or folder here) or `url` (git)"
        )
    if "cannot be run" in message:
        return "set ck: command: of the board's file, or have it installed with ck: pip: ck"
    if "has no program" in message:
        return "add a repository that has it, or name its programs under ck: of the library's file"
    if "tagged" in message or "stopped at a question" in message:
        return (
            "see CK's log on the board; name what is there already with `detect` and `path` "
            "in the library's file"
        )
    return "see CK's log on the board"
