#!/usr/bin/env python3
"""Measures an inference library: ``program.py LIBRARY OPERATOR``.

``program.py LIBRARY --serve DESCRIPTOR`` loads the library once, and forks a process for each
measurement that is asked for on that socket (``fork_server``).

LIBRARY is one of ``backends.BACKENDS``; OPERATOR is a kind of layer (``graph.LAYERS``) or
``network``.  The point comes from the environment, in CK-NNTest's variables, and the results go to
files of the working directory: docs/programs.md has both, and the exit statuses.

It needs Python 3.9, numpy and the library's own package; it imports only the modules of its own
folder and of ``programs_common`` beside it, so both can be copied anywhere and run there.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

sys.path.insert(1, os.path.join(os.path.dirname(sys.path[0]), "programs_common"))

from failures import BadValue, Failure, NotSupported
from fork_server import serve
from records import end_with_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.base import Backend


def run(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Measure the operator that ``arguments`` name; raises a Failure."""
    if len(arguments) != 2:
        raise BadValue("the program takes two arguments, library and operator: onnxruntime conv")
    # NumPy computes the reference just before the measurement, and threads of its BLAS would go on
    # spinning on their cores for a while.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise NotSupported(f"NumPy is missing ({error}); install it for {sys.executable}") from None
    from measurement import measure

    measure(arguments[0], arguments[1], environment)


def load(library: str, environment: Mapping[str, str]) -> Backend:
    """Import all that a measurement will, with the options of the environment; raises a Failure."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from measurement import take

    backend, _, _ = take(library, environment)
    backend.load()
    return backend


def main(arguments: list[str]) -> int:
    """Measure, or serve; the exit status."""
    if arguments[1:2] != ["--serve"]:
        return end_with_status(run)
    try:
        backend = load(arguments[0], os.environ)
    except (ImportError, Failure):
        return 1  # as the measurement itself will say
    return serve(int(arguments[2]), lambda: end_with_status(run), backend.idle_threads)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
