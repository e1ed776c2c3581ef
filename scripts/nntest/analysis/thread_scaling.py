"""What more threads gain: every point over its own time with one thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from nntest.analysis.points import points, threads_text
from nntest.analysis.stats import ratio_of_medians
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import THREAD_SCALING
from nntest.domain.tensors import NETWORK


def thread_scaling(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The speedup over one thread of every point that was measured with one and with more.

    `speedup` is the median with one thread over the row's median, with its 95 %
    interval, and `efficiency` that over `threads`, both on one set of cores.  Whole networks are
    points, too.
    """
    found = {point.key: point for point in points(frame, seed)}
    rows: list[dict[str, Any]] = []
    for point in found.values():
        one = found.get(tuple({**point.keys(), "threads": 1}.values()))
        if one is None or point.threads is None or point is one:
            continue
        interval = point.sample.median_interval
        ratio = ratio_of_medians(one.sample, point.sample)
        rows.append({
            **point.keys(),
            "median_us": interval.value,
            "ci_low_us": interval.low,
            "ci_high_us": interval.high,
            "one_thread_us": one.sample.median,
            "speedup": ratio.value,
            "ci_low": ratio.low,
            "ci_high": ratio.high,
            "verdict": ratio.verdict("faster", "slower"),
            "efficiency": ratio.value / point.threads,
            "efficiency_ci_low": ratio.low / point.threads,
            "efficiency_ci_high": ratio.high / point.threads,
            "threads_used": point.threads_used,
            "ran_on": point.ran_on,
        })  # fmt: skip
    return frame_of(rows, THREAD_SCALING)


LAYERS = "layers, one by one"
_LINE = ["library", "cores"]
_SUBJECT = ["species", "tensor"]


@dataclass(frozen=True)
class Curve:
    """How one library scales on one set of cores: a value for each number of threads, from 1 on."""

    line: str
    """Library and set of cores."""
    threads: tuple[int, ...]
    times_us: tuple[float, ...]
    efficiencies: tuple[float, ...]


def scaling_curves(table: pd.DataFrame) -> dict[str, list[Curve]]:
    """The curves of a table `thread_scaling` by what is run: a network, or the layers together.

    Of a library's choices the fastest with one thread counts.  The layers are summed over those
    tensors that all libraries and sets of cores have with all their numbers of threads.
    """
    found = {}
    for (platform, batch), rows in table.groupby(["platform", "batch_size"], sort=True):
        whole = rows["species"] == NETWORK
        subjects = [(str(name), own) for name, own in rows[whole].groupby("tensor", sort=True)]
        for name, own in [*subjects, (LAYERS, rows[~whole])]:
            curves = _curves(own)
            if curves:
                found[f"{name} · {platform} · batch {batch}"] = curves
    return found


def _curves(rows: pd.DataFrame) -> list[Curve]:
    lines: dict[str, pd.DataFrame] = {}
    for _, own in rows.groupby(_LINE, sort=True, dropna=False):
        fastest = own.sort_values("one_thread_us", kind="stable").drop_duplicates(_SUBJECT)
        chosen = own.merge(fastest[[*_SUBJECT, "operator", "tuner"]])
        complete = chosen.groupby(_SUBJECT)["threads"].transform("nunique")
        name = str(own["library"].iloc[0]) + threads_text({**own.iloc[0], "threads": None})
        lines[name] = chosen[complete == chosen["threads"].nunique()]
    if not lines:
        return []
    common = set.intersection(
        *(set(own[_SUBJECT].itertuples(index=False, name=None)) for own in lines.values())
    )
    curves = []
    for name, own in lines.items():
        kept = [one in common for one in own[_SUBJECT].itertuples(index=False, name=None)]
        sums = own[kept].groupby("threads", sort=True)[["one_thread_us", "median_us"]].sum()
        if sums.empty:
            continue
        threads = [int(number) for number in sums.index]
        ratios = sums["one_thread_us"] / sums["median_us"]
        curves.append(
            Curve(
                line=name,
                threads=(1, *threads),
                times_us=(float(sums["one_thread_us"].iloc[0]), *sums["median_us"]),
                efficiencies=(1.0, *(ratios / threads)),
            )
        )
    return curves
