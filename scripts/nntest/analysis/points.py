"""Measured points: what the rows of the measurement table are grouped into for every analysis.

Emulated rows carry "(emulated)" in their platform's name, so that they are never mixed with the
board's own, nor mistaken for them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from onboard.clean_runs import CLEAN, DISTURBED, counted
from onboard.cores import read_cores, write_cores

from nntest.analysis.memo import memoised_by_frame
from nntest.analysis.stats import FloatArray, Sample
from nntest.archives.measurements import PROCESS_KEYS, measured, process_numbers
from nntest.domain.tables.column import names
from nntest.domain.tables.shared import GROUP, KEY
from nntest.domain.tensors import CEILINGS, DATA_TYPE_SUFFIXES, NETWORK

KEY_COLUMNS = names(KEY)
"""What tells one point from another."""


COLD = " (cold)"
"""Behind a library's name: measured as in 2018, where untuned points did not warm up."""


@memoised_by_frame
def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The measurement table with names that keep apart what must not be pooled.

    "(emulated)" stands behind the platform of emulated rows.  `COLD` stands behind the library of
    rows that warmed up with the tuner only, where others of that library always did: one table
    then has both protocols, as two libraries.
    """
    emulated = frame["emulated"].fillna(False).astype(bool)
    plain = emulated & ~frame["platform"].str.endswith(" (emulated)", na=False)
    named = frame.assign(platform=frame["platform"].mask(plain, frame["platform"] + " (emulated)"))
    library = named["library"].str.removesuffix(COLD)
    of = [named["platform"], library]
    both = (named["warmup"] == "always").groupby(of, dropna=False).transform("any")
    cold = both.astype(bool) & (named["warmup"] == "tuner-only")
    return named.assign(library=named["library"].mask(cold, library + COLD))


def named_by_threads(frame: pd.DataFrame) -> pd.DataFrame:
    """Any table with threads and cores behind the library's name, for pictures of libraries."""
    columns = [name for name in ("threads", "cores") if name in frame]
    if frame[columns].isna().all(axis=None):
        return frame
    words = [threads_text(row) for row in frame[columns].to_dict("records")]
    return frame.assign(library=frame["library"] + words)


