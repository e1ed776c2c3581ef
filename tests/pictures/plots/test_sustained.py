"""The picture of sustained runs has a panel for what was read, and says when there is nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from analysis.made_up_study import study_frame
from analysis.test_sustained import series, windows
from nntest.analysis.sustained import sustained
from nntest.config.plot_options import PlotOptions
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS
from nntest.pictures.plots.sustained import sustained_plot


def texts(folder: Path, rows: list[dict[str, object]]) -> list[str]:
    svg, png = folder / "p.svg", folder / "p.png"
    frame = frame_of(rows, SUSTAINED_WINDOWS)
    sustained_plot(frame, sustained(pd.DataFrame(), frame), study_frame(), PlotOptions(), svg, png)
    assert png.read_bytes()[:4] == b"\x89PNG"
    nodes = ET.parse(svg).getroot().iter("{http://www.w3.org/2000/svg}text")
    return ["".join(node.itertext()).strip() for node in nodes]


def test_each_library_is_a_line_and_each_quantity_a_panel(tmp_path: Path) -> None:
    said = texts(
        tmp_path,
        [
            *windows("hot-1", series((60, 120.0), (120, 70.0)), power_w=5.0),
            *windows("cool-1", series((180, 100.0)), threads=2),
        ],
    )
    assert {"hot-1 DEFAULT", "cool-1, 2 threads DEFAULT", "begin of steady state"} <= set(said)
    assert "net on Board, batch 1" in said
    assert {"Frames/s", "Clock, MHz", "Power, W", "Minutes"} <= set(said)
    assert "Hottest zone, °C" not in said, "nobody read it"


@pytest.mark.parametrize("failed", [True, False])
def test_nothing_to_show(tmp_path: Path, failed: bool) -> None:
    rows = windows("a", series((1, 1.0)), runs=None, frames_per_s=None, status="timeout")
    said = " ".join(texts(tmp_path, rows if failed else []))
    assert "Nothing to show: no sustained run ended well" in said
