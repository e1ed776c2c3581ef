from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest
from analysis.made_up_study import (
    CHOICES,
    NETWORK,
    TENSORS,
    failed_row,
    network_rows,
    study_frame,
    study_rows,
)
from nntest.analysis import tables as analysis
from nntest.analysis.comparison import comparison
from nntest.analysis.end_to_end import end_to_end
from nntest.analysis.estimate import estimate
from nntest.analysis.schedule import schedule
from nntest.analysis.study_figure import study_figure
from nntest.archives.excerpts import Excerpt
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.config.plot_options import PlotOptions
from nntest.domain.networks import mobilenet_v1
from nntest.domain.tables.all import ALL
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import SUM_ERROR
from nntest.pictures.plots.speedup_bars import speedup_bars
from nntest.pictures.plots.violin import violin
from nntest.report import cells
from nntest.report import headline as headlines
from nntest.report import page as pages
from nntest.report.cells import NULL, duration, number, percent, table_view
from nntest.report.headline import cautions
from nntest.report.page import ReportInputs, headline, write_page


def test_how_many_repetitions_points_have_is_said_where_they_differ():
    rows = study_rows()
    whole = all_tables(to_frame(rows))
    assert not [line for line in (*headline(whole), *cautions(whole)) if "differ between" in line]
    key = [rows[0][name] for name in ("operator", "tensor", "tuner")]
    same = [row for row in rows if [row[name] for name in ("operator", "tensor", "tuner")] == key]
    fewer = all_tables(to_frame([row for row in rows if row not in same[:3]]))
    most, points = len(same), len(fewer["summary"])
    said = (
        f"epetitions differ between points: n is {most - 3} to {most}, {most} for {points - 1} of "
        f"{points}; every repetition in the archives is used (1 with fewer were sure sooner or out "
        "of time (`precision`), or come from a run or an import that asked for fewer, or was ended)"
    )
    assert f"r{said}" in headline(fewer)
    assert f"R{said}." in cautions(fewer)


def all_tables(frame, networks=(NETWORK,)):
    """The tables as the rule `report` hands them on: some only if they have rows."""
    made = {
        "failed": analysis.failed(frame),
        "summary": analysis.summary(frame, 42),
        "speedup": analysis.speedup(frame, "directconv", "NONE", 42),
        "tuner_check": analysis.tuner_check(frame, 42),
        "device_state": analysis.device_state(frame),
        "schedule": schedule(frame, networks, "study", 42),
        "estimate": estimate(frame, networks, "study", 42),
        "end_to_end": end_to_end(frame, networks, "study", 42),
        "study_figure": study_figure(frame, networks, "study", 42),
        "comparison": comparison(frame, None, None, networks, "study", 42),
        "measurements": frame,
    }
    return {name: made[name] for name in made if len(made[name]) or not ALL[name].optional}


@pytest.fixture(scope="module")
def frame():
    return study_frame()


