"""Archives of whole runs, and the names that board files give to the platforms in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import pandas as pd

from nntest.archives.ck import KnownPlatform, read_rows, variants_of
from nntest.archives.ck.safety import Warn
from nntest.archives.measurements import to_frame
from nntest.config import Study
from nntest.config.load import read_yaml


def read_run(study: Study, paths: Sequence[Path], log: TextIO) -> pd.DataFrame | None:
    """Measurement table of CK archives, with platforms named as the study names them.

    None for no paths.  Warnings go to `log` and stderr; `UserError` for what is not an archive.
    """
    if not paths:
        return None

    def warn(message: str) -> None:
        for stream in (log, sys.stderr):
            print(f"warning: {message}", file=stream)

    known = [KnownPlatform(*platform) for platform in study.platform_names()]
    return read_archives(paths, known, warn, synthetic=study.config.synthetic_datasets)


def read_archives(
    paths: Iterable[Path],
    known: Sequence[KnownPlatform],
    warn: Warn,
    *,
    synthetic: bool = False,
) -> pd.DataFrame:
    """Measurement table of several archives; one that is named twice counts once."""
    once = list(dict.fromkeys(paths))
    variants = variants_of(once, known, synthetic=synthetic)
    variants.report(warn, ", ".join(map(str, once)))
    return to_frame(
        row
        for path in once
        for row in read_rows(path, known, warn, synthetic=synthetic, variants=variants)
    )


def platforms_of(folder: Path) -> list[KnownPlatform]:
    """The names that the board files of a folder give to platforms."""
    known = []
    for path in sorted(folder.glob("*.yaml")):
        platform = read_yaml(path).get("platform") or {}
        models = tuple(platform.get("models") or ())
        known.append(KnownPlatform(path.stem, platform.get("name") or "", models))
    return known
