"""Folders of the kernel under the names that other kernels give them; machines; makers' names."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from nntest.codehash import ONBOARD
from nntest.config.board import Board, LocalConnection
from nntest.measuring.board_file import differences
from onboard.kernel_files import cpufreq_folders, find, find_file

sys.path.append(str(ONBOARD))

import probe
import userland
from device_settings import DeviceSettings


class Kernel:
    """A /sys of our own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, path: str, **files: str) -> str:
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        return str(folder)

    def link(self, path: str, target: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / target)

    def path(self, path: str) -> str:
        return str(self.root / path)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path / "sys")


def test_before_4_3_each_cpu_has_its_clock(kernel: Kernel) -> None:
    first = kernel.folder("devices/system/cpu/cpu0/cpufreq", scaling_governor="ondemand")
    big = kernel.folder("devices/system/cpu/cpu10/cpufreq")
    kernel.link("devices/system/cpu/cpu1/cpufreq", "devices/system/cpu/cpu0/cpufreq")
    assert cpufreq_folders(str(kernel.root)) == [first, big]
    assert find(kernel.path("devices/system/cpu/cpufreq/policy0")) == first
    assert find(kernel.path("devices/system/cpu/cpufreq/policy10/")) == big
    assert find(kernel.path("devices/system/cpu/cpufreq/policy4")) is None
    clock = kernel.path("devices/system/cpu/cpufreq/policy0/scaling_governor")
    assert find_file(clock) == f"{first}/scaling_governor"


def test_since_4_3_a_policy_has_all_of_its_cpus(kernel: Kernel) -> None:
    policy = kernel.folder("devices/system/cpu/cpufreq/policy4", related_cpus="4 5\n")
    assert cpufreq_folders(str(kernel.root)) == [policy]
    assert find(kernel.path("devices/system/cpu/cpu5/cpufreq")) == policy
    assert find(kernel.path("devices/system/cpu/cpu6/cpufreq")) is None


@pytest.mark.parametrize(
    "named",
    [
        "class/devfreq/ff9a0000.gpu",
        "devices/platform/ff9a0000.gpu/devfreq/ff9a0000.gpu",
        "devices/platform/ff9a0000.mali/devfreq/devfreq1",
        "class/devfreq/gpufreq",
    ],
)
def test_a_gpu_is_known_by_its_address_or_as_the_only_one(kernel: Kernel, named: str) -> None:
    kernel.folder("devices/platform/soc/ff9a0000.mali/devfreq/devfreq0")
    kernel.folder("devices/platform/dmc/devfreq/dmc")
    kernel.link("class/devfreq/devfreq0", "devices/platform/soc/ff9a0000.mali/devfreq/devfreq0")
    kernel.link("class/devfreq/dmc", "devices/platform/dmc/devfreq/dmc")
    assert find(kernel.path(named)) == kernel.path("class/devfreq/devfreq0")
    assert find(kernel.path("class/devfreq/fde60000.gpu")) is None
    assert find(kernel.path("class/devfreq/other")) is None


def test_a_zone_is_found_in_both_of_its_places(kernel: Kernel) -> None:
    zone = kernel.folder("devices/virtual/thermal/thermal_zone1", temp="40000")
    assert find(kernel.path("class/thermal/thermal_zone1")) == zone
    assert find(kernel.path("class/thermal/thermal_zone2")) is None


def test_a_governor_is_set_under_the_kernels_own_name(kernel: Kernel, tmp_path: Path) -> None:
    clock = Path(kernel.folder("devices/system/cpu/cpu0/cpufreq", scaling_governor="ondemand"))
    domain = {
        "name": "CPU",
        "path": kernel.path("devices/system/cpu/cpufreq/policy0"),
        "governor": "performance",
    }
    settings = DeviceSettings([domain], str(tmp_path / "memory"))
    assert settings._wanted(domain) == [(str(clock / "scaling_governor"), "performance")]
    assert settings.problems == []