def operators_only(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that time an operator on a tensor: no whole network, no ceiling of the device."""
    return frame[~frame["species"].isin([NETWORK, *CEILINGS])]


def tensor_order(name: str) -> tuple[float, float, str]:
    """Sort key: larger images first, then fewer channels, as image networks run."""
    numbers = [float(field) for field in re.split("[-_]", name) if field.isdigit()]
    if len(numbers) < 3:
        return 0.0, 0.0, name
    channels, height, width = numbers[:3]
    return -height * width, channels, name


def data_type(operator: str) -> str:
    """Data type of an operator: CK-NNTest's 8-bit programs are operators such as conv-uint8."""
    suffix = operator.rpartition("-")[2]
    return suffix if suffix in DATA_TYPE_SUFFIXES else "fp32"


def threads_of(row: Mapping[Any, Any]) -> int | None:
    """The threads of a row of any table; None for the library's own default."""
    return None if pd.isna(row["threads"]) else int(row["threads"])


def threads_text(row: Mapping[Any, Any]) -> str:
    """Threads and cores of a row, as they follow other words; nothing where none were asked for."""
    threads, cores = threads_of(row), cores_of(row)
    said = "" if threads is None else f", {threads} thread{'' if threads == 1 else 's'}"
    return said if cores is None else f"{said}, cores {cores}"


def cores_of(row: Mapping[Any, Any]) -> str | None:
    """The set of cores of a row of any table, by name; None for any core."""
    cores = row.get("cores")
    return None if pd.isna(cores) else str(cores)


def key_of(key: Iterable[Any]) -> dict[str, Any]:
    """A group's key by `KEY_COLUMNS`, with plain numbers, and None where none were asked for."""
    named = dict(zip(KEY_COLUMNS, key, strict=True))
    return {
        **named,
        "batch_size": int(named["batch_size"]),
        "threads": threads_of(named),
        "cores": cores_of(named),
    }


def sample_key(named: Mapping[str, Any]) -> tuple[Any, ...]:
    """What fixes a point's draws: its key; threads and cores only where there are some.

    A study without them has the draws that it had before there were any.
    """
    late = ("threads", "cores")
    return tuple(value for name, value in named.items() if name not in late or value is not None)


def runs_by_point(
    runs: pd.DataFrame, *further: str
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The rows of a table of runs that are no measurements, by what they are of.

    That is a point's key, with `further` columns of the table, as a row of a table has it.
    """
    keys = [*KEY_COLUMNS, *further]
    for key, group in labelled(runs).groupby(keys, dropna=False, sort=False):
        assert isinstance(key, tuple)
        row = dict(zip(keys, key, strict=True))
        yield {**row, "threads": threads_of(row), "cores": cores_of(row)}, group


def row_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Points that are compared with each other stand together."""
    batch_size = 0 if pd.isna(row["batch_size"]) else row["batch_size"]  # unknown: it failed
    return (
        row["platform"], row["library"], row["species"], batch_size,
        tensor_order(row["tensor"]), row["operator"], row["tuner"], threads_of(row) or 0,
        cores_of(row) or "",
    )  # fmt: skip


@dataclass(frozen=True)
class Runs:
    """The runs of a point, or of all points of a sum: how many, and their medians in µs."""

    n: int
    clean: int
    disturbed: int
    median_all: float
    median_clean: float
    """NaN without a clean run."""

    @classmethod
    def of(cls, times: FloatArray, states: Sequence[object]) -> Runs:
        """The runs of a point, by their times [µs] and states."""
        clean = np.array([state == CLEAN for state in states])
        return cls(
            n=len(times),
            clean=int(clean.sum()),
            disturbed=sum(state == DISTURBED for state in states),
            median_all=float(np.median(times)),
            median_clean=float(np.median(times[clean])) if clean.any() else math.nan,
        )

    @classmethod
    def summed(cls, parts: Sequence[tuple[int, Runs]]) -> Runs:
        """Of a sum: counts of all parts, and medians as often as their weights say."""
        return cls(
            n=sum(runs.n for _, runs in parts),
            clean=sum(runs.clean for _, runs in parts),
            disturbed=sum(runs.disturbed for _, runs in parts),
            median_all=math.fsum(weight * runs.median_all for weight, runs in parts),
            median_clean=math.fsum(weight * runs.median_clean for weight, runs in parts),
        )

    def columns(self) -> dict[str, Any]:
        """What `RUNS` of the tables say."""
        return {
            "n": self.n,
            "clean": self.clean,
            "median_all_us": self.median_all,
            "median_clean_us": self.median_clean,
        }


@dataclass(frozen=True)
class MeasuredPoint:
    """One measured point: its key, its repetitions (µs) and what was counted beside them."""

    platform: str
    library: str
    operator: str
    tensor: str
    batch_size: int
    tuner: str
    threads: int | None
    """None: the library's own default."""
    cores: str | None
    """None: any core."""
    species: str
    sample: Sample
    """The runs that count: the clean ones, if there are enough of them."""
    runs: Runs
    processes: int | None
    """Of the runs that count; None: unknown."""
    flops: float
    """Operations as the 2018 study counts them; NaN where it did not."""
    throttled: int
    warmup: str
    waiting: float
    """What each of its runs paid for being waited for, µs; NaN where it was not measured."""
    kernel_ran: str | None = None
    """Which kernels a library ran it with, as columns of the table say; several: by ' / '."""
    kernel_evidence: str | None = None
    threads_used: int | None = None
    """Most that any of its runs was seen to use."""
    ran_on: str | None = None
    """Cores that any of its runs was on."""

    def keys(self) -> dict[str, Any]:
        """The key as a row of a table has it."""
        return {name: getattr(self, name) for name in KEY_COLUMNS}

    @property
    def key(self) -> tuple[Any, ...]:
        """The key alone, to find the point by."""
        return tuple(self.keys().values())

    @property
    def data_type(self) -> str:
        """What the operator computes in; an operator's suffix tells it from the usual fp32."""
        return data_type(self.operator)

    @property
    def choice(self) -> str:
        """Operator and tuner, e.g. 'conv DEFAULT'."""
        return f"{self.operator} {self.tuner}"

    @property
    def gflops(self) -> float:
        """Study GFLOPS at the median."""
        return self.flops / self.sample.median / 1e3


_OF_POINTS = dict.fromkeys((
    *KEY_COLUMNS, *PROCESS_KEYS, "time_us", "GFLOPS", "throttled", "waiting_us", "run_state",
    "warmup", "kernel", "kernel_ran", "kernel_evidence", "threads_used", "ran_on", "status",
    "emulated",
))  # fmt: skip
"""Columns that points are made of: the table is wide, and is copied on the way."""


@memoised_by_frame
def points(frame: pd.DataFrame, seed: int) -> tuple[MeasuredPoint, ...]:
    """The measured points of a measurement table, in the order of the tables."""
    rows = measured(labelled(frame[list(_OF_POINTS)]))
    rows = rows[rows["time_us"] > 0].reset_index(drop=True)
    processes = process_numbers(rows)
    unknown = processes < 0
    times = rows["time_us"].to_numpy(float)
    flops = rows["GFLOPS"].to_numpy(float) * times * 1e3
    throttled = rows["throttled"].fillna(False).to_numpy(bool)
    waiting = rows["waiting_us"].to_numpy(float, na_value=np.nan)
    states = rows["run_state"].to_numpy(object)
    warmups = rows["warmup"].fillna("unknown").to_numpy(object)
    kernels, evidence = (rows[name].to_numpy(object) for name in ("kernel_ran", "kernel_evidence"))
    used, cores = rows["threads_used"].to_numpy(float, na_value=np.nan), rows["ran_on"]
    found = []
    for key, place in rows.groupby(list(KEY_COLUMNS), sort=False, dropna=False).indices.items():
        assert isinstance(key, tuple)
        named = key_of(key)
        kept = list(compress(place, counted(states[place].tolist())))
        sample = Sample.of(times[kept].tolist(), processes[kept].tolist(), seed, sample_key(named))
        found.append(
            MeasuredPoint(
                **named,
                sample=sample,
                runs=Runs.of(times[place], states[place].tolist()),
                processes=None if unknown[kept].any() else len(sample.processes),
                flops=float(np.median(flops[place])),
                throttled=int(throttled[place].sum()),
                warmup=", ".join(sorted(set(warmups[place]))),
                waiting=float(np.median(waiting[place])),
                kernel_ran=distinct(kernels[place]),
                kernel_evidence=distinct(evidence[place]),
                threads_used=_most(used[kept]),
                ran_on=_all_cores(cores.iloc[kept]),
            )
        )
    return tuple(sorted(found, key=lambda point: row_order(point.keys())))


@memoised_by_frame
def operator_points(frame: pd.DataFrame, seed: int) -> tuple[MeasuredPoint, ...]:
    """The same of operators alone (`operators_only`)."""
    return points(operators_only(frame[list(_OF_POINTS)]), seed)


def _most(numbers: FloatArray) -> int | None:
    known = numbers[~np.isnan(numbers)]
    return int(known.max()) if len(known) else None


def _all_cores(lists: Iterable[object]) -> str | None:
    """The cores of any of some lists of cores; None where none says."""
    found = {core for said in set(lists) if isinstance(said, str) for core in read_cores(said)}
    return write_cores(found) or None


def distinct(values: Iterable[object]) -> str | None:
    """The different texts of a column, in a stable order; None where it has none."""
    return " / ".join(sorted({value for value in values if isinstance(value, str)})) or None


Group = tuple[str, str, int, str, int | None, str | None]
"""Platform, library, batch size, data type, threads and cores."""
GROUP_COLUMNS = names(GROUP)


def choices_of(found: Sequence[MeasuredPoint]) -> dict[Group, list[MeasuredPoint]]:
    """Points by what they have in common if a schedule may choose among them."""
    return grouped(found, GROUP_COLUMNS)


def grouped(found: Sequence[MeasuredPoint], columns: Sequence[str]) -> dict[Any, list[Any]]:
    """Points by their values of `columns`, of which None is before any other; in stable order."""
    groups: dict[tuple[Any, ...], list[MeasuredPoint]] = {}
    for point in found:
        groups.setdefault(tuple(getattr(point, name) for name in columns), []).append(point)
    return dict(
        sorted(groups.items(), key=lambda item: [(one is not None, one) for one in item[0]])
    )
