"""Configurations: each a way to run a network on something, and what it costs and gives.

One frame holds what this project estimated or measured and what others published, so that the
same charts draw both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nntest.analysis.accuracy import Measured, measured_accuracies
from nntest.analysis.points import cores_of, data_type, threads_of, threads_text
from nntest.analysis.published.qutibench import at_maximum_power
from nntest.config.accuracy import Accuracy
from nntest.domain.tables.column import TEXT
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import CONFIGURATIONS
from nntest.domain.tensors import NETWORK

_SIZED = re.compile(r"(mobilenet-v\d+)-(.+)")
_PRUNED = re.compile(r"(cnv|mlp)-([\d.]+)")
_PUBLISHED_NAMES = {"mnv1": "mobilenet-v1", "rn50": "resnet-50", "gnv1": "googlenet-v1"}
"""What QuTiBench calls its networks, and what they are called here."""


@dataclass(frozen=True)
class Limits:
    """What a configuration may take at most; None: anything."""

    latency_ms: float | None = None
    power_w: float | None = None
    memory_mb: float | None = None

    def named(self) -> dict[str, float]:
        """The limits that there are, by the column that they are of."""
        return {name: limit for name, limit in vars(self).items() if limit is not None}

    def within(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Which rows are known to keep them."""
        kept = pd.Series(True, index=frame.index)
        for name, limit in self.named().items():
            kept &= frame[name].notna() & (frame[name] <= limit)
        return kept


LIMITED = {"latency_ms": "ms", "power_w": "W", "memory_mb": "MB"}
"""Columns that may have a limit, with their units."""