def test_a_folder_that_the_board_found_is_no_difference(kernel: Kernel) -> None:
    there = kernel.path("devices/system/cpu/cpufreq/policy0")
    gone = kernel.path("devices/system/cpu/cpufreq/policy4")
    found = kernel.folder("devices/system/cpu/cpu0/cpufreq")
    board = Board(
        name="b",
        connect=LocalConnection(transport="local"),
        work_dir="w",
        frequency_domains=[{"name": "CPU", "path": path} for path in (there, gone)],  # type: ignore[misc]
    )
    facts = {
        "cpus": [], "opencl_platforms": [], "model": "", "devfreq_devices": [], "thermal_zones": [],
        "cpufreq_policies": [{"path": found}], "folders": {there: find(there), gone: find(gone)},
    }  # fmt: skip
    assert differences(board, facts) == [f"`frequency_domains`: the board has no {gone} (CPU)"]


@pytest.mark.parametrize(
    ("kernels", "compiler", "dpkg", "bits", "expected"),
    [
        ("aarch64", "arm-linux-gnueabihf", "armhf", 32, "armv7l"),
        ("aarch64", "arm-linux-gnueabihf", None, 64, "armv7l"),
        ("aarch64", None, "armhf", 64, "armv7l"),
        ("aarch64", None, None, 32, "armv7l"),
        ("aarch64", "aarch64-linux-gnu", "arm64", 64, "aarch64"),
        ("x86_64", "i686-linux-gnu", "i386", 32, "i686"),
        ("x86_64", "x86_64-linux-gnu", "amd64", 64, "x86_64"),
        ("armv6l", "arm-linux-gnueabihf", "armhf", 32, "armv6l"),
        ("armv8l", None, "armhf", 32, "armv8l"),
        ("ppc64le", "powerpc64le-linux-gnu", "ppc64el", 64, "ppc64le"),
    ],
)
def test_a_machine_is_what_its_programs_are_made_for(
    monkeypatch: pytest.MonkeyPatch,
    kernels: str,
    compiler: str | None,
    dpkg: str | None,
    bits: int,
    expected: str,
) -> None:
    said = {"g++": compiler, "dpkg": dpkg}
    monkeypatch.setattr(userland, "_said", lambda command: said[command[0]])
    monkeypatch.setattr(userland, "struct", SimpleNamespace(calcsize=lambda _: bits // 8))
    monkeypatch.setattr(probe.platform, "machine", lambda: kernels)
    facts = probe.facts([])
    assert (facts["machine"], facts["kernel_machine"]) == (expected, kernels)
    assert facts["userland"]["compiler"] == compiler


@pytest.mark.parametrize(
    "text",
    [
        "To Be Filled By O.E.M.", "To be filled by O.E.M.", "System Product Name", "Default string",
        "System manufacturer", "Not Specified", "Not Applicable", "OEM", "None", "N/A", "Unknown",
        "Product Name", "x.x", "0123456789", "  ", "", "INVALID", "-", "Type1ProductConfigId",
    ],
)  # fmt: skip
def test_a_placeholder_of_a_mainboards_maker_is_no_name(text: str) -> None:
    assert not probe.is_name(text)


@pytest.mark.parametrize(
    "text", ["NUC7i5BNH", "Standard PC (i440FX + PIIX, 1996)", "ROCK Pi 4", "OEM Board 3", "X570"]
)
def test_a_name_stays_one(text: str) -> None:
    assert probe.is_name(text)


def test_behind_a_placeholder_the_mainboards_name_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "product_name").write_text("System Product Name\n")
    (tmp_path / "board_name").write_text("PRIME B350-PLUS\n")
    (tmp_path / "sys_vendor").write_text("To Be Filled By O.E.M.\n")
    monkeypatch.setattr(probe, "DMI", f"{tmp_path}/")
    monkeypatch.setattr(probe, "read", lambda path, _read=probe.read: (
        "" if path.startswith("/proc/device-tree") else _read(path)
    ))  # fmt: skip
    assert probe.model() == "PRIME B350-PLUS"
    assert probe.vendor() == ""
