"""Temperatures: their unit, which zones count, and which one was the hottest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from nntest.codehash import ONBOARD
from nntest.config.board import Board, LocalConnection
from nntest.measuring.plan import _zones
from onboard.temperatures import celsius, constant, hottest, is_power_supply

sys.path.append(str(ONBOARD))

from cooling import too_warm
from device_state import DeviceState, without_constant_zones


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("71\n", None, 71.0),
        ("71000\n", None, 71.0),
        ("45.5", None, 45.5),
        ("1000", None, 1.0),
        ("-3500", None, -3.5),
        ("0", None, 0.0),
        ("355", None, None),  # tenths, or a third of a degree: not told
        ("-273000", None, None),
        ("-127", None, None),
        ("2147483647", None, None),
        ("355", 0.1, 35.5),
        ("71", 1.0, 71.0),
        ("71", 0.001, 0.071),
        ("85000", 1.0, None),
        ("nan", None, None),
        ("not ready", None, None),
    ],
)
def test_the_unit_of_a_temperature_is_told_or_the_temperature_refused(
    text: str, unit: float | None, expected: float | None
) -> None:
    assert celsius(text, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    "kind", ["PMIC-Die", "battery", "pm8998_tz", "axp20x-battery-thermal", "charger", "BAT0"]
)
def test_a_zone_of_a_power_supply_is_known_by_its_type(kind: str) -> None:
    assert is_power_supply(kind)


@pytest.mark.parametrize("kind", ["cpu-thermal", "GPU-therm", "acpitz", "x86_pkg_temp", "soc", ""])
def test_a_zone_of_what_computes_is_none_of_a_power_supply(kind: str) -> None:
    assert not is_power_supply(kind)


class Zones:
    """A folder of thermal zones, to be written to as the kernel does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "temp").write_text(text + "\n")

    def request(self, *names: str, **more: Any) -> list[dict[str, Any]]:
        return [{"name": name, "path": str(self.folder / name / "temp"), **more} for name in names]


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    return Zones(tmp_path)


def test_a_board_that_says_degrees_is_read_in_degrees(zones: Zones) -> None:
    zones.set(cpu="71", gpu="64000")
    state = DeviceState({"temperatures": zones.request("cpu", "gpu", throttles_at_c=70)}).read()
    assert (state["temperature_c"], state["hottest_zone"]) == (71.0, "cpu")
    assert state["temperatures_c"] == {"cpu": 71.0, "gpu": 64.0}
    assert state["too_hot"] is True


def test_a_start_temperature_is_waited_for_in_degrees_too(zones: Zones) -> None:
    zones.set(cpu="71", gpu="450")
    assert too_warm(zones.request("cpu", start_below_c=50)) == ["cpu 71.0 C"]
    assert too_warm(zones.request("gpu", start_below_c=40, degrees_per_unit=0.1)) == ["gpu 45.0 C"]
    assert too_warm(zones.request("gpu", start_below_c=40)) == []  # not told: not invented


def lines_of(zones: Zones, readings: list[dict[str, str]]) -> list[dict[str, Any]]:
    state = DeviceState({"temperatures": zones.request("cpu", "board")})
    lines: list[dict[str, Any]] = [{"journal": "j"}]
    for reading in readings:
        zones.set(**reading)
        lines.append({"point": "p", "state_before": state.read(), "state_after": state.read()})
    return lines


def test_a_zone_that_always_says_100_is_not_the_hottest(zones: Zones) -> None:
    lines = lines_of(zones, [{"cpu": f"{45000 + 500 * n}", "board": "100000"} for n in range(5)])
    assert lines[1]["state_before"]["temperature_c"] == 100.0
    counted = without_constant_zones(lines)
    assert counted[0] == {"journal": "j"}
    assert [line["state_after"]["temperature_c"] for line in counted[1:]] == [
        45.0, 45.5, 46.0, 46.5, 47.0
    ]  # fmt: skip
    assert {line["state_before"]["hottest_zone"] for line in counted[1:]} == {"cpu"}
    assert counted[1]["state_before"]["temperatures_c"]["board"] == 100.0


@pytest.mark.parametrize(
    "readings",
    [
        [{"cpu": "45000", "board": "52000"}] * 8,  # nothing moves: nobody is the odd one
        [{"cpu": f"{45000 + n}", "board": "52000"} for n in range(4)],  # too few to say
        [{"cpu": "45000", "board": f"{52000 + n}"} for n in range(8)],
    ],
)
def test_a_zone_that_may_be_a_sensor_counts(zones: Zones, readings: list[dict[str, str]]) -> None:
    lines = without_constant_zones(lines_of(zones, readings))
    assert {line["state_before"]["hottest_zone"] for line in lines[1:]} == {"board"}


def test_lines_of_an_earlier_version_are_left_as_they_are() -> None:
    lines: list[Any] = [{"state_before": {"temperature_c": 51.0}, "state_after": None}] * 20
    lines += [{"state_before": {"temperatures_c": odd}} for odd in ([1], {"cpu": [1]}, 7, None)]
    assert without_constant_zones(lines) == lines
    assert constant([]) == set()
    assert hottest({}) == (None, None)


def test_zones_without_a_board_file_have_names_and_no_power_supply_among_them() -> None:
    facts = {
        "thermal_zones": [
            {"path": "/z/thermal_zone0", "type": "CPU-therm"},
            {"path": "/z/thermal_zone1", "type": "PMIC-Die"},
            {"path": "/z/thermal_zone2", "type": "acpitz"},
            {"path": "/z/thermal_zone3", "type": "acpitz"},
        ]
    }
    assert _zones(facts) == [
        ("CPU-therm", "/z/thermal_zone0"),
        ("acpitz (thermal_zone2)", "/z/thermal_zone2"),
        ("acpitz (thermal_zone3)", "/z/thermal_zone3"),
    ]


def test_a_board_file_may_say_the_unit() -> None:
    zone = {"name": "cpu", "path": "/z/thermal_zone0", "degrees_per_unit": 1}
    board = Board(
        name="b",
        connect=LocalConnection(transport="local"),
        work_dir="w",
        thermal_zones=[zone],  # type: ignore[list-item]
    )
    assert board.thermal_zones[0].degrees_per_unit == 1.0
