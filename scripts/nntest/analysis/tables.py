"""Tables made from the measurement table: failures, summary, speedups, tuner check, device.

Every function takes the whole measurement table and returns a new data frame with the columns that
`nntest.domain.tables.study` says, also where there is nothing to say; rows come in a total order,
and platforms as `nntest.analysis.points` names them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from onboard import outcomes
from onboard.clean_runs import CLEAN, DISTURBED

from nntest.analysis.memo import memoised_by_frame
from nntest.analysis.points import (
    KEY_COLUMNS,
    MeasuredPoint,
    cores_of,
    data_type,
    labelled,
    operator_points,
    points,
    row_order,
    threads_of,
)
from nntest.analysis.stats import UNKNOWN, Interval, ratio_of_medians
from nntest.archives.measurements import POINT_KEYS
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import DEVICE_STATE, FAILED, SPEEDUP, SUMMARY, TUNER_CHECK
from nntest.domain.tensors import OPERATOR_SPECIES


def _failures(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without a usable time, whole operators and single kernels alike."""
    rows = labelled(frame)
    timeless = (rows["status"] == outcomes.OK) & ~(rows["time_us"] > 0)
    rows = rows.assign(
        status=rows["status"].mask(timeless, outcomes.FAILED),
        reason=rows["reason"].fillna("").mask(timeless, "recorded as ok, but without a time"),
    )
    return rows[rows["status"] != outcomes.OK]


@memoised_by_frame
def _failed_statuses(frame: pd.DataFrame) -> dict[tuple[Hashable, ...], tuple[int, str]]:
    """For each point that has failures: how many repetitions, and their statuses."""
    rows = _failures(frame)
    rows = rows[rows["kernel"] == ""]
    found = {}
    for key, group in rows.groupby(POINT_KEYS, dropna=False):
        assert isinstance(key, tuple)
        named = dict(zip(POINT_KEYS, key, strict=True))
        named |= {"threads": threads_of(named), "cores": cores_of(named)}
        found[tuple(named.values())] = (len(group), ", ".join(sorted(set(group["status"]))))
    return found


def failed(frame: pd.DataFrame) -> pd.DataFrame:
    """What did not succeed: one row per point, status and reason, with where it is recorded."""
    keys = [name for name in FAILED.names if name not in ("repetitions", "first_repetition")]
    rows = []
    for key, group in _failures(frame).groupby(keys, dropna=False, sort=False):
        assert isinstance(key, tuple)
        row = dict(zip(keys, key, strict=True))
        first = group["repetition_id"].min()
        rows.append({**row, "repetitions": len(group), "first_repetition": first})
    places = ("kernel", "archive", "entry", "point", "subpoint")
    rows.sort(
        key=lambda row: (
            row["status"], row["reason"], row_order(row), [str(row[place]) for place in places]
        )
    )  # fmt: skip
    return frame_of(rows, FAILED)


