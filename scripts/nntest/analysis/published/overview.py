"""What a published table measured, computed from its rows: platforms x networks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from nntest.domain.data_types import order_of
from nntest.domain.tables.column import INT, TEXT, Column
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import PUBLISHED_OVERVIEW
from nntest.domain.tables.shared import LINE, LISTED, PLATFORM, WITH_ACCURACY, WITH_LATENCY

NONE = "na"


def overview(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each platform and network of a published table (columns of `PUBLISHED`).

    `listed` counts the configurations that the table has a row for, `measured` those with a
    latency, `with_accuracy` those with an accuracy besides; `data_types`, `prunings_percent` and
    `batch_thread_stream` list what the measured ones have.  Several names of one platform (a TX2
    that is called GPU in some rows) are one row; `hardware` and `mode` are then all of them.
    """
    rows: list[dict[str, Any]] = []
    known = frame["platform"].where(frame["platform"] != "", frame["hardware"])
    networks = list(dict.fromkeys(frame["network"]))
    for platform, own in frame.assign(platform=known).groupby("platform", sort=False):
        for network in networks:
            listed = own[own["network"] == network]
            done = listed[listed["measured"].astype(bool)]
            rows.append({
                "hardware": _list(dict.fromkeys(own["hardware"])),
                "mode": _list(mode for mode in dict.fromkeys(own["mode"]) if mode),
                "platform": platform, "network": network,
                "data_types": _list(_data_types(done)) or NONE,
                "prunings_percent": _list(
                    f"{share:g}" for share in sorted(set(done["pruning_percent"]), reverse=True)
                ) or NONE,
                "batch_thread_stream": _list(
                    str(batch) for batch in sorted(set(done["batch_size"].dropna()))
                ) or NONE,
                "listed": len(listed), "measured": len(done),
                "with_accuracy": int(done["top1_percent"].notna().sum()),
            })  # fmt: skip
    return frame_of(rows, PUBLISHED_OVERVIEW)


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)


def _data_types(frame: pd.DataFrame) -> list[str]:
    known = sorted(set(frame["data_type"].dropna()), key=order_of)
    return [*known, *sorted(set(frame.loc[frame["data_type"].isna(), "precision"]))]


def overview_matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """The overview as the page writes it: a row for each platform, a column for each network.

    A cell lists data types and prunings with the number of measured configurations, or says 'na';
    `batch_thread_stream` has the sweep over all networks.
    """
    long = overview(frame)
    rows = []
    for platform, own in long.groupby("platform", sort=False):
        row: dict[str, Any] = {"platform": platform}
        for cell in own.to_dict("records"):
            row[str(cell["network"])] = (
                f"{cell['data_types']} × {cell['prunings_percent']} %: {cell['measured']}"
                if cell["measured"]
                else NONE
            )
        batches = {int(b) for text in own["batch_thread_stream"] if text != NONE
                   for b in text.split(", ")}  # fmt: skip
        row["batch_thread_stream"] = _list(str(batch) for batch in sorted(batches)) or NONE
        rows.append(row)
    names = ["platform", *dict.fromkeys(long["network"]), "batch_thread_stream"]
    return frame_of(rows, [Column(name, TEXT) for name in names])


CLAIMS = (PLATFORM, LINE, Column("claimed", INT), LISTED, WITH_LATENCY, WITH_ACCURACY)


def claims(path: Path, frame: pd.DataFrame, network: str = "CNV") -> pd.DataFrame:
    """Configurations that the page's typed overview claims, beside what the data have.

    Reads ``overview_experiments_cifar10_.csv``: each cell is a product of lists such as
    ``[INT2,INT4]*[100%,50%]``.  Columns `CLAIMS`, a row for each platform there.
    """
    counts = overview(frame)
    counts = counts[counts["network"] == network]
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for cells in reader:
            if len(cells) < 4 or not cells[3].startswith("["):
                continue
            claimed = 0
            if cells[2] != NONE:
                claimed = 1
                for listed in re.findall(r"\[([^\]]*)\]", f"{cells[2]}*{cells[3]}"):
                    claimed *= len(listed.split(","))
            own = counts[[_names(row, cells[1]) for row in counts.to_dict("records")]]
            numbers = {name: int(own[name].sum()) for name in ("listed", "measured",
                                                               "with_accuracy")}  # fmt: skip
            row = {"platform": cells[1], "line": reader.line_num, "claimed": claimed}
            rows.append({**row, **numbers})
    return frame_of(rows, CLAIMS)


def _names(row: dict[Any, Any], name: str) -> bool:
    """Whether a row of the overview is the platform that the page calls `name`."""
    plain = name.removesuffix(" clk").casefold()
    modes = [mode for mode in row["mode"].split(", ") if mode]
    names = {
        f"{hardware}-{mode}" if mode else hardware
        for hardware in row["hardware"].split(", ")
        for mode in modes or [""]
    }
    return plain in {one.casefold() for one in names}
