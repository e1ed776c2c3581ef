"""Why the sum over layers is not the network's time: a sentence for each row of `sum_error`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.estimate import BEST
from nntest.analysis.points import threads_text
from nntest.analysis.sum_error import EMPTY_KERNEL
from nntest.domain.tables.networks import SUM_ERROR
from nntest.report.cells import duration, signed_percent

_OUTSIDE = "what is outside of nodes (starting, waking threads, waiting)"
_REORDERS = "reorders at the ends of one-node graphs"
_NODES = "the nodes themselves (caches, kernels, tensors)"
_NODES_AND_REORDERS = "the nodes themselves with the reorders that they need"


def error_sentences(table: pd.DataFrame | None) -> list[str]:
    """A sentence for each network and library, of what makes up the error of the sum."""
    return [] if table is None else [_sentence(row) for row in table.to_dict("records")]


def _sentence(row: Mapping[Any, Any]) -> str:
    choice = "" if row["choice"] == BEST else f" ({row['choice']})"
    where = f"{row['network']}, {row['library']}{choice}, batch {row['batch_size']}"
    text = f"{where}{threads_text(row)}: the sum over layers is {signed_percent(row['error'])} off"
    return f"{text}; {_parts(row)}."


def own_errors(table: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of libraries whose layers' own times were timed, and not only an empty kernel's."""
    if table is None:
        return pd.DataFrame(columns=SUM_ERROR.names)
    return table[table["own_error"].notna() & (table["timed_by"] != EMPTY_KERNEL)]


def _parts(row: Mapping[Any, Any]) -> str:
    """The parts of the error, the largest first, or what is known in their place."""
    sum_of_own = f"{duration(row['own_us'])}, {signed_percent(row['own_error'])} off"
    own = f"the layers' own times add up to {sum_of_own}"
    if not pd.isna(row["nodes_error"]):
        within = pd.isna(row["reorders_error"])
        parts = [
            (row["outside_error"], _OUTSIDE),
            (row["nodes_error"], _NODES_AND_REORDERS if within else _NODES),
            *([] if within else [(row["reorders_error"], _REORDERS)]),
        ]
        parts.sort(key=lambda part: -abs(part[0]))
        texts = [f"{signed_percent(share)} {what}" for share, what in parts]
        return f"of that {', '.join(texts)}; {own}"
    if row["timed_by"] == EMPTY_KERNEL:
        return (
            f"waiting for an empty kernel as often as for the layers takes "
            f"{duration(row['outside_alone_us'])}, without which they add up to {sum_of_own}; how "
            "long the network waits is not known"
        )
    if not pd.isna(row["own_us"]):
        return f"{own}; the network's nodes were not timed"
    return "why is not known, since the nodes of the library's graphs were not timed"
