"""What goes into the merged archive, and the names that its platforms get."""

from __future__ import annotations

import glob
from typing import Any

from nntest.config import Study
from nntest.errors import UserError


def imported_files(study: Study) -> list[str]:
    """Every file and folder that `imports` names, patterns expanded, in a stable order."""
    found: list[str] = []
    for pattern in study.config.imports:
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
        if not matches:
            raise UserError(
                f"config: imports: nothing matches '{pattern}'",
                "paths are relative to the folder where snakemake runs",
            )
        found += [match for match in matches if match not in found]
    return found


def tidy_spec(study: Study) -> dict[str, Any]:
    """The names that board files give to platforms, and what is read."""
    return {"platforms": study.platform_names(), "synthetic": study.config.synthetic_datasets}
