"""The tables of a study: from what of the study each is made."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

from nntest.analysis.roofline.boards import roofs_spec
from nntest.config import Study
from nntest.domain.tables.all import made_by_rule
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.errors import UserError
from nntest.graph.archives import tidy_spec
from nntest.graph.arguments import table_arguments

TABLES = made_by_rule("table")
"""The tables that follow from the measurements, each made by a job of its own."""
PROFILE_TABLES = tuple(name for name in made_by_rule("tidy") if name != MEASUREMENTS.name)
"""Tables of profiled points, read off the archives beside the measurements; often empty."""
ROOFLINE_TABLES = tuple(made_by_rule("predict"))
PUBLISHED_TABLES = tuple(made_by_rule("read_published"))
LAYER_SUM_CHECK_TABLES = tuple(made_by_rule("layer_sum_check"))
"""Tables that a study has that asks for them."""


def more_tables(study: Study) -> list[str]:
    """Tables beside `TABLES` that a study has, since it lists platforms or published tables."""
    platforms = ROOFLINE_TABLES if study.config.platforms else ()
    return [*platforms, *(PUBLISHED_TABLES if study.config.published else ())]


def networks_spec(study: Study) -> list[Any]:
    """The networks by their layers, and by what they were read from."""
    return [
        [network.name, [[layer.name, layer.as_run.name] for layer in network.layers]]
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


def layer_sum_check_files(study: Study) -> list[str]:
    """Files that the layer-sum check reads: layer times, measured networks; none without it."""
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
    """What the layer-sum check depends on besides its files."""
    check = study.config.layer_sum_check
    options = study.config.plots.layer_sum_check.model_dump(mode="json")
    return {"system": check.system if check else None, "options": options}
