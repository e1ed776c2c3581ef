"""Comparison of two runs, boards or library versions, point by point.

The test is Mann and Whitney's U test (Annals of Mathematical Statistics 18, 1947) on one value
for each *process*, the median of what it timed: repetitions of a process share its luck, and a
test that took them for independent would find differences where there are none.  Where both sides
have `FEWEST_RUNS` runs or more of a point, the value is a run's, and what differs from run to run
is in the test as well.

Two runs of the same code on one machine differ a little: its clock, its memory, its neighbours
drift.  One run a side cannot tell such a drift from a change of the code.  So a difference counts
only where it exceeds a smallest effect: the hypothesis tested is "the times differ by at most that
factor", one-sided against the baseline's times multiplied, and divided, by it.  Both p-values
together keep the level wherever the true ratio lies within the factor.

A study has many points, so p-values are adjusted by Benjamini and Hochberg's step-up procedure
(Journal of the Royal Statistical Society B 57, 1995): of the points that are called different, at
most a share of `ALPHA` are not, on average.  If nothing differs, it keeps the probability of *any*
such call at `ALPHA`, like Holm's; but Holm's would need p-values that a handful of processes
cannot give.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nntest.analysis.compared_runs import ALPHA, alike, can_differ, counted_rows, unit_of, units_of
from nntest.analysis.points import (
    KEY_COLUMNS,
    distinct,
    key_of,
    labelled,
    row_order,
    sample_key,
)
from nntest.analysis.stats import Sample, ratio_of_medians
from nntest.archives.measurements import PROCESS_KEYS, measured
from nntest.config.comparison import ComparisonConfig
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import COMPARISON
from nntest.domain.tensors import plain_operator
from nntest.errors import UserError

_COMPARED = dict.fromkeys((
    *KEY_COLUMNS, *PROCESS_KEYS, "kernel", "status", "time_us", "runs", "run_state",
    "kernel_ran", "program", "warmup", "protocol",
))  # fmt: skip
"""Columns that a comparison reads: the table is wide, and is copied point by point."""
_EXACT = 60
"""Units a side up to which p-values are exact (where no two values are equal)."""

FASTER, SLOWER, SAME = "faster", "slower", "no difference"
TOO_FEW = "too few repetitions"
FAILED = "failed"
NO_BASELINE, NOT_MEASURED = "not in the baseline", "not measured"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what it is called, and its rows of the measurement table."""

    label: str
    rows: pd.DataFrame


