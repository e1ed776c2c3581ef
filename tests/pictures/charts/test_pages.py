"""Interactive pages in a real browser, from disk, with nothing to be had from a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, study_rows
from nntest.analysis.roofline.measured import roofline_points
from nntest.analysis.trade_offs import Limits
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import PlotOptions
from nntest.pictures.charts import page, pages
from nntest.pictures.charts.boxes import QUANTITIES, box_plot
from nntest.pictures.charts.fronts import COSTS, pareto
from nntest.pictures.charts.page import Figure, Page, write_page
from nntest.pictures.charts.scatter import latency_throughput
from nntest.pictures.charts.theme import Look, specification
from pictures.charts.odd_configurations import ODD_NAME, sample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to open the page in")

LIMITS = Limits(latency_ms=30.0, power_w=6.0)
BOXES = [name for name in QUANTITIES if name != "memory_mb"]
LISTEN = """<script>
window.told = [];
window.addEventListener("error", (event) => told.push(event.message));
window.addEventListener("unhandledrejection", (event) => told.push(String(event.reason)));
for (const kind of ["error", "warn"]) {
  const say = console[kind].bind(console);
  console[kind] = (...words) => { told.push(kind + ": " + words.join(" ")); say(...words); };
}
</script>"""

ACT = """<script>
const soon = (ms) => new Promise((done) => setTimeout(done, ms));
const marks = () => [...document.querySelectorAll("#chart-CHART MARKS")];
const fills = () => marks().map((mark) => mark.getAttribute("fill"));
const send = (element, kind) => {
  const box = element.getBoundingClientRect();
  const place = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
  element.dispatchEvent(new PointerEvent("pointer" + kind, place));
  element.dispatchEvent(new MouseEvent("mouse" + kind, place));
};
window.addEventListener("load", async () => {
  const all = (what) => document.querySelectorAll(what).length;
  // Charts are drawn in sight, or to be printed: this Chromium may see no frame in time.
  window.dispatchEvent(new Event("beforeprint"));
  while (all("svg.marks") < all(".chart")) await soon(50);
  const before = fills();
  const entry = document.querySelector("#chart-CHART .role-legend-symbol path");
  entry.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  await soon(200);
  const after = fills();
  send(marks()[0], "move");
  await soon(200);
  const tooltip = document.querySelector("#vg-tooltip-element");
  document.body.dataset.told = JSON.stringify({
    charts: all("svg.marks"),
    before, after, console: told,
    tooltip: tooltip && tooltip.classList.contains("visible") ? tooltip.innerText : "",
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  });
});
</script></body>"""


def write(path: Path) -> None:
    frame = sample()
    some_measured = frame.copy()
    some_measured.loc[0, ["top1_low_percent", "top1_high_percent"]] = [85.0, 89.0]
    rows = {"latency": some_measured, "energy": frame, "frames_per_s": frame}
    charts = {
        "latency": latency_throughput(frame, LIMITS, Look()),
        **{f"box-{name}": box_plot(frame, name, LIMITS, Look()) for name in BOXES},
        **{f"pareto-{name}": pareto(rows[name], name, LIMITS, Look()) for name in COSTS},
    }
    figures = [
        Figure(name, name, f"Caption of {ODD_NAME}", "samples", frame, specification(chart))
        for name, chart in charts.items()
    ]
    figures.append(Figure("none", "Nothing", "There is nothing.", "samples", frame[:0]))
    write_page(path, Page("Trade-offs", "Intro", figures, [("Report", "report.html")]))


@needs_chromium
def test_a_page_opens_without_a_network_and_answers_to_the_mouse(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write(path)
    html = path.read_text(encoding="utf-8")
    told = visit(path, html, tmp_path)
    assert told["console"] == []
    assert told["charts"] == 7
    assert not told["wide"]
    grey = {fill for fill in told["after"] if fill not in told["before"]}
    assert len(grey) == 1, "a click on a legend's entry greys the others"
    kept = [new == old for new, old in zip(told["after"], told["before"], strict=True)]
    assert any(kept)
    assert not all(kept)
    assert "latency of a batch, ms" in told["tooltip"]
    assert "table.csv:7" in told["tooltip"]


def visit(
    path: Path,
    html: str,
    folder: Path,
    chart: str = "latency",
    marks: str = ".mark-symbol.role-mark path",
) -> dict[str, Any]:
    """Open a page in Chromium, click at a chart's legend, point at its first mark; what it told."""
    act = ACT.replace("CHART", chart).replace("MARKS", marks)
    acting = html.replace("<title>", LISTEN + "<title>", 1)
    head, _, tail = acting.rpartition("</body>")
    found = opened(path, head + act + tail, folder)
    told: dict[str, Any] = json.loads(found.replace("&quot;", '"').replace("&amp;", "&"))
    return told


