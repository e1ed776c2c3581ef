"""A study with a power meter: what layers and a whole network cost, through the whole workflow."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from workflow.study import Checkout, own_study
from workflow.test_end_to_end import CHAIN, write_chain

pytestmark = own_study

WATTS = 7.5
METER = f"""
import time
while True:
    print(time.monotonic(), {WATTS}, flush=True)
    time.sleep(0.01)
"""
CHANGES = {
    "networks": ["chain"],
    "operators": ["conv"],
    "tuners": ["NONE"],
    "repetitions": 2,
    "end_to_end": True,
    "end_to_end_choices": ["NONE"],
    "profile": ["energy"],
    "profile_repetitions": 3,
    "energy": {"loop_s": 0.3, "rest_s": 0.1, "idle_s": 0.1},
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("energy") / "checkout", **CHANGES)
    write_chain(checkout, CHAIN)
    meters = [
        {"name": "bench", "kind": "command", "command": [sys.executable, "-c", METER]},
        {"name": "rail", "kind": "hwmon", "path": "/sys/class/hwmon/none"},
    ]
    checkout.write(
        "config/boards/here.yaml",
        connect={"transport": "local"},
        work_dir="results/boards/here",
        lock_file=str(checkout.folder / "board.lock"),
        meters=meters,
    )
    said = checkout.run()
    assert said.count("meters left out on board here: rail: there is no ") == 2  # of two sweeps
    return checkout


def test_layers_and_the_network_have_their_energy(checkout: Checkout) -> None:
    energy = pd.read_parquet(checkout.results / "tables/energy.parquet")
    assert list(energy["operator"]) == ["network", "conv", "conv"]
    assert set(energy["meter"]) == {"bench"}
    assert (energy["n"] == 3).all()
    for name in ("idle_w", "base_w", "full_w"):
        assert energy[name].tolist() == pytest.approx([WATTS] * 3, rel=0.01)
    expected = WATTS * energy["time_us"] / 1e3
    assert energy["energy_mj"].tolist() == pytest.approx(expected.tolist(), rel=0.05)
    assert energy["above_idle_mj"].abs().max() < 0.01 * energy["energy_mj"].max()
    assert (energy["energy_ci_low_mj"] < energy["energy_mj"]).all()


def test_energy_runs_are_no_measurements(checkout: Checkout) -> None:
    times = pd.read_parquet(checkout.results / "tables/measurements.parquet")
    assert len(times) == 3 * CHANGES["repetitions"]  # type: ignore[operator]
    assert pd.read_parquet(checkout.results / "tables/kernels.parquet").empty
    runs = pd.read_parquet(checkout.results / "tables/energy_runs.parquet")
    assert len(runs) == 3 * 3
    assert (runs["loop_s"] >= 0.3).all() and (runs["runs"] > 1).all()


def test_the_report_and_the_trade_offs_say_it(checkout: Checkout) -> None:
    said = (checkout.results / "headline.txt").read_text("utf-8")
    assert "energy of chain on " in said and "by the meter bench" in said
    assert "mJ a run" in said and f"{WATTS:.3f} W for " in said
    assert "Energy" in (checkout.results / "report.html").read_text("utf-8")
    own = pd.read_parquet(checkout.results / "tables/configurations.parquet")
    assert own["power_w"].tolist() == pytest.approx([WATTS], rel=0.01)


def test_a_machine_without_a_meter_says_so_and_measures_the_rest(checkout: Checkout) -> None:
    board = checkout.folder / "config/boards/here.yaml"
    kept = board.read_text("utf-8")
    no_meter = {"name": "rail", "kind": "hwmon", "path": "/sys/class/hwmon/none"}
    checkout.write(
        "config/boards/here.yaml",
        connect={"transport": "local"},
        work_dir="results/boards/here",
        lock_file=str(checkout.folder / "board.lock"),
        meters=[no_meter],
    )
    said = checkout.run("--until", "sweep")
    board.write_text(kept, "utf-8")
    assert "no energy runs on board here: rail: there is no /sys/class/hwmon/none" in said
