"""Libraries against each other: what opens the console summary and the page."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, network_rows, study_rows
from nntest.analysis.estimate import estimate
from nntest.analysis.library_ranking import layer_ranking, network_ranking
from nntest.analysis.schedule import schedule
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import SUM_ERROR
from nntest.domain.tables.rooflines import ROOFLINE
from nntest.report.page import ReportInputs, headline, write_page

NETWORK = Network("two", tuple(Layer(f"l{n}", tensor, 1) for n, tensor in enumerate(TENSORS[1:3])))


def library(name, factor=1.0, whole=None, **options):
    rows = study_rows(
        tensors=TENSORS[1:3], choices=[("conv", "NONE")], library=name, **options
    )  # fmt: skip
    rows = [{**row, "time_us": row["time_us"] * factor} for row in rows]
    places = {key: value for key, value in options.items() if key == "threads"}
    return rows + (network_rows(NETWORK, "NONE", whole, library=name, **places) if whole else [])


def tables(*rows):
    frame = to_frame(row for part in rows for row in part)
    made = {
        "network_ranking": network_ranking(frame, [NETWORK], "study", 42),
        "layer_ranking": layer_ranking(frame, frame_of([], ROOFLINE), [NETWORK], "study", 42),
        "estimate": estimate(frame, [NETWORK], "study", 42),
        "schedule": schedule(frame, [NETWORK], "study", 42),
    }
    return {name: table for name, table in made.items() if len(table)}


@pytest.fixture(scope="module")
def five():
    return tables(
        library("e", 4.0), library("b", 1.0, 1010.0), library("a", 1.0, 1000.0),
        library("d", 3.0, 3000.0), library("c", 2.0, 2000.0),
    )  # fmt: skip


def test_the_summary_ranks_first_and_tells_the_fastest_alone_in_full(five):
    lines = headline(five)
    assert lines[:2] == ["two on Test board, batch 1", "  libraries, the fastest first:"]
    assert [re.match(r" +(\d)\. (\w)", line).groups() for line in lines[2:7]] == [
        ("1", "a"), ("2", "b"), ("3", "c"), ("4", "d"), ("5", "e"),
    ]  # fmt: skip
    assert "95 % interval" in lines[2] and "sum of layers" in lines[2]
    assert "times" not in lines[2]
    assert re.search(r", 2\.\d\d times as long \(\d\.\d\d to \d\.\d\d\), sum of layers", lines[4])
    assert "estimated from 2 of 2 layers" in lines[6]
    assert "a bound of such sums, not deployable" in lines[7]
    assert lines[8] == "two on Test board with a, batch 1"
    assert sum("best schedule" in line for line in lines) == 1
    assert len(lines) < 20


def test_a_tie_is_no_difference():
    lines = headline(tables(library("a", seed=1), library("b", seed=2)))
    assert ", no difference, " in lines[3]


def test_sums_over_other_layers_do_not_compare():
    less = [row for row in library("b") if row["tensor"] == TENSORS[1].name]
    (line,) = (line for line in headline(tables(library("a"), less)) if " 2. b" in line)
    assert "covers other layers, estimated from 1 of 2 layers" in line


def test_each_number_of_threads_has_its_ranking():
    lines = headline(tables(
        library("a", threads=1), library("b", 2.0, threads=1),
        library("a", threads=2), library("b", 0.5, threads=2), library("a"),
    ))  # fmt: skip
    firsts = {
        lines[place - 2]: line.split()[1] for place, line in enumerate(lines) if " 1. " in line
    }
    assert list(firsts) == sorted(firsts)
    assert firsts == {
        "two on Test board, batch 1, 1 thread": "a", "two on Test board, batch 1, 2 threads": "b",
    }  # fmt: skip
    assert "two on Test board with a, batch 1" in lines


def page_of(made, tmp_path):
    path = tmp_path / "r.html"
    write_page(path, ReportInputs("t", "s", made, [], [], [], "a: 1\n", "make run"))
    return path.read_text("utf-8")


def test_the_page_opens_with_the_ranking_and_has_a_card_for_the_fastest(five, tmp_path):
    text = page_of(five, tmp_path)
    sections = re.findall(r'<section [^>]*id="([\w-]+)"|<section id="([\w-]+)"', text)
    order = [one or other for one, other in sections]
    assert order[:4] == ["libraries", "table-network_ranking", "table-layer_ranking", "results"]
    assert 'href="#libraries"' in text
    assert text.count('<article class="card">') == 1
    assert "Test board · a · batch 1" in text


def test_one_library_is_not_ranked(tmp_path):
    made = tables(library("a", whole=1000.0))
    assert "network_ranking" not in made
    assert headline(made)[0] == "two on Test board with a, batch 1"
    assert "libraries" not in re.findall(r'id="([\w-]+)"', page_of(made, tmp_path))


def test_tables_read_back_from_parquet(five, tmp_path):
    for name, table in five.items():
        table.to_parquet(tmp_path / name, index=False)
    assert headline({name: pd.read_parquet(tmp_path / name) for name in five}) == headline(five)


def test_the_sum_of_own_times_stands_beside_the_plain_one():
    made = tables(library("a", 1.0, 1000.0), library("b", 1.0, 3000.0))
    shared = made["network_ranking"].iloc[0][["network", "platform", "batch_size", "data_type"]]
    measured = made["network_ranking"].set_index("library").loc["a", "time_us"]
    row = {
        **dict.fromkeys(SUM_ERROR.names),
        **shared, "library": "a", "choice": "best", "measured_us": measured, "own_error": 0.034,
    }  # fmt: skip
    lines = headline({**made, "sum_error": frame_of([row], SUM_ERROR)})
    (first,) = (line for line in lines if " 1. a" in line)
    (second,) = (line for line in lines if " 2. b" in line)
    assert first.endswith(" (their own times +3.4 %)")
    assert "own times" not in second
    assert (
        "by the layers' own times: 1 network, mean error 3.4 %, largest 3.4 %, 1 within ±10%"
        in lines
    )
