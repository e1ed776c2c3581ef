#!/usr/bin/env python3
"""Measures one OpenCL operator, a network of them, or a ceiling: ``program.py OPERATOR``.

programs.py has their names. The point comes from the environment, in CK-NNTest's variables
(``CK_IN_SHAPE_N``, ``_C``, ``_H``, ``_W``; for a convolution ``CK_OUT_SHAPE_C``,
``CK_CONV_KERNEL``, ``CK_CONV_STRIDE``, ``CK_CONV_PAD``;
``CK_LWS_TUNER_TYPE``, ``CK_SEED`` and more, see point.py). In the working directory it leaves

- ``tmp-nntest-repetitions.jsonl``: one line as soon as a repetition has finished and its output
  was right;
- ``tmp-ck-timer.json``: set-up and operator seconds, and what they were measured with;
- or ``tmp-nntest-status.json``: why there is nothing to measure.

Exit status: 0 measured, 2 bad value in the environment, 3 not supported, 4 wrong output, 5 a
kernel did not build, 6 out of memory; 1, with a traceback, is a bug of this program.

It needs Python 3.8, numpy and pyopencl; it imports only the modules of its own folder and of
``programs_common`` beside it, so both can be copied anywhere and run there.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

sys.path.insert(1, os.path.join(os.path.dirname(sys.path[0]), "programs_common"))

from failures import BadValue, NotSupported
from point import Settings
from quiet import quieten
from records import end_with_status

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Measure the operator that ``arguments`` name; raises a Failure."""
    if len(arguments) != 1:
        raise BadValue("the program takes one argument, the operator, such as conv or directconv")
    settings = Settings.from_environment(environment)
    quieten(settings.threads, settings.cores)
    try:
        from measurement import measure
    except ImportError as error:
        raise NotSupported(
            f"a package is missing ({error}); 'pip install numpy pyopencl' for {sys.executable}"
        ) from None
    measure(arguments[0], environment)


if __name__ == "__main__":
    sys.exit(end_with_status(run))
