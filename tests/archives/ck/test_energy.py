"""Energy runs in archives: each meter is known by its place in the board's file."""

from __future__ import annotations

from typing import Any

import pytest
from archives.ck.ck_samples import MODEL, good, header, make_plan, make_point, write
from nntest.archives.ck import KnownPlatform
from nntest.archives.ck.tables import read_table
from nntest.domain.tables.energy import ENERGY_RUNS

KNOWN = [KnownPlatform("bench", "Bench", (MODEL,))]
POWERS = {"idle_w": 1.0, "base_w": 2.0, "full_w": 3.0, "joules": 0.5}


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        (({"number": 0}, {"number": 1}), {"rail": 0, "board": 1}),
        (({}, {}), {"board": 0, "rail": 1}),  # of before numbers were recorded
    ],
)
def test_meters_keep_their_order(
    tmp_path: Any, numbers: tuple[dict[str, int], ...], found: dict[str, int]
) -> None:
    point = make_point(profile="energy")
    names = ("rail", "board")
    energy = {name: {**POWERS, **one} for name, one in zip(names, numbers, strict=True)}
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), good(point, energy=energy)])
    rows = list(read_table(ENERGY_RUNS, path, KNOWN, pytest.fail))
    assert {row["meter"]: row["meter_number"] for row in rows} == found
    assert {row["energy_mj"] for row in rows} == {500.0}
