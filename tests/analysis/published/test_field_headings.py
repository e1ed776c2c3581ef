"""QuTiBench's tables under the headings of May 2020 and of today."""

from __future__ import annotations

import pytest
from analysis.published.published_data import shipped
from nntest.analysis.published.lint import lint
from nntest.analysis.published.qutibench import read_raw, typed
from nntest.analysis.published.repair import import_published
from nntest.config.published import CellRepair, PublishedFile
from nntest.errors import UserError

OLDER = (
    "NN_Topology,HWType,Precision,Op mode,batch/thread/stream,lat-comp,fps-system,fps-comp,"
    "tp-system,tp-comp,top1 [%],top5 [%],Base_Pwr_W,Idle_Pwr_W,Full_Pwr_W,GOPS,PruningFactor,level"
)
ROW = "CNV,{hardware},INT4,{mode},2,4.0,,500.0,,,80.25,,0.5,1.2,1.7,0.016,{pruning},l3"
LATER = (
    OLDER.replace("Precision", "Datatype")
    .replace("top1 [%]", "top1")
    .replace(",level", ", level")
    .replace("lat-comp", "lat-sys,lat-comp")
    + ",hw_peak_perf,tag"
)


def older(*prunings, hardware="GPU", mode="maxp"):
    rows = [ROW.format(hardware=hardware, mode=mode, pruning=kept) for kept in prunings]
    return "\n".join([OLDER, *rows]) + "\n"


def later(*prunings, hardware="TX2-maxp"):
    rows = [
        ROW.format(hardware=hardware, mode="maxp", pruning=kept).replace("4.0,", "5.5,4.0,")
        + ",30,x"
        for kept in prunings
    ]
    return "\n".join([LATER, *rows]) + "\n"


def frame_of(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_text(content)
    return typed(read_raw(path), shipped())


def test_both_headings_give_the_same_rows(tmp_path):
    first = frame_of(tmp_path, older("12.5%", "100%"))
    second = frame_of(tmp_path, later("12.5", "100.0"))
    named = ["hardware", "group", "facet"]
    assert second.drop(columns=named).equals(first.drop(columns=named))
    assert second["pruning_percent"].tolist() == [12.5, 100.0]
    assert second["top1_percent"].tolist() == [80.25, 80.25]
    assert second["data_type"].tolist() == ["int4", "int4"]
    assert second["platform_file"].tolist() == ["tx2-maxp"] * 2


@pytest.mark.parametrize("prunings", [("12.5%", "25"), ("0.125", "1"), ("half", "25")])
def test_prunings_of_mixed_units_are_left_to_the_lint(tmp_path, prunings):
    path = tmp_path / "t.csv"
    path.write_text(later(*prunings))
    raw = read_raw(path)
    assert [row["PruningFactor"] for row in raw.rows] == list(prunings)
    assert {finding.column for finding in lint(raw, shipped())} >= {"PruningFactor"}


@pytest.mark.parametrize("column", ["top1", "top1 [%]"])
def test_a_repair_names_a_column_as_the_file_or_as_of_old(tmp_path, column):
    path = tmp_path / "t.csv"
    path.write_text(later("50"))
    cell = CellRepair(line=2, column=column, was="80.25", to="81.25")
    published = PublishedFile(file=str(path), format="qutibench", repairs=[cell])
    assert import_published([published], shipped()).rows["top1_percent"].tolist() == [81.25]


def test_a_decimal_comma_is_refused_with_its_line(tmp_path):
    with pytest.raises(UserError, match=r"line 3: lat-comp says '4,0'"):
        frame_of(tmp_path, later("50") + later("50").split("\n")[1].replace(",4.0,", ',"4,0",'))


def test_a_table_without_a_row_is_refused(tmp_path):
    with pytest.raises(UserError, match="no rows"):
        frame_of(tmp_path, OLDER + "\n")