def summary(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per measured point: repetitions, processes, and statistics of its time in µs.

    All are of the `counted` repetitions (`onboard.clean_runs`), but for the medians of all
    and of the clean ones.  `ci_low_us` and `ci_high_us` bound the median
    (`nntest.analysis.stats`); GFLOPS is the study's, at the median.
    `failed` counts the point's repetitions that did not succeed and `throttled` those that were
    measured while the device was throttled (they are in the statistics).
    """
    failures = _failed_statuses(frame)
    rows = []
    for point in points(frame, seed):
        values = point.sample.values
        mean = float(values.mean())
        deviation = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        interval = point.sample.median_interval
        rows.append({
            **point.keys(),
            **point.runs.columns(),
            "disturbed": point.runs.disturbed,
            "counted": len(values),
            "processes": point.processes,
            "min_us": point.sample.minimum,
            "median_us": interval.value,
            "mean_us": mean,
            "sd_us": deviation,
            "cv": deviation / mean,
            "ci_low_us": interval.low,
            "ci_high_us": interval.high,
            "GFLOPS": point.gflops,
            "throttled": point.throttled,
            "failed": failures.get(tuple(point.keys()[name] for name in POINT_KEYS), (0, ""))[0],
            "kernel_ran": point.kernel_ran,
            "kernel_evidence": point.kernel_evidence,
        })  # fmt: skip
    return frame_of(rows, SUMMARY)


def _why_missing(
    statuses: Mapping[tuple[Hashable, ...], tuple[int, str]], wanted: Mapping[str, Any]
) -> str:
    """Why there is no point of a key: it failed, or was never tried."""
    key = tuple(wanted[name] for name in POINT_KEYS)
    if key in statuses:
        return f"failed ({statuses[key][1]})"
    return "was not measured"


def speedup(
    frame: pd.DataFrame, baseline_operator: str, baseline_tuner: str, seed: int
) -> pd.DataFrame:
    """Every point's speedup over the baseline of its platform, library, tensor and batch.

    The baseline of an 8-bit operator is the 8-bit one (directconv-uint8 for directconv).

    `speedup_median` is the baseline's median over the point's, with the ends of its interval and a
    verdict: 'faster', 'slower', 'no difference' (the interval crosses 1), 'too few repetitions'
    (no interval), 'baseline' (the row is the baseline), 'no baseline' (`note` says why; the row is
    kept).  `speedup_min` is the ratio of minima, which has no interval and hence no verdict.
    """
    found = operator_points(frame, seed)
    statuses = _failed_statuses(frame)
    by_key = {point.key: point for point in found}
    rows = []
    for point in found:
        operator = baseline_operator
        if point.data_type != data_type(operator):
            operator += f"-{point.data_type}"  # 8-bit times compare with 8-bit ones only
        wanted = {**point.keys(), "operator": operator, "tuner": baseline_tuner}
        baseline = by_key.get(tuple(wanted.values()))
        medians, note = UNKNOWN, ""
        if baseline is point:
            medians = Interval(1.0, float("nan"), float("nan"))
            verdict = "baseline"
        elif baseline is not None:
            medians = ratio_of_medians(baseline.sample, point.sample)
            verdict = medians.verdict("faster", "slower")
        else:
            verdict = "no baseline"
            if OPERATOR_SPECIES.get(baseline_operator) != point.species:
                why = f"is no operator for {point.species}"
            else:
                why = _why_missing(statuses, wanted)
            note = f"{operator} {baseline_tuner} {why}"
        rows.append({
            **point.keys(),
            "baseline": f"{operator} {baseline_tuner}",
            "median_us": point.sample.median,
            "baseline_median_us": baseline.sample.median if baseline else None,
            "speedup_median": medians.value,
            "median_ci_low": medians.low,
            "median_ci_high": medians.high,
            "verdict": verdict,
            "min_us": point.sample.minimum,
            "baseline_min_us": baseline.sample.minimum if baseline else None,
            "speedup_min": baseline.sample.minimum / point.sample.minimum if baseline else None,
            "note": note,
        })  # fmt: skip
    return frame_of(rows, SPEEDUP)


_COLD = "NONE may have run without a warm-up, which flatters the tuner"


def tuner_check(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Is the DEFAULT tuner at least as good as NONE?  The exceptions come first.

    One row per platform, library, operator, tensor and batch that was tried with both.
    `tuner_speedup` is NONE's median over DEFAULT's with its interval.  `exception` marks what
    breaks the rule: DEFAULT 'slower' by the interval, or failed where NONE did not.
    """
    groups: dict[tuple[Any, ...], dict[str, MeasuredPoint]] = {}
    for point in operator_points(frame, seed):
        keys = point.keys()
        tuner = keys.pop("tuner")
        groups.setdefault(tuple(keys.values()), {})[tuner] = point
    statuses = _failed_statuses(frame)
    rows = []
    for key, by_tuner in groups.items():
        keys = dict(zip((name for name in KEY_COLUMNS if name != "tuner"), key, strict=True))
        default, none = by_tuner.get("DEFAULT"), by_tuner.get("NONE")
        ratio = UNKNOWN
        if default and none:
            ratio = ratio_of_medians(none.sample, default.sample)
            verdict = ratio.verdict("faster", "slower")
        else:
            missing = "NONE" if default else "DEFAULT"
            why = _why_missing(statuses, {**keys, "tuner": missing})
            if why == "was not measured" or not (default or none):
                continue
            verdict = f"{missing} {why}"
        rows.append({
            **keys,
            "default_median_us": default.sample.median if default else None,
            "none_median_us": none.sample.median if none else None,
            "tuner_speedup": ratio.value,
            "ci_low": ratio.low,
            "ci_high": ratio.high,
            "verdict": verdict,
            "exception": verdict == "slower" or verdict.startswith("DEFAULT"),
            "note": "" if none is None or none.warmup == "always" else _COLD,
        })  # fmt: skip
    rows.sort(key=lambda row: not row["exception"])
    return frame_of(rows, TUNER_CHECK)


def device_state(frame: pd.DataFrame) -> pd.DataFrame:
    """The device while it measured: clock, temperature and throttling, and what is not known.

    One row per platform, library and device; extremes over the readings before and after each
    repetition; `not_read` names the readings that are missing in every row, or in how many;
    `not_set` what was asked of the device and could not be had (a governor, a cool start).
    `clean`, `disturbed` and `unknown` count the repetitions that succeeded; `waited_share` is what
    their threads waited for a CPU over what they took, all together.
    """
    rows = []
    readings = {
        "clock": ("clock_before_mhz", "clock_after_mhz"),
        "temperature": ("temperature_before_c", "temperature_after_c"),
        "throttling": ("throttled",),
    }
    keys = ["platform", "library", "device", "driver"]
    for key, group in labelled(frame).groupby(keys, dropna=False):
        assert isinstance(key, tuple)
        gaps = []
        for what, names in readings.items():
            missing = int(group[list(names)].isna().any(axis=1).sum())
            if missing:
                gaps.append(what if missing == len(group) else f"{what} in {missing} rows")
        clocks = group[list(readings["clock"])].stack()
        heat = group[list(readings["temperature"])].stack()
        zones = group["hottest_zone"].loc[lambda zone: zone != ""].dropna()
        started = sorted(time for time in group["started_at"].dropna() if time)
        rows.append({
            **dict(zip(keys, key, strict=True)),
            "rows": len(group),
            "clock_min_mhz": clocks.min(),
            "clock_max_mhz": clocks.max(),
            "temperature_min_c": heat.min(),
            "temperature_max_c": heat.max(),
            "hottest_zone": next(iter(zones.mode()), ""),
            "throttled": group["throttled"].sum() if group["throttled"].notna().any() else None,
            "not_read": ", ".join(gaps),
            "not_set": "; ".join(sorted({note for note in group["notes"].dropna() if note})),
            **_how_busy(group),
            "first_started_at": started[0] if started else None,
            "last_started_at": started[-1] if started else None,
        })  # fmt: skip
    return frame_of(rows, DEVICE_STATE)


def _how_busy(rows: pd.DataFrame) -> dict[str, Any]:
    """What disturbed the runs of a device."""
    timed = rows[rows["time_us"].notna()]
    counts = {state: int((timed["run_state"] == state).sum()) for state in (CLEAN, DISTURBED)}
    waited = timed[timed["waited_us"].notna()]
    share = waited["waited_us"].sum() / waited["time_us"].sum() if len(waited) else None
    return {
        **counts,
        "unknown": len(timed) - sum(counts.values()),
        "waited_share": share,
        "load_median": rows["load"].median(),
        "load_max": rows["load"].max(),
    }
