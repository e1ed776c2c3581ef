"""The machine that the workflow runs on, as a board."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nntest.errors import UserError
from nntest.measuring.transport.base import CommandFailed, Completed, Transport
from nntest.measuring.transport.ssh_errors import DeadlineExceeded

SNAKEMAKES_VARIABLES = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class LocalTransport(Transport):
    """Runs commands and copies files here; relative paths are below the working directory."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """See `Transport.run`."""
        try:
            with subprocess.Popen(
                list(argv),
                env={**_own_environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Ctrl-C and its like are for us, as over SSH: one at a time says stop to a board.
                start_new_session=True,
            ) as process:
                try:
                    stdout, stderr = process.communicate(timeout=timeout_s)
                except BaseException:
                    os.killpg(process.pid, signal.SIGKILL)  # with what it has started
                    raise
        except subprocess.TimeoutExpired:
            raise DeadlineExceeded(f"{argv[0]}: no answer within {timeout_s:g} s") from None
        except OSError as error:
            status = 127 if isinstance(error, FileNotFoundError) else 126
            return Completed(tuple(argv), status, "", f"{argv[0]}: {error.strerror}\n")
        return Completed(
            tuple(argv),
            process.returncode,
            stdout.decode("utf-8", "replace"),
            stderr.decode("utf-8", "replace"),
        )

    def put(self, source: Path, target: str) -> None:
        """See `Transport.put`."""
        doing = f"putting {source} to {target}"
        if not (source.is_dir() or source.is_file()):
            raise UserError(f"{doing}: there is no such file or folder here")
        destination = Path(target)
        with _fresh(destination, doing, replaces_folder=source.is_dir()) as fresh:
            try:
                if source.is_dir():
                    shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy2(source, fresh)
            except shutil.Error as error:
                name, _, reason = error.args[0][0]
                raise UserError(f"{doing}: {name}: {reason}") from None

    def get(self, source: str, target: Path) -> None:
        """See `Transport.get`."""
        doing = f"getting {source}"
        with _refused(doing):
            if not Path(source).is_file():
                what = "it is not a file" if Path(source).exists() else "there is no such file"
                raise CommandFailed(f"{doing}: {what}")
            original = Path(source).open("rb")  # noqa: SIM115  # Closed below.
        fresh = target.with_name(target.name + ".part")
        with original, _refused(doing, UserError):
            target.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as copy:
                shutil.copyfileobj(original, copy)
            fresh.replace(target)

    def write(self, target: str, content: bytes) -> None:
        """See `Transport.write`."""
        with _fresh(Path(target), f"writing {target}", replaces_folder=False) as fresh:
            fresh.write_bytes(content)

    def read(self, source: str) -> bytes | None:
        """See `Transport.read`."""
        with _refused(f"reading {source}"):
            try:
                return Path(source).read_bytes()
            except FileNotFoundError:
                return None

    def close(self) -> None:
        """Nothing to end."""


@contextmanager
def _refused(doing: str, kind: type[UserError] = CommandFailed) -> Iterator[None]:
    """Turn what the system refuses into an error of a transport's."""
    try:
        yield
    except OSError as error:
        raise kind(f"{doing}: {error.filename}: {error.strerror or error}") from None


@contextmanager
def _fresh(destination: Path, doing: str, *, replaces_folder: bool) -> Iterator[Path]:
    """A name to write to, whose content then takes the place of `destination`."""
    with _refused(doing):
        destination.parent.mkdir(parents=True, exist_ok=True)
        if destination.is_dir() and not replaces_folder:
            raise CommandFailed(f"{doing}: there is a folder of that name")
        fresh = destination.with_name(destination.name + ".new")
        _remove(fresh)
        try:
            yield fresh
            if replaces_folder:
                _remove(destination)
            fresh.replace(destination)
        finally:
            _remove(fresh)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _own_environment() -> dict[str, str]:
    """The environment without what Snakemake put there for its jobs.

    It tells a job's libraries to use as many threads as the job may.  A program that measures is
    not one of its jobs: NumPy's BLAS would leave threads that spin beside the measurement.
    """
    return {name: value for name, value in os.environ.items() if name not in SNAKEMAKES_VARIABLES}