def configurations(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `CONFIGURATIONS` without the energy as a frame; a missing key is null."""
    named = []
    for row in rows:
        energy = None
        power, rate = row.get("power_w"), row.get("frames_per_s")
        if not (pd.isna(power) or pd.isna(rate)) and rate > 0:
            energy = power / rate * 1e3
        named.append({**dict.fromkeys(CONFIGURATIONS.names), **row, "energy_mj_per_frame": energy})
    frame = frame_of(named, CONFIGURATIONS)
    for column in CONFIGURATIONS:
        if column.dtype == TEXT:
            frame[column.name] = frame[column.name].fillna("")
    return frame


def of_estimates(
    estimates: pd.DataFrame,
    accuracies: Mapping[str, Accuracy],
    energy: pd.DataFrame | None = None,
    accuracy: pd.DataFrame | None = None,
    memory: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Configurations of a study: each whole network at its best schedule.

    `estimates` is the table of `nntest.analysis.estimate`.  The time is the one measured end to
    end, else the estimate; a sum that lacks a layer is not a time of the network and gives no row.
    The accuracy is the one that was measured (the table `accuracy`), else the published one of
    `accuracies`.  The power is that of the board's first meter while the network ran (the table
    `energy`), the memory that of the table `memory`; of several choices the power of the fastest
    one, and the least memory.
    """
    powers, memories = _powers(energy), _memories(memory)
    measured_here = measured_accuracies(accuracy)
    rows: list[dict[str, Any]] = []
    whole = estimates["covered_layers"] == estimates["layers"]
    best = estimates[(estimates["choice"] == "best") & (whole | estimates["measured_us"].notna())]
    for row in best.to_dict("records"):
        measured = not pd.isna(row["measured_us"])
        time_us = row["measured_us"] if measured else row["total_us"]
        family, variant = split_variant(row["network"])
        rows.append(
            {
                "network": family,
                "variant": variant,
                "hardware": f"{row['platform']}, {row['library']}{threads_text(row)}",
                "platform": row["platform"],
                "library": row["library"],
                "threads": threads_of(row),
                "data_type": row["data_type"],
                "mode": "best schedule",
                "batch": row["batch_size"],
                "latency_ms": time_us / 1e3,
                "frames_per_s": row["batch_size"] / time_us * 1e6,
                **_top1(row["network"], row, row["data_type"], accuracies, measured_here),
                "power_w": powers.get(_run_of(row, row["network"])),
                "memory_mb": memories.get(_run_of(row, row["network"])),
                "kind": "measured" if measured else "estimated",
                "source": "table estimate of this study",
            }
        )
    return configurations(rows)


def _top1(
    network: str,
    row: Mapping[Any, Any],
    data_type: str,
    accuracies: Mapping[str, Accuracy],
    measured_here: Measured,
) -> dict[str, Any]:
    """Columns with a network's accuracy on a row's platform and library."""
    known = accuracies.get(network)
    published = known.published_top1(data_type) if known else None
    found = measured_here.get((network, row["platform"], row["library"], data_type), {})
    return {
        "top1_percent": found.get("top1_percent", published),
        "top1_low_percent": found.get("top1_low_percent"),
        "top1_high_percent": found.get("top1_high_percent"),
        "top1_published_percent": published,
    }


def _run_of(row: Mapping[Any, Any], network: str) -> tuple[Any, ...]:
    how = (threads_of(row), cores_of(row))
    return row["platform"], row["library"], network, row["batch_size"], *how


def _powers(energy: pd.DataFrame | None) -> dict[tuple[Any, ...], float]:
    """Full power in W of each network by what it ran on; of several choices the fastest one's."""
    if energy is None:
        return {}
    first = energy[(energy["operator"] == NETWORK) & (energy["meter_number"] == 0)]
    slowest_first = first[first["full_w"].notna()].sort_values("time_us", ascending=False)
    return {_run_of(row, row["tensor"]): row["full_w"] for row in slowest_first.to_dict("records")}


def _memories(memory: pd.DataFrame | None) -> dict[tuple[Any, ...], float]:
    """Peak in MB of each network by what it ran on; of several choices the smallest."""
    if memory is None:
        return {}
    known = memory[(memory["species"] == NETWORK) & memory["peak_mb"].notna()]
    largest_first = known.sort_values("peak_mb", ascending=False).to_dict("records")
    return {_run_of(row, row["tensor"]): row["peak_mb"] for row in largest_first}


def of_streams(
    throughput: pd.DataFrame,
    accuracies: Mapping[str, Accuracy],
    accuracy: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Configurations of a study's networks in parallel streams (the table `throughput`).

    The latency is the median one of a request, the accuracy as in `of_estimates`.  Rows without a
    figure are left out.
    """
    rows, measured_here = [], measured_accuracies(accuracy)
    for row in throughput[throughput["frames_per_s"].notna()].to_dict("records"):
        family, variant = split_variant(row["tensor"])
        computed_in = data_type(row["operator"])
        streams = f"{row['streams']} stream{'' if row['streams'] == 1 else 's'}"
        rows.append(
            {
                "network": family,
                "variant": variant,
                "hardware": f"{row['platform']}, {row['library']}{threads_text(row)}, {streams}",
                "platform": row["platform"],
                "library": row["library"],
                "threads": threads_of(row),
                "data_type": computed_in,
                "mode": row["tuner"],
                "batch": row["batch_size"],
                "streams": row["streams"],
                "latency_ms": row["p50_ms"],
                "frames_per_s": row["frames_per_s"],
                **_top1(row["tensor"], row, computed_in, accuracies, measured_here),
                "memory_mb": row["peak_mb"],
                "kind": "measured",
                "source": "table throughput of this study",
            }
        )
    return configurations(rows)


def of_published(rows: pd.DataFrame) -> pd.DataFrame:
    """Configurations of published tables (the columns of `PUBLISHED`) that have a latency.

    At maximum power: of a board that was measured in several power modes, the fastest one.
    """
    shown = at_maximum_power(rows)
    return configurations(
        {
            "network": _PUBLISHED_NAMES.get(row["network"].lower(), row["network"].lower()),
            "variant": f"{row['pruning_percent']:g}%" if row["pruning_percent"] else "",
            "hardware": row["platform"] or row["hardware"],
            "platform": row["platform"] or row["hardware"],
            "data_type": row["data_type"] or row["precision"],
            "mode": row["mode"],
            "batch": None if pd.isna(row["batch_size"]) else row["batch_size"],
            "latency_ms": row["latency_ms"],
            "frames_per_s": row["frames_per_s"],
            "top1_percent": row["top1_percent"],
            "top1_published_percent": row["top1_percent"],
            "power_w": row["full_power_w"],
            "kind": "published",
            "source": f"{row['file']}:{row['line']}",
        }
        for row in shown[shown["latency_ms"].notna()].to_dict("records")
    )


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    """Several frames of configurations as one."""
    return pd.concat(frames, ignore_index=True)


def split_variant(network: str) -> tuple[str, str]:
    """(family, variant) of a network's name: ('mobilenet-v1', '0.75-160'), ('cnv', '50%')."""
    if sized := _SIZED.fullmatch(network):
        return sized[1], sized[2]
    pruned = _PRUNED.fullmatch(network)
    return (pruned[1], f"{pruned[2]}%") if pruned else (network, "")


def variant_order(variant: str) -> tuple[float, str]:
    """Sort key of variants: by their first number, as in 12.5 % or 0.75-160."""
    number = variant.partition("-")[0].rstrip("%")
    return (float(number) if number.replace(".", "", 1).isdigit() else 0.0), variant


def group_label(frame: pd.DataFrame) -> pd.Series:
    """What a configuration is one point of: hardware, data type and variant, batches together."""
    parts = zip(frame["hardware"], frame["data_type"], frame["variant"], strict=True)
    labels = [" · ".join(text for text in row if text) for row in parts]
    return pd.Series(labels, index=frame.index, dtype="str")


def has(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows that have a finite, positive number in each of `columns`."""
    kept = np.ones(len(frame), bool)
    for name in columns:
        values = frame[name].to_numpy(float, na_value=np.nan)
        kept &= np.isfinite(values) & (values > 0)
    return frame[kept]
