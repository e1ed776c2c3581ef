"""Whether a library's `tuner_table` is a table of tuned local sizes of the right kind.

The board would find out too, after the install.  Lines of kernel;x;y;z are what Arm Compute
Library's tuner saves, by itself (``acl_tuner.csv``) or for this project; `opencl-reference` has
tables in JSON, whose keys name its own kernels.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_JSON_SCHEMA = "nntest-flow/opencl-local-sizes"
_LINE = re.compile(r"[^;]+;\d+;\d+;\d+\Z")
_LONGER_LINE = re.compile(r"[^;]+(;-?\d+){4,}\Z")
_SHOWN = 60
_ANOTHER = "; take a copy of an earlier run's results/<study>/sweeps/<sweep>.tuner.json"


def check_tuner_table(path: Path, kind: str) -> None:
    """Raise ValueError if a file is not a table that the programs of a library's kind read."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a table of local sizes: {error}{_ANOTHER}") from None
    if kind == "opencl-reference":
        _check_json(path, text)
    elif kind == "armcl-opencl":
        _check_lines(path, text)


def _check_json(path: Path, text: str) -> None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and content.get("schema") == _JSON_SCHEMA:
        return
    first = text.split("\n", 1)[0].rstrip("\r")
    if _LINE.match(first) or _LONGER_LINE.match(first):
        raise ValueError(
            f"{path} is a table of Arm Compute Library's tuner (kernel;x;y;z), for a library of "
            f"kind armcl-opencl: the kernels of opencl-reference are others{_ANOTHER}"
        )
    raise ValueError(f"{path} is not a table of opencl-reference's local sizes{_ANOTHER}")


def _check_lines(path: Path, text: str) -> None:
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if _LINE.match(line):
            continue
        where = f"{path}, line {number}"
        if line.endswith("\r"):
            raise ValueError(f"{where} ends as lines do on Windows: run dos2unix on the file")
        if _LONGER_LINE.match(line):
            raise ValueError(
                f"{where}: '{line[:_SHOWN]}' has more than kernel;x;y;z: later versions of Arm "
                "Compute Library save batch sizes of workgroups behind it, which the programs "
                "do not read: remove them, or tune with DEFAULT"
            )
        raise ValueError(f"{where}: '{line[:_SHOWN]}' is not kernel;x;y;z{_ANOTHER}")