@pytest.fixture(scope="module")
def inputs(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    made = all_tables(frame)
    paths = [folder / f"{name}.{kind}" for name in ("violin", "speedup") for kind in ("svg", "png")]
    violin(frame, PlotOptions(), *paths[:2], by="operator", quantity="time_us")
    speedup_bars(made["speedup"], frame, PlotOptions(), *paths[2:], statistic="median")
    return ReportInputs(
        title="nntest-flow: <a study>",
        study="a-study",
        tables=made,
        plots=[
            ("Every repetition, by operator", "Spread", *paths[:2]),
            ("Speedup by median", "Speedup", *paths[2:]),
        ],
        facts=[
            {
                "board": "localhost", "platform": "Test board", "emulated": False, "model": "",
                "cpus": [{"name": "Some CPU", "cores": 2}], "opencl": {"extensions": ["a", "b"]},
            }
        ],
        installs=[{"library": "opencl-reference", "version": "1.0", "checksum": None}] * 2,
        config_yaml="study: a-study\nplots: {violin: {title: '</script><b>'}}\n",
        command="snakemake --cores 2 --configfile results/a-study/config.yaml",
        versions={"Python": "3.11.2", "nntest-flow": "0.1.0"},
        made_at="2026-11-21T20:00:00+00:00",
    )  # fmt: skip


class Page(HTMLParser):
    """What a browser would find on a page: tags, their attributes, and tables by id."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags, self.tables, self.text = [], {}, []
        self._table = self._cell = None
        self._silent = False
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self._silent = tag in ("style", "script")
        if tag == "table" and "id" in attributes:
            self._table = self.tables.setdefault(attributes["id"].removeprefix("data-"), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th") and self._table is not None:
            self._cell = []

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self._table[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        elif tag == "table":
            self._table = None
        elif tag in ("style", "script"):
            self._silent = False

    def handle_data(self, data):
        if not self._silent:
            self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def says(self, words):
        return words in " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page(inputs, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_page(path, inputs)
    return Page(path)


def downloaded(page, name):
    link = next(link for link in page.all("a") if link.get("download") == f"a-study.{name}")
    return base64.b64decode(link["href"].split(";base64,")[1])


class TestPage:
    def test_asks_nothing_of_a_network(self, page):
        for tag, attributes in page.tags:
            for name in ("src", "href", "data", "action", "poster", "srcset"):
                value = attributes.get(name)
                allowed = ("data:", "#", *(["plots/", "tables/"] if name == "href" else []))
                assert value is None or value.startswith(allowed), (tag, name, value[:80])
        assert not page.all("link")
        assert "@import" not in page.source
        assert "url(" not in page.source
        policy = next(meta for meta in page.all("meta") if "http-equiv" in meta)["content"]
        assert "default-src 'none'" in policy

    def test_estimate_and_schedule_come_first(self, page):
        headings = [attributes.get("id") for tag, attributes in page.tags if tag == "section"]
        assert headings[:4] == ["steadiness", "results", "table-estimate", "table-schedule"]
        assert page.says("95 % interval")
        best = estimate_row(page)
        assert page.says(duration(best["total_us"]))
        assert page.says("the 15 of 30 layers that were measured, 96.9 % of the multiply")
        assert page.says("(not measured)")

    def test_every_table_is_there_sortable_and_filterable(self, page, inputs):
        for name, table in inputs.tables.items():
            rows = page.tables[name]
            assert len(rows) == 1 + len(table_view(name, table).rows), name
            filtered = any(tag.get("data-filter") == name for tag in page.all("input"))
            assert filtered == (len(table) > 1), name
        headers = page.all("th")
        sortable = [header for header in headers if header.get("scope") == "col"]
        assert all(header["aria-sort"] == "none" for header in sortable)
        assert len(page.all("button")) == len(sortable)

    def test_csv_holds_the_whole_table(self, page, inputs):
        linked = [link["href"] for link in page.all("a") if link["href"].startswith("tables/")]
        assert linked == ["tables/measurements.csv"]  # it is large
        for name, table in inputs.tables.items():
            if f"tables/{name}.csv" in linked:
                continue
            read = pd.read_csv(io.BytesIO(downloaded(page, f"{name}.csv")), keep_default_na=False)
            expected = pd.read_csv(io.StringIO(table.to_csv(index=False)), keep_default_na=False)
            pd.testing.assert_frame_equal(read, expected)

    def test_plots_are_embedded_once_and_their_other_file_is_linked(self, page, inputs):
        images = page.all("img")
        assert [image["alt"] for image in images] == [caption for caption, *_ in inputs.plots]
        for image, (_, _, svg, png) in zip(images, inputs.plots, strict=True):
            smaller = min(svg.read_bytes(), png.read_bytes(), key=len)
            larger = max(svg.read_bytes(), png.read_bytes(), key=len)
            assert base64.b64decode(image["src"].split(",")[1]) == smaller
            other = svg if svg.read_bytes() == larger else png
            links = [link for link in page.all("a") if link["href"] == f"plots/{other.name}"]
            assert [link["download"] for link in links] == [f"a-study.{other.name}"]
        linked = [link["data-image"] for link in page.all("a") if "data-image" in link]
        figures = [figure["id"] for figure in page.all("figure")]
        assert linked == figures == ["plot-0", "plot-1"]

    def test_text_is_escaped(self, page):
        assert page.says("nntest-flow: <a study>")
        assert page.says("</script><b>")
        assert page.source.count("<script>") == page.source.count("</script>") == 1
        assert "<kernel>" not in page.source  # from the log of a failure
        assert page.says("log: <kernel>")

    def test_failures_device_versions_config_and_command(self, page, inputs):
        assert page.says("largest difference 0.31, allowed 0.001")
        assert page.says("throttling in 2 rows")
        for name, version in inputs.versions.items():
            assert page.says(name)
            assert page.says(version)
        assert page.says(inputs.command)
        assert page.says("study: a-study")

    def test_facts_are_flattened_and_installs_told_once(self, page):
        assert page.says("cpus 1 › name")
        assert page.says("Some CPU")
        assert page.says("opencl › extensions")
        assert page.says("a, b")
        assert sum(text.strip() == "opencl-reference · 1.0" for text in page.text) == 1

    def test_the_same_inputs_give_the_same_page(self, inputs, page, tmp_path):
        write_page(tmp_path / "again.html", inputs)
        assert (tmp_path / "again.html").read_text(encoding="utf-8") == page.source

    def test_ids_are_unique_and_anchors_lead_somewhere(self, page):
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        anchors = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
        assert anchors <= set(ids)
        for _, attributes in page.tags:
            assert attributes.get("aria-labelledby", ids[0]) in ids

    def test_no_emulated_banner_on_real_figures(self, page):
        assert not page.says("Emulated.")


def estimate_row(page):
    read = pd.read_csv(io.BytesIO(downloaded(page, "estimate.csv")))
    return read[read["choice"] == "best"].iloc[0]


def bare(tables, **changes):
    plain = ReportInputs("t", "a-study", tables, [], [], [], "a: 1\n", "make run")
    return ReportInputs(**{**plain.__dict__, **changes})


class TestOtherPages:
    def test_nothing_measured(self, frame, tmp_path):
        write_page(tmp_path / "r.html", bare(all_tables(frame.iloc[:0])))
        page = Page(tmp_path / "r.html")
        assert page.says("No estimate: no layer of the study's networks was measured.")
        assert page.says("Nothing failed.")
        assert page.says("No board recorded")
        assert page.tables == {}

    @pytest.mark.parametrize("source", ["rows", "facts"])
    def test_emulated_banner(self, frame, tmp_path, source):
        rows = study_rows(tensors=TENSORS[:1], emulated=source == "rows", platform="Board B")
        facts = [{"board": "b", "platform": "Board B", "emulated": source == "facts"}]
        write_page(tmp_path / "r.html", bare(all_tables(to_frame(rows)), facts=facts))
        page = Page(tmp_path / "r.html")
        assert page.says("Emulated.")
        assert page.says("Board B ran under an emulator")

    def test_why_the_sum_is_off_stands_above_its_table(self, frame, tmp_path):
        row = dict.fromkeys(SUM_ERROR.names)
        row |= {"network": "net", "library": "lib", "batch_size": 1, "choice": "best"}
        table = frame_of([{**row, "error": 0.25}], SUM_ERROR)
        write_page(tmp_path / "r.html", bare({**all_tables(frame), "sum_error": table}))
        assert Page(tmp_path / "r.html").says(
            "the sum over layers is +25.0 % off; why is not known"
        )

    def test_of_many_platforms_a_few_are_shown_one_by_one(self, frame, tmp_path, monkeypatch):
        for module in (pages, headlines):
            monkeypatch.setattr(module, "MOST_ESTIMATES", 2)
        made = all_tables(frame)
        for name in ("estimate", "schedule", "device_state"):
            boards = [f"Board {number}" for number in range(10)]
            made[name] = pd.concat([made[name].assign(platform=board) for board in boards])
        states = made["device_state"]
        states["clean"] = 9
        states["disturbed"] = [0] * 7 + [5] * 2 + [90]
        write_page(tmp_path / "r.html", bare(made))
        page, lines = Page(tmp_path / "r.html"), headline(made)
        said = "10 machines, whether others disturbed their runs: 1 busy, 2 mostly quiet, 7 quiet"
        assert page.says(said) and f"{said} (the report has each)" in lines
        assert page.says("Board 3: quiet") and not [ln for ln in lines if "Board 3: quiet" in ln]
        assert [line for line in lines if line.startswith("Board 9: busy")]
        assert len(page.all("article")) == 2
        assert page.says("8 more are in the table of estimates.")
        assert "and 8 more estimates (the report lists them)" in lines

    def test_unknown_tables_follow(self, frame, tmp_path):
        extra = pd.DataFrame({"roof": [1.5, 2.5, 9.0], "bound": ["memory", "compute", None]})
        tables = {"roofline_points": extra, **all_tables(frame)}
        write_page(tmp_path / "r.html", bare(tables))
        page = Page(tmp_path / "r.html")
        assert page.tables["roofline_points"][1] == ["1.500", "memory"]
        assert page.tables["roofline_points"][3] == ["9.000", NULL]
        assert list(page.tables)[-2:] == ["roofline_points", "failed"]


class TestTableView:
    def test_columns_that_say_the_same_are_told_once(self, frame):
        view = table_view("summary", analysis.summary(frame, 42))
        reported = dict(view.same)
        assert reported["platform"] == "Test board"
        assert reported["batch"] == "1"
        shown = [name for name, _ in view.headers]
        assert "platform" not in shown
        assert {"operator", "tensor", "tuner", "median_us"} <= set(shown)

    def test_operator_of_a_schedule_is_always_shown(self, frame):
        made = schedule(frame, [NETWORK], "study", 42)
        assert set(made["operator"]) == {"conv"}
        assert "operator" in [name for name, _ in table_view("schedule", made).headers]

    def test_interval_stands_with_its_value(self, frame):
        made = analysis.summary(frame, 42)
        view = table_view("summary", made)
        place = [name for name, _ in view.headers].index("median_us")
        first = made.iloc[0]
        cell = view.rows[0][place]
        assert cell.text == number(first["median_us"])
        assert cell.interval == f"{number(first['ci_low_us'])} to {number(first['ci_high_us'])}"
        assert float(cell.sort) == first["median_us"]

    @pytest.mark.parametrize(("limit", "most"), [("MOST_ROWS", 10), ("MOST_CELLS", 20)])
    def test_many_rows_are_cut_and_a_large_csv_is_a_file_beside(self, monkeypatch, limit, most):
        monkeypatch.setattr(cells, limit, most)
        monkeypatch.setattr(cells, "LARGE_CSV", 50)
        view = table_view("anything", pd.DataFrame({"a": range(25), "b": range(25)}))
        assert (len(view.rows), view.total) == (10, 25)
        assert view.csv == cells.Download("anything.csv", "tables/anything.csv")

    def test_of_an_excerpt_the_page_says_how_many_rows_there_are(self, frame, tmp_path):
        some = Excerpt(frame.head(10), 1_000_000, frozenset({"platform", "tensor"}))
        write_page(tmp_path / "r.html", bare({}, excerpts={"measurements": some}))
        page = Page(tmp_path / "r.html")
        assert page.says("the first 10 of 1,000,000 rows (the CSV has all)")
        assert len(page.tables["measurements"]) == 11
        linked = [link["href"] for link in page.all("a") if link["href"].startswith("tables/")]
        assert linked == ["tables/measurements.csv"]
        view = table_view("measurements", some)
        assert {"platform", "tensor"} <= {name for name, _ in view.same}
        assert "operator" in [name for name, _ in view.headers], "other rows have other ones"

    def test_long_text_folds(self):
        view = table_view("failed", pd.DataFrame({"reason": ["first line\nsecond <b>"]}))
        assert view.rows[0][0].text == "first line"
        assert view.rows[0][0].more == "first line\nsecond <b>"

    def test_columns_are_headed_and_explained_by_their_table(self, frame):
        view = table_view("measurements", frame)
        shown = dict(view.headers)
        assert shown["process_id"] == ALL["measurements"].column("process_id")
        assert shown["time_us"].heading == "time µs"

    def test_every_table_has_the_columns_that_it_says(self, frame):
        for name, table in all_tables(frame).items():
            assert tuple(table.columns) == ALL[name].names


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1234.5678, "1 235"), (999.96, "1,000.0"), (12.3456, "12.35"),
        (0.00123456, "0.001235"), (float("nan"), NULL), (1e9, "1 000 000 000"), (-2.5, "-2.500"),
    ],
)  # fmt: skip
def test_number(value, text):
    space = "\N{NARROW NO-BREAK SPACE}"
    assert number(value) == text.replace(" ", space).replace(",", space)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.5, "12.50 µs"), (1500.0, "1.500 ms"), (45056.3, "45.06 ms"), (2.5e6, "2.500 s")],
)
def test_duration(value, text):
    assert duration(value) == text


def test_percent():
    assert percent(0.46879) == "46.9 %"
    assert percent(float("nan")) == NULL


class TestHeadline:
    def test_tells_estimate_interval_schedule_and_failures(self, frame):
        tables = all_tables(frame)
        lines = headline(tables)
        best = tables["estimate"].iloc[0]
        text = "\n".join(lines)
        assert lines[0].startswith("Test board: whether anything disturbed its runs is not known")
        assert "mobilenet-v1-1.0-224 on Test board with opencl-reference-1.0-1a2b3c4, batch 1" in (
            lines
        )
        low, high = duration(best["ci_low_us"]), duration(best["ci_high_us"])
        assert f"estimate: {duration(best['total_us'])} (95 % interval {low} to {high})" in text
        assert "the 15 of 30 layers that were measured" in text
        assert re.search(r"512-14-14-1-512-1-0 +x5 +conv +DEFAULT", text)
        assert sum(tensor.name in text for tensor in TENSORS) == 11
        assert lines[-1] == (
            "did not succeed: 1 timeout, 1 wrong-output (repetitions; the report says why)"
        )

    def test_of_a_long_schedule_the_console_has_the_largest_shares(self, frame, monkeypatch):
        monkeypatch.setattr(headlines, "_LISTED_TENSORS", 3)
        tables = all_tables(frame)
        lines = headline(tables)
        shares = tables["schedule"]["share"].sort_values(ascending=False)
        text = f"  and 8 more with {percent(1 - shares.iloc[:3].sum())} (the report lists them)"
        assert [line.strip() for line in lines if "more with" in line] == [text.strip()]
        assert sum(tensor.name in "\n".join(lines) for tensor in TENSORS) == 3

    def test_incomplete_choices_are_not_offered(self, frame):
        text = "\n".join(headline(all_tables(frame)))
        # conv DEFAULT has the smallest sum, since it lacks a layer.
        assert "best single choice: conv NONE" in text

    def test_single_choice_as_good_as_the_best(self):
        frame = to_frame(study_rows(between=0, within=0))
        text = "\n".join(headline(all_tables(frame)))
        assert "best single choice: conv DEFAULT, " in text
        assert "nothing mixed is better" in text

    def test_ties_are_reported(self):
        choices = [("directconv", "NONE"), ("directconv", "DEFAULT")]
        text = "\n".join(headline(all_tables(to_frame(study_rows(choices=choices)))))
        assert "no difference)" in text

    def test_no_interval(self):
        frame = to_frame(study_rows(repetitions=2))
        assert "no interval: a single process timed some layer" in "\n".join(
            headline(all_tables(frame))
        )

    def test_nothing_measured(self, frame):
        tables = all_tables(frame.iloc[:0])
        assert headline(tables) == ["no estimate: no layer of the study's networks was measured"]
        failed = to_frame([failed_row(TENSORS[0], "conv", "NONE")])
        assert headline(all_tables(failed))[-1].startswith("did not succeed: 1 timeout")

    def test_many_groups_are_told_briefly(self):
        rows = [one for n in range(4) for one in study_rows(platform=f"P{n}", choices=CHOICES[:1])]
        lines = headline(all_tables(to_frame(rows)))
        assert sum("x5" in line for line in lines) == 2
        assert sum("best schedule by tensor: conv NONE for 11" in line for line in lines) == 2

    def test_complete_network(self):
        network = mobilenet_v1(1.0, 224)
        only = type(network)("conv-only", tuple(x for x in network.layers if x.species == "conv"))
        tables = all_tables(to_frame(study_rows()), [only])
        text = "\n".join(headline(tables))
        assert "for all 15 layers" in text
        assert "extrapolated" not in text

    def test_tables_read_back_from_parquet(self, frame, tmp_path):
        tables = all_tables(frame)
        for name, table in tables.items():
            table.to_parquet(tmp_path / name, index=False)
        again = {name: pd.read_parquet(tmp_path / name) for name in tables}
        assert headline(again) == headline(tables)


class TestCautions:
    def test_settings_that_could_not_be_made(self):
        frame = to_frame(study_rows(tensors=TENSORS[:1], notes="GPU: no file governor"))
        (caution,) = cautions(all_tables(frame))
        assert "not in the state that was asked for: GPU: no file governor" in caution

    def test_none_on_a_clean_study(self):
        frame = to_frame(study_rows(repetitions=10, per_process=1))
        assert cautions(all_tables(frame)) == []

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"per_process": 10}, "timed by a single process"),
            ({"repetitions": 1}, "timed by a single process"),
            ({"throttled": True}, "throttled"),
            ({"warmup": "tuner-only"}, "without a warm-up"),
            ({"clock_before_mhz": None}, "not read: clock"),
        ],
    )
    def test_each(self, options, words):
        found = cautions(all_tables(to_frame(study_rows(tensors=TENSORS[:2], **options))))
        assert any(words in caution for caution in found), found


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

PROBE = """
<script>
const note = (name, value) => { document.body.dataset[name] = JSON.stringify(value); };
window.addEventListener("error", (event) => note("error", event.message));
const column = (table, heading) => {
  const rows = [...document.getElementById("data-" + table).tBodies[0].rows];
  const heads = [...document.querySelectorAll(`#data-${table} thead button`)];
  const place = heads.findIndex((head) => head.textContent === heading);
  return { button: heads[place], values: rows.map((row) => row.cells[place].dataset.v) };
};
column("summary", "median µs").button.click();
note("up", column("summary", "median µs").values);
column("summary", "median µs").button.click();
note("down", column("summary", "median µs").values);
note("sort", document.querySelector("#data-summary th[aria-sort=descending]").textContent);
const input = document.querySelector("[data-filter=speedup]");
input.value = "DIRECTCONV  512-14";
input.dispatchEvent(new Event("input"));
const rows = [...document.querySelectorAll("#data-speedup tbody tr")];
note("shown", rows.filter((row) => !row.hidden).length);
note("count", document.querySelector("[data-count=speedup]").textContent);
note("link", document.querySelector("a[data-image=plot-0]").href.slice(0, 15));
note("wide", document.documentElement.scrollWidth <= document.documentElement.clientWidth);
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to open the page in")
@pytest.mark.parametrize("width", [500, 1400])
def test_in_a_browser(inputs, tmp_path, width):
    """Sorting by number, filtering and downloads work in a real browser, opened from disk."""
    path = tmp_path / "report.html"
    write_page(path, inputs)
    path.write_text(path.read_text("utf-8").replace("</body>", PROBE + "</body>"), "utf-8")
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1200", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    page = tmp_path / "dom.html"
    page.write_text(done.stdout, "utf-8")
    reported = {
        name.removeprefix("data-"): json.loads(value)
        for name, value in Page(page).all("body")[0].items()
        if name.startswith("data-")
    }
    assert "error" not in reported
    numbers = [float(value) for value in reported["up"]]
    expected = sorted(inputs.tables["summary"]["median_us"])
    assert numbers == expected
    assert [float(value) for value in reported["down"]] == expected[::-1]
    assert reported["sort"] == "median µs"
    assert reported["shown"] == 2
    assert reported["count"] == f"2 of {len(inputs.tables['speedup'])} rows shown"
    assert reported["link"].startswith("data:image/")
    assert reported["wide"], "the page itself must not scroll sideways"


def test_networks_and_comparisons_in_the_headline_and_on_the_page(tmp_path):
    from nntest.domain.networks import Layer, Network

    small = Network("small", tuple(Layer(f"l{n}", t, 1) for n, t in enumerate(TENSORS[1:3])))

    def run(seed, factor):
        rows = study_rows(tensors=TENSORS[1:3], repetitions=20, seed=seed)
        return to_frame([
            *({**row, "time_us": row["time_us"] * factor} for row in rows),
            *network_rows(small, "SCHEDULE", 4000.0 * factor),
        ])  # fmt: skip

    new = run(1, 2.0)
    tables = all_tables(new, [small])
    compare = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"), fail_on_regression=20)
    tables["comparison"] = comparison(new, compare, run(2, 1.0), [small], "study", 42)
    best = tables["estimate"].iloc[0]
    reported = "\n".join(headline(tables))
    assert f"measured end to end: {duration(best['measured_us'])}" in reported
    assert f"the estimate is {best['error'] * 100:+.1f} % off" in reported
    assert f"(best): 1 network, {best['error'] * 100:+.1f} % off (95 % interval" in reported
    study = tables["study_figure"].iloc[0]
    assert f"as the 2018 study counted: {duration(study['study_us'])}" in reported
    assert "this run against run old.zip: 9 slower" in reported
    assert "slower: " in reported and " 2.0" in reported and "and 4 more" in reported
    page = tmp_path / "report.html"
    write_page(page, bare(tables))
    text = page.read_text("utf-8")
    assert "Measured end to end" in text
    assert "As the 2018 study counted" in text
    assert "Comparison with the baseline" in text
    # With ten processes among nine points there is nothing to be careful about; with five is.
    assert not any("The comparison has" in line for line in cautions(tables))
    few = comparison(new[new["repetition_id"] < 8], compare, run(2, 1.0), [small], "study", 42)
    assert any("The comparison has 4 processes" in line for line in cautions({"comparison": few}))
