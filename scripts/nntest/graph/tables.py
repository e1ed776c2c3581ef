"""The tables of a study: who makes each, from what of the study."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nntest.analysis.roofline.boards import PUBLISHED_TABLES, ROOFLINE_TABLES, roofs_spec
from nntest.config import Study
from nntest.errors import UserError
from nntest.graph.archives import tidy_spec
from nntest.graph.arguments import table_arguments


@dataclass(frozen=True)
class Table:
    """A table that follows from the measurements: who makes it, from what of the study."""

    name: str
    """The module, below `nntest.analysis`."""
    function: str
    needs: tuple[str, ...] = ()
    """Keyword arguments besides the measurements; see `table_arguments`."""
    reads: tuple[str, ...] = ()
    """Which of `PROFILE_TABLES` it takes after the measurements."""

    @property
    def module(self) -> str:
        """The module that makes it, by its full name."""
        return f"nntest.analysis.{self.name}"


TABLES: dict[str, Table] = {
    "failed": Table("tables", "failed"),
    "summary": Table("tables", "summary", ("seed",)),
    "speedup": Table("tables", "speedup", ("baseline_operator", "baseline_tuner", "seed")),
    "tuner_check": Table("tables", "tuner_check", ("seed",)),
    "device_state": Table("tables", "device_state"),
    "schedule": Table("schedule", "schedule", ("networks", "padding", "seed")),
    "estimate": Table("estimate", "estimate", ("networks", "padding", "seed")),
    "end_to_end": Table("end_to_end", "end_to_end", ("networks", "padding", "seed")),
    "study_figure": Table("study_figure", "study_figure", ("networks", "padding", "seed")),
    "comparison": Table(
        "comparison",
        "comparison",
        ("compare", "run", "networks", "padding", "seed"),
    ),
    "layer_times": Table("estimate", "layer_times", ("networks", "padding", "seed")),
    "protocol_check": Table("protocols", "protocol_check", ("seed",)),
    "kernel_share": Table("kernels", "kernel_share", ("seed",), ("kernels",)),
    "roofline": Table(
        "roofline.measured",
        "roofline_points",
        ("networks", "padding", "roofs", "traffic_model", "seed"),
    ),
}
OPTIONAL_TABLES = ("protocol_check", "kernel_share", "end_to_end", "comparison")
"""Tables that a report leaves out where they have no row."""
PROFILE_TABLES = ("kernels", "launches", "counters")
"""Tables of profiled points, read off the archives beside the measurements; often empty."""


def more_tables(study: Study) -> list[str]:
    """Tables beside `TABLES` that a study has, since it lists platforms or published tables."""
    platforms = ROOFLINE_TABLES if study.config.platforms else ()
    return [*platforms, *(PUBLISHED_TABLES if study.config.published else ())]


def networks_spec(study: Study) -> list[Any]:
    """The networks by their layers, and by what they were read from."""
    return [
        [network.name, [[layer.name, layer.tensor.name] for layer in network.layers]]
        + ([network.source] if network.source else [])
        for network in study.networks
    ]


def table_spec(study: Study, table: str) -> dict[str, Any]:
    """What a table depends on besides the measurements."""
    arguments = table_arguments(study)
    spec = {need: arguments[need] for need in TABLES[table].needs if need in arguments}
    if "networks" in spec:
        spec["networks"] = networks_spec(study)
    if "compare" in spec:
        compare = study.config.compare
        spec["compare"] = compare.model_dump(mode="json") if compare else None
        # The names that board files give to platforms: the earlier run is read with them.
        spec["read"] = tidy_spec(study) if compared_runs(study) else None
    if "roofs" in spec:
        spec["roofs"] = roofs_spec(study)
    return spec


def compared_runs(study: Study) -> list[str]:
    """Files and folders of the earlier run that a comparison reads, in a stable order."""
    compare = study.config.compare
    if compare is None or compare.baseline.run is None:
        return []
    found = sorted(glob.glob(compare.baseline.run, recursive=True))  # noqa: PTH207 - see above
    if not found:
        raise UserError(
            f"config: compare.baseline.run: nothing matches '{compare.baseline.run}'",
            "paths are relative to the folder where snakemake runs",
        )
    return found


def fails_on_regression(study: Study) -> bool:
    """Whether a run ends with an error where a point has become slower."""
    compare = study.config.compare
    return compare is not None and compare.fail_on_regression is not False


LAYER_SUM_CHECK_TABLES = ("layer_sum_check", "layer_sum_summary")
"""Tables of the rule `layer_sum_check`, which a study has that asks for it."""


def layer_sum_check_files(study: Study) -> list[str]:
    """Files that the prediction check reads: layer times, measured networks; none without it."""
    check = study.config.layer_sum_check
    if check is None:
        return []
    for key in ("layer_times", "measured"):
        if not Path(getattr(check, key)).is_file():
            raise UserError(
                f"config: layer_sum_check.{key}: there is no file {getattr(check, key)}",
                "paths are relative to the folder where snakemake runs",
            )
    return [check.layer_times, check.measured]


def layer_sum_check_spec(study: Study) -> dict[str, Any]:
    """What the prediction check depends on besides its files."""
    check = study.config.layer_sum_check
    options = study.config.plots.layer_sum_check.model_dump(mode="json")
    return {"system": check.system if check else None, "options": options}