def comparison(
    frame: pd.DataFrame,
    compare: ComparisonConfig | None,
    run: pd.DataFrame | None,
    networks: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """The comparison that a study asks for; no rows if it asks for none.

    `run`: measurement table of the earlier run that the baseline names, if it does.  Raises
    `UserError` if nothing is the baseline, or nothing is left to compare with it.
    """
    if compare is None:
        return frame_of([], COMPARISON)
    rows: list[dict[str, Any]] = []
    for baseline, other in _sides(labelled(frame), compare, run):
        rows += compared(baseline, other, compare, seed)
    layers = layers_by_tensor(networks, padding)
    for row in rows:
        row["layers"] = layers.get((row["species"], row["tensor"]), "")
    return frame_of(rows, COMPARISON)


def _sides(
    frame: pd.DataFrame, compare: ComparisonConfig, run: pd.DataFrame | None
) -> Iterator[tuple[Side, Side]]:
    by, pattern = compare.baseline.by, compare.baseline.pattern
    if by == "run":
        if run is None or run.empty:
            raise UserError(
                f"config: compare.baseline.run: {pattern} holds no measurement",
                "name the zip of a finished run, results/<study>/<study>.zip",
            )
        yield Side(f"run {pattern}", labelled(run)), Side("this run", frame)
        return
    names = frame[by].fillna("").astype(str)
    chosen = names.map(lambda name: fnmatch.fnmatchcase(name, pattern)).astype(bool)
    there = ", ".join(sorted(set(names))) or "nothing was measured"
    if not chosen.any():
        raise UserError(
            f"config: compare.baseline.{by}: nothing measured matches '{pattern}'",
            f"there are: {there}",
        )
    if chosen.all():
        raise UserError(
            f"config: compare.baseline.{by}: '{pattern}' matches all that was measured, so there "
            "is nothing to compare with it",
            f"there are: {there}",
        )
    baseline = Side(_listed(names[chosen]), frame[chosen])
    if by == "archive":
        yield baseline, Side(_listed(names[~chosen]), frame[~chosen])
        return
    for name in sorted(set(names[~chosen])):
        yield baseline, Side(name, frame[names == name])


def _listed(names: Iterable[str]) -> str:
    distinct = sorted(set(names))
    more = f" and {len(distinct) - 2} more" if len(distinct) > 2 else ""
    return ", ".join(distinct[:2]) + more


def layers_by_tensor(networks: Sequence[Network], padding: str) -> dict[tuple[str, str], str]:
    """Names of the layers that run each (species, tensor)."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for network in networks:
        for layer in network.layers:
            for tensor in network.stand_ins(layer, padding):
                found.setdefault((tensor.species, tensor.name), {})[layer.name] = None
    return {key: ", ".join(names) for key, names in found.items()}


# -- two sides -----------------------------------------------------------------------------


def compared(
    baseline: Side, other: Side, compare: ComparisonConfig, seed: int
) -> list[dict[str, Any]]:
    """Rows of the table `comparison` for two sides: what got slower first, then what failed.

    Points stand for each other if operator, tensor, batch size and tuner are the same, and
    platform and library, unless these are what differs: a platform (or library) is ignored where
    the sides have none in common.  `ratio` is the other median over the baseline's, above 1 for
    slower, with an interval over the units of the test.
    """
    across = tuple(
        name for name in ("platform", "library")
        if not _families(baseline.rows, name) & _families(other.rows, name)
    )  # fmt: skip
    _refuse_mixture(baseline, other, across)
    before, after = _groups(baseline.rows, across), _groups(other.rows, across)
    rows = [
        {
            **_row(key, before.get(key), after.get(key), compare, seed),
            "baseline": baseline.label,
            "other": other.label,
            "min_effect": compare.min_effect_percent / 100,
        }
        for key in {**before, **after}
    ]
    rows = [row for row in rows if row["verdict"]]
    tested = [row for row in rows if row["p_value"] is not None]
    # Here, since every picture and page imports the words of this module, and it takes a second.
    from scipy.stats import false_discovery_control

    adjusted_values = false_discovery_control([row["p_value"] for row in tested])
    for row, adjusted in zip(tested, adjusted_values.tolist(), strict=True):
        row["p_adjusted"] = adjusted
        if adjusted < ALPHA and row["verdict"] == SAME:
            row["verdict"] = SLOWER if row["ratio"] > 1 else FASTER
    limit = compare.fail_on_regression
    for row in rows:
        slower = row["verdict"] == SLOWER and (limit is False or row["ratio"] > 1 + limit / 100)
        row["regression"] = slower or row["verdict"] == FAILED
    order = (SLOWER, FAILED, FASTER)
    return sorted(
        rows,
        key=lambda row: (
            order.index(row["verdict"]) if row["verdict"] in order else len(order),
            -row["ratio"] if row["verdict"] == SLOWER else 0.0,
            row_order(row),
        ),
    )


def family(library: str) -> str:
    """A library's tag without the hash of its sources: x-1.0 for x-1.0-1a2b3c4."""
    return re.sub(r"-[0-9a-f]{7,40}$", "", library)


def _families(rows: pd.DataFrame, name: str) -> set[str]:
    values = set(rows[name].dropna().astype(str))
    return {family(value) for value in values} if name == "library" else values


def _refuse_mixture(baseline: Side, other: Side, across: Sequence[str]) -> None:
    """`UserError` for sides that have none in common, and one of them several."""
    for name in across:
        for side in (baseline, other):
            values = sorted(_families(side.rows, name))
            if len(values) > 1:
                raise UserError(
                    f"comparison: '{baseline.label}' and '{other.label}' have no {name} in common, "
                    f"and '{side.label}' has several: {', '.join(values)}",
                    f"compare runs that share a {name}, or name one {name} for each side",
                )


Key = tuple[Any, ...]


def _groups(rows: pd.DataFrame, across: Sequence[str]) -> dict[Key, pd.DataFrame]:
    """Rows of whole operators by the key under which they meet the other side's."""
    rows = rows.loc[rows["kernel"] == "", list(_COMPARED)]
    keys = rows.assign(
        platform="" if "platform" in across else rows["platform"].astype(str),
        library="" if "library" in across else rows["library"].astype(str).map(family),
        # conv-fp16 stands for conv where two libraries differ in their data type.
        operator=rows["operator"].map(plain_operator) if "library" in across else rows["operator"],
    )
    found = keys.groupby(list(KEY_COLUMNS), sort=False, dropna=False).indices
    return {
        sample_key(key_of(key)): rows.iloc[place]
        for key, place in found.items()
        if isinstance(key, tuple)
    }


def _row(
    key: Key,
    before: pd.DataFrame | None,
    after: pd.DataFrame | None,
    compare: ComparisonConfig,
    seed: int,
) -> dict[str, Any]:
    """One point on both sides, its verdict not yet adjusted; verdict '' if neither has a time."""
    shown = after if after is not None else before
    assert shown is not None
    row: dict[str, Any] = {
        **key_of(shown[name].iloc[0] for name in KEY_COLUMNS),
        "baseline_us": None, "other_us": None, "ratio": None, "ci_low": None, "ci_high": None,
        "p_value": None, "p_adjusted": None, "unit": None, "baseline_n": None, "other_n": None,
        "compared_runs": None, "baseline_runs": None, "other_runs": None,
        "note": _note(before, after),
    }  # fmt: skip
    old, new = _timed(before), _timed(after)
    for side, part in (("baseline", old), ("other", new)):
        if part is not None:
            own = counted_rows(part)
            row |= {f"{side}_us": float(own["time_us"].median()), f"{side}_runs": len(own)}
    if old is None or new is None:
        row["verdict"] = "" if old is None and new is None else NO_BASELINE
        if old is not None:
            row["verdict"] = NOT_MEASURED if after is None else FAILED
            if after is not None:
                row["note"] = ", ".join(sorted(set(after["status"])))
        return row
    runs, (old, new) = alike(old, new)
    unit = unit_of(old, new)
    samples = [
        Sample.of(part["time_us"].tolist(), units_of(part, unit), seed, (*key, side))
        for side, part in (("baseline", old), ("other", new))
    ]
    a, b = (np.array([np.median(group) for group in sample.processes]) for sample in samples)
    interval = ratio_of_medians(samples[1], samples[0])
    enough = can_differ(len(a), len(b))
    return {
        **row,
        "baseline_us": samples[0].median, "other_us": samples[1].median,
        "ratio": interval.value, "ci_low": interval.low, "ci_high": interval.high,
        "p_value": p_value(a, b, 1 + compare.min_effect_percent / 100) if enough else None,
        "compared_runs": runs, "baseline_runs": len(old), "other_runs": len(new),
        "unit": unit, "baseline_n": len(a), "other_n": len(b),
        "verdict": SAME if enough else TOO_FEW,
    }  # fmt: skip


def _timed(rows: pd.DataFrame | None) -> pd.DataFrame | None:
    if rows is None:
        return None
    rows = measured(rows)
    rows = rows[rows["time_us"] > 0].reset_index(drop=True)
    return None if rows.empty else rows


def _note(before: pd.DataFrame | None, after: pd.DataFrame | None) -> str:
    """What besides the sides' own names differs, and should be known."""
    notes = []
    if before is not None and after is not None:
        for name in ("library", "warmup", "protocol"):
            old, new = (", ".join(sorted(set(part[name].dropna()))) for part in (before, after))
            if old != new:
                notes.append(f"{name} {old} / {new}")
        looped = [bool((part["runs"] > 1).any()) for part in (before, after)]
        if looped[0] != looped[1]:
            notes.append(" / ".join("runs in a row" if one else "single runs" for one in looped))
        old_kernel, new_kernel = (distinct(part["kernel_ran"]) for part in (before, after))
        # Two libraries name their kernels differently; two versions of one have one program.
        same = set(before["program"]) & set(after["program"])
        if same and old_kernel and new_kernel and old_kernel != new_kernel:
            notes.append(f"kernel changed: {old_kernel} / {new_kernel}")
    return "; ".join(notes)


# -- the test ------------------------------------------------------------------------------


def p_value(
    baseline: NDArray[np.float64], other: NDArray[np.float64], factor: float = 1.0
) -> float:
    """Two-sided p-value of "the times differ by at most `factor`" (at least 1).

    Values are one per independent unit, positive.  Exact unless values are equal, or many.
    """
    slower = _one_sided(other, baseline * factor)
    faster = _one_sided(baseline / factor, other)
    return min(1.0, 2 * min(slower, faster))


def _one_sided(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """P-value against "`above` is not stochastically greater than `below`"."""
    pooled = np.concatenate([above, below])
    tied = len(np.unique(pooled)) < len(pooled)
    method = "asymptotic" if tied or max(len(above), len(below)) > _EXACT else "exact"
    if len(np.unique(pooled)) == 1:
        return 1.0
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(above, below, alternative="greater", method=method).pvalue)


def units_needed(points: int) -> int:
    """Units a side from which on one point among `points` can be found to differ."""
    units = 2
    while 2 / math.comb(2 * units, units) * points >= ALPHA:
        units += 1
    return units
