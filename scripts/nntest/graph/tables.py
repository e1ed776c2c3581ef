"""The tables of a study: from what of the study each is made."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nntest.analysis.roofline.boards import roofs_spec
from nntest.config import Study
from nntest.domain.networks import Network
from nntest.domain.tables.all import made_by_rule
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.domain.tables.networks import CONFIGURATIONS
from nntest.domain.tables.rooflines import INTENSITIES, PREDICTION, ROOFS
from nntest.errors import UserError
from nntest.graph.archives import tidy_spec
from nntest.graph.arguments import table_arguments

TABLES = made_by_rule("tables")
"""The tables that follow from the measurements, all made by one job."""
PROFILE_TABLES = tuple(name for name in made_by_rule("tidy") if name != MEASUREMENTS.name)
"""Tables of profiled points, read off the archives beside the measurements; often empty."""
ROOFLINE_TABLES = (ROOFS.name, INTENSITIES.name, PREDICTION.name)
PUBLISHED_TABLES = tuple(made_by_rule("read_published"))
POOL_TABLES = tuple(made_by_rule("compare_pools"))
LAYER_SUM_CHECK_TABLES = tuple(made_by_rule("layer_sum_check"))
"""Tables that a study has that asks for them."""


def modules() -> list[str]:
    """The modules of the functions that make `TABLES`, as far as a table names its own."""
    return list(dict.fromkeys(table.module for table in TABLES.values() if table.made_by))


def report_tables(study: Study) -> list[str]:
    """The tables on the report: without those of a kind that the study does not ask for.

    Trade-offs are on a page of their own.
    """
    left_out = {CONFIGURATIONS.name, *(() if study.config.platforms else ROOFLINE_TABLES)}
    published = PUBLISHED_TABLES if study.config.published else ()
    pools = POOL_TABLES if study.pools else ()
    return [*(name for name in TABLES if name not in left_out), *pools, *published]


def networks_spec(networks: Iterable[Network]) -> list[Any]:
    """Networks by their layers, and by what they were read from."""
    return [
        [network.name, [[layer.name, layer.as_run.name] for layer in network.layers]]
        + ([network.source] if network.source else [])
        for network in networks
    ]


def tables_spec(study: Study) -> dict[str, Any]:
    """What `TABLES` depend on besides the measurements."""
    return {
        **table_arguments(study),
        "networks": networks_spec(study.networks),
        "predict": networks_spec(study.predict),
        "compare": compare_spec(study),
        "roofs": roofs_spec(study),
        "platforms": [platform.model_dump(mode="json") for platform in study.platforms],
        "batch_sizes": study.config.batch_sizes,
        "accuracies": {
            name: accuracy.model_dump(mode="json", exclude={"images", "labels"})
            for name, accuracy in study.accuracies().items()
        },
        # Networks of published tables are predicted, too.
        "published": bool(study.config.published),
    }


def first_ranking_spec(study: Study) -> dict[str, Any]:
    """What the first ranking of a board depends on besides its sweeps of whole networks."""
    return {
        "networks": networks_spec(study.networks),
        "padding": study.config.padding,
        "seed": study.config.seed,
        "platforms": study.platform_names(),
    }


def compare_spec(study: Study) -> dict[str, Any] | None:
    """What a comparison depends on besides the two runs; None without one."""
    compare = study.config.compare
    if compare is None:
        return None
    # The names that board files give to platforms: the earlier run is read with them.
    read = tidy_spec(study) if compared_runs(study) else None
    return {"compare": compare.model_dump(mode="json"), "read": read}


def pools_spec(study: Study) -> dict[str, Any]:
    """What the comparison of a pool's boards depends on besides what they measured."""
    return {
        "pools": {pool.name: pool.pool for pool in study.pools},
        "platforms": study.platform_names(),
        "seed": study.config.seed,
    }


def published_spec(study: Study) -> dict[str, Any]:
    """What the reading of published tables depends on besides their files."""
    return {
        "known": [platform.model_dump(mode="json") for platform in study.all_platforms],
        "published": [published.model_dump(mode="json") for published in study.config.published],
    }


def published_files(study: Study) -> list[str]:
    """Every file that the published tables of the config are read from."""
    found = []
    for published in study.config.published:
        found.append(published.file)
        if published.tables is not None:
            found += [str(path) for path in sorted(Path(published.tables).glob("*.csv"))]
    return list(dict.fromkeys(found))


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
