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

from failures import BadValue, NotSupported
from records import end_with_status

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


if __name__ == "__main__":
    sys.exit(end_with_status(run))
