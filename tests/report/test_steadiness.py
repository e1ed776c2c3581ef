"""The first words of the report: how busy and how steady a machine was."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis.made_up_study import CHOICES, NETWORK, TENSORS, study_rows
from nntest.analysis.estimate import estimate
from nntest.analysis.schedule import schedule
from nntest.analysis.tables import device_state, summary
from nntest.archives.measurements import to_frame
from nntest.report.page import ReportInputs, headline, write_page
from nntest.report.steadiness import steadiness

Row = dict[str, Any]
Tables = dict[str, pd.DataFrame]


def made(busy: Callable[[Row], bool] | None, **options: Any) -> Tables:
    """The tables of a study whose runs were disturbed as `busy` says; None: not known."""
    rows = study_rows(tensors=TENSORS[:3], choices=CHOICES[:2], **options)
    if busy is not None:
        rows = [
            {**row, "run_state": "disturbed", "time_us": row["time_us"] * 3, "load": 4.2}
            if busy(row)
            else {**row, "run_state": "clean", "load": 1.5}
            for row in rows
        ]
    frame = to_frame(rows)
    return {
        "device_state": device_state(frame),
        "summary": summary(frame, 42),
        "schedule": schedule(frame, [NETWORK], "study", 42),
        "estimate": estimate(frame, [NETWORK], "study", 42),
    }


def text(tables: Tables) -> str:
    [found] = steadiness(tables)
    return "\n".join(found.lines())


def test_a_quiet_machine_needs_nothing() -> None:
    found = text(made(lambda row: False))
    assert found.startswith("Test board: quiet, 60 of 60 runs clean (100.0 %); load average 1.5")
    assert re.search(r"vary by \d\.\d %", found)
    assert "to do" not in found


def test_a_busy_machine_says_so_first_and_what_would_help() -> None:
    tables = made(lambda row: row["repetition_id"] < 6)
    lines = headline(tables)
    assert lines[0] == (
        "Test board: busy, 24 of 60 runs clean (40.0 %); load average 4.2, at most 4.2"
    )
    found = text(tables)
    assert "clean runs for 0 of 6 points; the others have fewer than 5" in found
    assert "taskset" in found
    assert "repetitions: 25" in found


@pytest.mark.parametrize("clean", [0, 1])
def test_where_hardly_any_run_is_clean_more_of_them_would_not_help(clean: int) -> None:
    first = (TENSORS[0].name, "NONE", 0)

    def busy(row: Row) -> bool:
        return not clean or (row["tensor"], row["tuner"], row["repetition_id"]) != first

    assert "measure more, so that enough runs are clean: when it is less busy" in text(made(busy))


def test_points_with_enough_clean_runs_are_told_from_the_others() -> None:
    found = text(made(lambda row: row["repetition_id"] < 6 and row["tensor"] == TENSORS[0].name))
    assert "mostly quiet, 48 of 60 runs clean" in found
    assert "clean runs for 4 of 6 points" in found


def test_the_estimate_says_how_many_runs_were_clean() -> None:
    found = "\n".join(headline(made(lambda row: row["repetition_id"] < 4)))
    assert re.search(r"; 18 of 30 runs clean, by all [\d.]+ ms", found)
    for same in (None, lambda row: False):
        assert "runs clean, by all" not in "\n".join(headline(made(same)))


def test_choices_are_sure_or_not() -> None:
    found = text(made(lambda row: False, between=0.0, within=0.001))
    assert "the choice of operator and tuner is sure for 3 of 3 tensors" in found
    found = text(made(lambda row: False, between=0.3, within=0.3))
    assert re.search(r"is sure for \d of 3 tensors; the next best may do as well for Conv2d", found)


def test_a_clock_that_changed_is_named() -> None:
    found = text(made(lambda row: False, clock_before_mhz=800.0))
    assert "the clock went from 800 to 2590 MHz" in found


def test_spread_that_nothing_explains_asks_for_more() -> None:
    found = text(made(lambda row: False, between=0.3, within=0.3))
    assert "something that is not seen here varies" in found


def test_what_is_not_known_is_said_once() -> None:
    tables = made(None)
    assert text(tables).startswith("Test board: whether anything disturbed its runs is not known")
    assert "to do" not in text(tables)
    assert sum("not known" in line for line in headline(tables)) == 1


def test_runs_that_are_not_known_are_counted_beside_the_others() -> None:
    rows = study_rows(tensors=TENSORS[:1], choices=CHOICES[:1])
    states = ["clean"] * 6 + [None] * 3 + ["unknown"]
    frame = to_frame([{**row, "run_state": states[row["repetition_id"]]} for row in rows])
    found = text({"device_state": device_state(frame), "summary": summary(frame, 42)})
    assert found.startswith("Test board: quiet, 6 of 6 runs clean (100.0 %), 4 more not known")


def test_nothing_measured_says_nothing() -> None:
    assert steadiness({}) == []
    assert steadiness({"device_state": made(None)["device_state"].iloc[:0]}) == []


@pytest.mark.parametrize("busy", [None, lambda row: row["repetition_id"] < 6])
def test_the_page_begins_with_it(tmp_path: Path, busy: Callable[[Row], bool] | None) -> None:
    tables = made(busy)
    write_page(
        tmp_path / "page.html",
        ReportInputs(title="t", study="s", tables=tables, plots=[], facts=[], installs=[],
                     config_yaml="", command=""),
    )  # fmt: skip
    page = (tmp_path / "page.html").read_text("utf-8")
    main = page[page.index("<main>") :]
    assert main.index(steadiness(tables)[0].first) < main.index("<h2>")