def opened(path: Path, html: str, folder: Path) -> str:
    """Open a page in Chromium; what its script left in the body's data, as HTML."""
    path.write_text(html, encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000",
            "--proxy-server=http://127.0.0.1:9", "--window-size=1300,1200", "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r'data-told="([^"]*)"', done.stdout)
    assert found, "the page did not come to its end"
    return found[1]


@needs_chromium
def test_charts_that_cannot_be_seen_are_not_drawn(tmp_path: Path) -> None:
    frame = sample()
    drawn = specification(latency_throughput(frame, LIMITS, Look()))
    figures = [Figure(f"f{n}", f"f{n}", "", "samples", frame, drawn) for n in range(20)]
    path = tmp_path / "page.html"
    write_page(path, Page("Many", "Intro", figures))
    html = path.read_text("utf-8")
    count = 'document.body.dataset.told = document.querySelectorAll("svg.marks").length'
    script = f"<script>setTimeout(() => {{ {count}; }}, 20000);</script></body>"
    head, _, tail = html.rpartition("</body>")  # there is one in Vega's script, too
    found = opened(path, head + script + tail, tmp_path)
    assert 1 <= int(found) <= 8


def test_a_large_csv_is_the_table_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frame, path = sample(), tmp_path / "page.html"
    figure = Figure("f", "f", "", "samples", frame, None, table="roofline")
    write_page(path, Page("One", "Intro", [figure]))
    assert "../tables/" not in path.read_text("utf-8")
    monkeypatch.setattr(page, "LARGE_CSV", 100)
    write_page(path, Page("One", "Intro", [figure]))
    assert 'download="roofline.csv" href="../tables/roofline.csv"' in path.read_text("utf-8")


def test_rooflines_of_many_platforms_are_on_further_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MOST_PLATFORMS", 2)
    monkeypatch.setattr(pages, "_MOST_TENSORS", 3)
    rows = to_frame(study_rows(tensors=TENSORS[:5], repetitions=2))
    own = roofline_points(rows, [], "study", {}, "weights-and-activations", 1)
    many = pd.concat([own.assign(platform=f"Board {number}") for number in range(3)])
    none = pd.DataFrame(columns=["platform_file", "data_type", "peak_source", "bandwidth_source"])
    made = [
        pages.rooflines(many, none, many.head(0), none, "s", "", PlotOptions(page=number))
        for number in range(1, 5)
    ]
    assert made[0].intro.startswith("Study s. Page 1 of 4: 2 of 3 platforms, 3 of 5 tensors")
    titles = [[figure.title for figure in one.figures[:-1]] for one in made]
    assert [len(found) for found in titles] == [2, 2, 1, 1]
    assert made[0].figures[0].data["tensor"].nunique() == 3
    assert made[1].figures[0].data["tensor"].nunique() == 2


def test_a_page_asks_nothing_of_a_network(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write(path)
    html = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?https?:""", html)
    assert ODD_NAME not in html, "a name from the data must not become markup"


def test_a_single_configuration_is_a_sentence() -> None:
    options = PlotOptions()
    alone = pages.trade_offs(sample().head(1), "s", "", Limits(), options)
    assert [figure.specification for figure in alone.figures] == [None]
    assert "one configuration alone: cnv · 100%" in alone.figures[0].caption
    pair = sample().head(2).assign(network=["cnv", "mlp"])
    page = pages.trade_offs(pair, "s", "", Limits(), options)
    assert [figure.identity for figure in page.figures if figure.specification] == []
