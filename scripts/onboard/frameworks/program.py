#!/usr/bin/env python3
"""Measures an inference library: ``program.py LIBRARY OPERATOR``.

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
from records import STATUS_FILE, remove_stale, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def main() -> int:
    """Run and turn a Failure into its status file and exit status."""
    remove_stale()
    try:
        run(sys.argv[1:], os.environ)
    except Failure as failure:
        write_json(STATUS_FILE, {"status": failure.status, "reason": failure.reason})
        print(f"{failure.status}: {failure.reason}", file=sys.stderr)
        return failure.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
