"""The picture of layers in network order, on a page and as a still."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
import vl_convert
from analysis.made_up_study import NETWORK, study_rows
from analysis.test_layer_order import in_order
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import PlotOptions
from nntest.pictures.charts import layer_order as layer_orders
from nntest.pictures.charts import pages, stills
from nntest.pictures.charts.layer_order import ACROSS, layer_order, parts
from nntest.pictures.charts.page import write_page
from nntest.pictures.charts.stills import layer_order_still
from nntest.pictures.charts.theme import Look, specification
from pictures.charts.test_pages import needs_chromium, visit

ROWS = study_rows(repetitions=4, choices=[("conv", "NONE")])
LIBRARIES = ("onnxruntime-1", "litert-2", "openvino-3", "ncnn-4")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two libraries, one of them under roofs and measured as a whole."""
    found = in_order(ROWS)
    found.loc[found["species"] == "depthwiseconv", ["time_us", "share"]] = 50.0, 0.01
    inside = found.assign(inside_us=0.8 * found["time_us"], library=LIBRARIES[0])
    return pd.concat([inside, found.assign(library=LIBRARIES[1], roof_us=float("nan"))])


def texts_of(rows: pd.DataFrame, look: Look) -> list[str]:
    svg = vl_convert.vegalite_to_svg(specification(layer_order(parts(rows)[0], look), look))
    return [
        "".join(node.itertext()).strip()
        for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("still", [True, False])
def test_layers_stand_in_their_order_beside_their_blocks(rows: pd.DataFrame, still: bool) -> None:
    texts = texts_of(rows, Look(still=still))
    names = [text for text in texts if text in ("depthwise", "pointwise", "Conv2d_0")]
    assert names == ["Conv2d_0", *["depthwise", "pointwise"] * 13]
    assert [text for text in texts if re.fullmatch(r"Conv2d_\d+", text)].count("Conv2d_1") == 1
    for library in LIBRARIES[:2]:
        assert library in texts
    assert texts.count("not measured") == 2 * (30 - rows["time_us"].notna().sum() // 2)


def test_a_time_stands_with_its_share(rows: pd.DataFrame) -> None:
    first = rows[rows["library"] == LIBRARIES[0]].iloc[0]
    expected = f"{first['time_us'] / 1e3:.3g} · {100 * first['share']:.0f} %"
    assert expected in texts_of(rows, Look())


def test_many_libraries_stand_in_rows_of_panels(rows: pd.DataFrame) -> None:
    one = rows[rows["library"] == LIBRARIES[0]]
    many = pd.concat([one.assign(library=name) for name in LIBRARIES])
    made = specification(layer_order(parts(many)[0], Look()))
    across = [len(row["hconcat"]) - 1 for row in made["vconcat"]]
    assert across == [ACROSS, len(LIBRARIES) - ACROSS]


def test_batches_and_data_types_are_in_the_title_where_there_are_several(
    rows: pd.DataFrame,
) -> None:
    one = rows[rows["library"] == LIBRARIES[0]]
    texts = texts_of(pd.concat([one, one.assign(batch_size=8)]), Look())
    assert f"{LIBRARIES[0]}, 1" in texts and f"{LIBRARIES[0]}, 8" in texts


def test_a_library_without_any_time_has_no_panel(rows: pd.DataFrame) -> None:
    nothing = rows.assign(library="silent", time_us=float("nan"))
    page = pages.layers(pd.concat([rows, nothing]), "s", "", PlotOptions())
    assert "silent" not in str(page.figures[0].specification)
    empty = pages.layers(nothing, "s", "", PlotOptions())
    assert [figure.specification for figure in empty.figures] == [None]


def test_a_still_has_a_heading_and_says_what_its_marks_are(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    paths = tmp_path / "p.svg", tmp_path / "p.png"
    layer_order_still(rows, to_frame(ROWS), PlotOptions(), *paths)
    svg = paths[0].read_text("utf-8")
    for text in ("Layers in network order", f"{NETWORK.name} on Test board", "the roof allows"):
        assert text in svg
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    layer_order_still(rows.head(0), to_frame(ROWS), PlotOptions(), *paths)
    assert "was measured" in paths[0].read_text("utf-8")


def test_a_network_of_many_layers_is_in_parts_the_longest_first(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_orders, "MOST_LAYERS", 12)
    found = parts(rows)
    assert [part.title.partition(": ")[2] for part in found] == [
        "layers 1 to 12 of 30 by time", "layers 13 to 24 of 30 by time",
        "layers 25 to 30 of 30 by time",
    ]  # fmt: skip
    longest = rows.groupby("position")["time_us"].max().sort_values(ascending=False)
    first = found[0].rows["position"]
    assert set(longest.index[:4]) <= set(first) and list(first[:12]) == sorted(first[:12])
    assert [part.height for part in found] == [12, 12, 6]
    monkeypatch.setattr(stills, "_MOST_LAYERS", 12)
    svg = tmp_path / "p.svg"
    layer_order_still(rows, to_frame(ROWS), PlotOptions(page=3), svg, tmp_path / "p.png")
    said = svg.read_text("utf-8")
    assert "page 3 of 3" in said and "layers 25 to 30 of 30 by time" in said
    assert "sum of these layers" in said and "by time" not in parts(rows.head(5))[0].title
    page = pages.layers(rows, "s", "", PlotOptions())
    assert [figure.title for figure in page.figures] == [part.title for part in found]


@needs_chromium
def test_the_page_has_tooltips(rows: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, pages.layers(rows, "s", "", PlotOptions()))
    told = visit(
        path, path.read_text("utf-8"), tmp_path, "layers-1", ".mark-rect path[aria-label^=time]"
    )
    assert told["console"] == []
    assert told["charts"] == 1
    assert not told["wide"]
    assert set(told["after"]) - set(told["before"]), "a click on a legend's entry greys the others"
    for text in ("Conv2d_0", "median, µs", "share of the roof", "inside the network, µs"):
        assert text in told["tooltip"]
