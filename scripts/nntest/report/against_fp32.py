"""What another data type has brought: a sentence for each library, of its layers and networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.points import threads_text
from nntest.domain.tables.column import names
from nntest.domain.tables.shared import GROUP, TUNER
from nntest.domain.tensors import NETWORK
from nntest.report.cells import interval_of_ratio, ratio, signed_percent

_PARTS = (
    ("kernels_change", "the nodes that compute"),
    ("reorders_change", "the nodes that only move data"),
    ("outside_change", "what lies outside of nodes"),
)
_WITHIN = [*names(GROUP), TUNER.name]


def data_type_sentences(table: pd.DataFrame | None) -> list[str]:
    """A sentence for each library in another data type than fp32 and each of its settings."""
    if table is None:
        return []
    groups = table.groupby(_WITHIN, sort=False, dropna=False)
    return [_sentence(rows.to_dict("records")) for _, rows in groups]


def _sentence(rows: list[dict[Any, Any]]) -> str:
    first = rows[0]
    where = (
        f"{first['library']} ({first['tuner']}) on {first['platform']}, "
        f"batch {first['batch_size']}{threads_text(first)}"
    )
    layers = Counter(row["verdict"] for row in rows if row["species"] != NETWORK)
    counted = ", ".join(f"{verdict} {count}" for verdict, count in layers.most_common())
    parts = [f"of {layers.total()} tensors: {counted}"] if layers else []
    parts += [_network(row) for row in rows if row["species"] == NETWORK]
    return f"{where}: {first['data_type']} against fp32, {'; '.join(parts)}."


def _network(row: Mapping[Any, Any]) -> str:
    """A whole network: its ratio, the verdict, and which part of its time changed most."""
    if pd.isna(row["ratio"]):
        return f"{row['tensor']} as a whole: {row['verdict']}, {row['why']}"
    text = (
        f"{row['tensor']} as a whole takes {ratio(row['ratio'])} times its fp32 time"
        f"{interval_of_ratio(row['ci_low'], row['ci_high'])}: {row['verdict']}"
    )
    known = [(row[name], what) for name, what in _PARTS if not pd.isna(row[name])]
    if known:
        change, what = max(known, key=lambda part: abs(part[0]))
        text += f", most of it by {what} ({signed_percent(change)})"
    return text
