"""What is said of a pool's boards: which measured what, in what they differ, and other kinds."""

from __future__ import annotations

from typing import Any

import pytest
from nntest.archives.pools import refuse_other_kinds, remarks
from nntest.config import Pool
from nntest.errors import UserError

POOL = Pool(name="p", pool=["a", "b"])
FACTS: dict[str, Any] = {
    "model": "Firefly", "machine": "aarch64", "cpus": [{"name": "Cortex-A53", "cores": 4}],
    "kernel": "6.1", "distribution": "Debian 12", "opencl_platforms": [{"version": "1.2"}],
    "python": {"version": "3.11"}, "cpufreq_policies": [{"max_mhz": 1416.0}], "devfreq_devices": [],
}  # fmt: skip


def facts(**boards: dict[str, Any]) -> list[dict[str, Any]]:
    """Of boards by their names, with what is other on each."""
    return [{**FACTS, "board": name, **changes} for name, changes in boards.items()]


def test_boards_that_are_alike_are_said_to_have_measured_and_no_more() -> None:
    states = [{"sweep": f"p.{library}", "board": board} for library, board in ("xa", "yb", "za")]
    assert remarks(POOL, facts(a={}, b={}), states) == [
        "Pool p: a measured p.x, p.z.", "Pool p: b measured p.y.",
    ]  # fmt: skip


def test_a_board_that_could_not_be_probed_is_said() -> None:
    assert remarks(POOL, facts(a={}), [{"sweep": "p.x", "board": "a"}]) == [
        "Pool p: a measured p.x.", "Pool p: b could not be probed, and measured nothing.",
    ]  # fmt: skip


def test_what_differs_is_said_by_board() -> None:
    others = {"kernel": "6.6", "cpufreq_policies": [{"max_mhz": 1800.0}], "opencl_platforms": []}
    assert remarks(POOL, facts(a={}, b=others, c={}), []) == [
        "Pool p: its boards differ: kernel 6.1 on a, c, 6.6 on b.",
        "Pool p: its boards differ: OpenCL 1.2 on a, c, none on b.",
        "Pool p: its boards differ: highest clocks [MHz] 1416.0 on a, c, 1800.0 on b.",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "Pinebook"}, "model Firefly on a, Pinebook on b"),
        ({"machine": "armv7l"}, "machine aarch64 on a, armv7l on b"),
        ({"cpus": [{"name": "Cortex-A53", "cores": 2}]}, "CPU 4 x Cortex-A53 on a, 2 x"),
        ({"model": ""}, "model Firefly on a, unknown on b"),
    ],
)
def test_other_kinds_are_refused(change: dict[str, Any], said: str) -> None:
    refuse_other_kinds(POOL, facts(a={}, b={"kernel": "6.6"}))
    with pytest.raises(UserError, match=f"pool p: its boards are not of one kind: {said}"):
        refuse_other_kinds(POOL, facts(a={}, b=change))
