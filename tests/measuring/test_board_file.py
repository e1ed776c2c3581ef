"""A board's file against a probe: differences reported, and a draft that loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Board, SshConnection
from nntest.config.load import read_yaml
from nntest.measuring.board_file import differences, draft

HOME = Path(__file__).parents[2]

# What the probe would say on a Firefly-RK3399.
FACTS: dict[str, Any] = {
    "model": "Rockchip RK3399 Firefly Board (Linux Opensource)",
    "machine": "aarch64",
    "distribution": "Ubuntu 16.04 LTS",
    "cpus": [{"name": "Cortex-A53", "cores": 4}, {"name": "Cortex-A72", "cores": 2}],
    "opencl_platforms": [{"devices": [
        {"name": "Mali-T860", "compute_units": 4, "max_clock_mhz": 800},
    ]}],
    "cpufreq_policies": [
        {"path": f"/sys/devices/system/cpu/cpufreq/policy{n}", "governors": ["performance"]}
        for n in (0, 4)
    ],
    "devfreq_devices": [{"path": "/sys/class/devfreq/ff9a0000.gpu", "governors": ["powersave"]}],
    "thermal_zones": [
        {"path": "/sys/class/thermal/thermal_zone0", "type": "cpu"},
        {"path": "/sys/class/thermal/thermal_zone1", "type": "gpu"},
    ],
}  # fmt: skip


@pytest.fixture
def firefly() -> Board:
    return Board(name="firefly-rk3399", **read_yaml(HOME / "config/boards/firefly-rk3399.yaml"))


def test_the_shipped_file_of_the_firefly_fits_the_board(firefly: Board) -> None:
    assert differences(firefly, FACTS) == []


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"cpus": [{"name": "Cortex-A53", "cores": 4}]}, "the board has 4 x Cortex-A53"),
        ({"opencl_platforms": [{"devices": [{"name": "Mali-G52"}]}]}, "OpenCL lists Mali-G52"),
        ({"devfreq_devices": []}, "no /sys/class/devfreq/ff9a0000.gpu (Mali)"),
        ({"thermal_zones": []}, "no /sys/class/thermal/thermal_zone1 (GPU)"),
        ({"model": "Another board"}, "does not have the model 'Another board'"),
    ],
)
def test_a_difference_is_reported(firefly: Board, change: dict[str, Any], reported: str) -> None:
    assert any(reported in line for line in differences(firefly, {**FACTS, **change}))


def test_a_draft_is_a_board_file_that_fits_its_board() -> None:
    connection = SshConnection(transport="ssh", host="firefly.local", user="firefly")
    board = Board(name="drafted", **yaml.safe_load(draft(connection, FACTS)))
    assert board.connect == connection
    assert differences(board, FACTS) == []
    assert [domain.governor for domain in board.frequency_domains] == ["performance"] * 2 + [None]


def test_a_draft_of_a_board_that_says_little() -> None:
    facts = {
        **FACTS, "model": "", "opencl_platforms": [], "cpufreq_policies": [],
        "devfreq_devices": [], "thermal_zones": [],
    }  # fmt: skip
    connection = SshConnection(transport="ssh", host="x")
    assert Board(name="drafted", **yaml.safe_load(draft(connection, facts))).gpu is None
