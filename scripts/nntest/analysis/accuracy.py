"""Accuracy of whole networks on the images that they classified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from onboard import outcomes

from nntest.analysis.points import data_type, labelled
from nntest.analysis.stats import UNKNOWN, Interval
from nntest.config.accuracy import Accuracy
from nntest.domain.tables.accuracy import ACCURACY
from nntest.domain.tables.frames import frame_of

_KEYS = ["tensor", "platform", "library", "operator", "tuner"]


def wilson(right: int, images: int) -> Interval:
    """A share in percent with its 95 % interval (Wilson, JASA 22, 1927); unknown of no image."""
    if not images:
        return UNKNOWN
    # Here, since every picture of trade-offs imports this module, and it takes a second.
    from scipy.stats import binomtest

    ends = binomtest(right, images).proportion_ci(0.95, method="wilson")
    return Interval(100 * right / images, 100 * ends.low, 100 * ends.high)


def accuracy(
    frame: pd.DataFrame, runs: pd.DataFrame, accuracies: Mapping[str, Accuracy]
) -> pd.DataFrame:
    """One row for each network on each platform and library, with each of its settings.

    `runs` is the table `accuracy_runs`; the measurements `frame` are not used.  Without every part
    of the images there is no figure, and the note says why: what is left is not a sample of them.
    """
    rows: list[dict[str, Any]] = []
    for key, group in labelled(runs).groupby(_KEYS, sort=True):
        assert isinstance(key, tuple)
        network, platform, library, operator, tuner = map(str, key)
        published = accuracies.get(network)
        kind = data_type(operator)
        rows.append({
            **dict.fromkeys(ACCURACY.names),
            "network": network,
            "platform": platform,
            "library": library,
            "data_type": kind,
            "tuner": tuner,
            **_counted(group),
            "top1_published_percent": published.published_top1(kind) if published else None,
            "top5_published_percent": published.top5_percent if published else None,
        })  # fmt: skip
    return frame_of(rows, ACCURACY)


def _counted(runs: pd.DataFrame) -> dict[str, Any]:
    """Columns with the figures of a network's parts."""
    counted = (runs["status"] == outcomes.OK) & runs[["images", "top1", "top5"]].notna().all(axis=1)
    if not counted.all():
        reasons = runs["reason"][~counted]
        return {"images": 0, "note": str(next(filter(None, reasons), "an odd record"))[:200]}
    images = int(runs["images"].sum())
    found: dict[str, Any] = {"images": images, "note": ""}
    for name in ("top1", "top5"):
        share = wilson(int(runs[name].sum()), images)
        found |= {
            f"{name}_percent": share.value,
            f"{name}_low_percent": share.low,
            f"{name}_high_percent": share.high,
        }
    return found


Measured = Mapping[tuple[str, str, str, str], Mapping[Any, Any]]
"""Rows of `ACCURACY` by network, platform, library and data type."""


def measured_accuracies(table: pd.DataFrame | None) -> Measured:
    """The rows that have a figure, one for each network and library.

    Of several settings of a library the least accurate counts: which is fastest with which images
    is not known here, and none is to look better than it is.
    """
    if table is None:
        return {}
    best_first = table[table["top1_percent"].notna()].sort_values("top1_percent", ascending=False)
    return {
        (row["network"], row["platform"], row["library"], row["data_type"]): row
        for row in best_first.to_dict("records")
    }
