"""Which runs are clean, and which of a point's runs count."""

from __future__ import annotations

from typing import Any

import pytest
from onboard.clean_runs import (
    CLEAN,
    DISTURBED,
    UNKNOWN,
    counted,
    run_state,
)

QUIET = {"watched_s": 1e-3, "waited_s": 0.0, "dispatches": 0, "stolen_s": 0.0, "major_faults": 0}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, CLEAN),
        ({"waited_s": 19e-6}, CLEAN),
        ({"waited_s": 20e-6}, DISTURBED),
        # Waking two workers and the thread that waits for them costs up to 45 µs.
        ({"watched_s": 100e-6, "waited_s": 40e-6, "dispatches": 3}, CLEAN),
        ({"watched_s": 100e-6, "waited_s": 50e-6, "dispatches": 3}, DISTURBED),
        ({"watched_s": 0.1, "waited_s": 1e-3, "dispatches": 9}, CLEAN),
        ({"watched_s": 0.1, "waited_s": 3e-3, "dispatches": 9}, DISTURBED),
        ({"stolen_s": 0.01}, DISTURBED),  # one tick, in a run that was shorter
        ({"watched_s": 0.4, "stolen_s": 0.01}, DISTURBED),
        ({"watched_s": 2.0, "stolen_s": 0.01}, CLEAN),
        ({"watched_s": 2.0, "stolen_s": 0.03, "waited_s": 0.02}, DISTURBED),
        ({"major_faults": 1}, DISTURBED),
        ({"stolen_s": None}, CLEAN),
        ({"major_faults": None}, CLEAN),
        ({"waited_s": None}, UNKNOWN),
        ({"dispatches": None}, UNKNOWN),
        ({"waited_s": None, "major_faults": 1}, DISTURBED),
        ({"waited_s": None, "stolen_s": 0.01}, DISTURBED),
        ({"watched_s": None}, UNKNOWN),
        ({key: None for key in QUIET if key != "watched_s"}, UNKNOWN),
    ],
)
def test_a_run_is(changes: dict[str, Any], state: str) -> None:
    assert run_state(**{**QUIET, **changes}) == state


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ([CLEAN] * 5 + [DISTURBED] * 2 + [UNKNOWN, None], [True] * 5 + [False] * 4),
        ([CLEAN] * 4 + [DISTURBED] * 6, [True] * 10),
        ([UNKNOWN] * 10, [True] * 10),
        ([None] * 3, [True] * 3),
        ([], []),
    ],
)
def test_the_runs_that_count(states: list[str | None], kept: list[bool]) -> None:
    assert counted(states) == kept
