"""The machine that the workflow runs on, as a board."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from nntest.measuring.transport.base import Completed, Transport, TransportError

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
            done = subprocess.run(
                list(argv),
                env={**_own_environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TransportError(f"{argv[0]}: no answer within {timeout_s:g} s") from None
        except OSError as error:
            raise TransportError(f"{argv[0]}: cannot be run: {error.strerror}") from None
        return Completed(
            tuple(argv),
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )

    def put(self, source: Path, target: str) -> None:
        """See `Transport.put`."""
        destination = Path(target)
        destination.parent.mkdir(parents=True, exist_ok=True)
        fresh = destination.with_name(destination.name + ".new")
        if source.is_dir():
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.rmtree(destination, ignore_errors=True)
        else:
            shutil.copy2(source, fresh)
        fresh.replace(destination)

    def get(self, source: str, target: Path) -> None:
        """See `Transport.get`."""
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".part")
        shutil.copyfile(source, fresh)
        fresh.replace(target)

    def write(self, target: str, content: bytes) -> None:
        """See `Transport.write`."""
        destination = Path(target)
        destination.parent.mkdir(parents=True, exist_ok=True)
        fresh = destination.with_name(destination.name + ".new")
        fresh.write_bytes(content)
        fresh.replace(destination)

    def read(self, source: str) -> bytes | None:
        """See `Transport.read`."""
        try:
            return Path(source).read_bytes()
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Nothing to end."""


def _own_environment() -> dict[str, str]:
    """The environment without what Snakemake put there for its jobs.

    It tells a job's libraries to use as many threads as the job may.  A program that measures is
    not one of its jobs: NumPy's BLAS, told so, leaves threads that spin beside the measurement.
    """
    return {name: value for name, value in os.environ.items() if name not in SNAKEMAKES_VARIABLES}
