"""CSV cells are data: no name becomes a formula, and each reads back as it was."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from pathlib import Path

import pandas as pd
from archives.ck.ck_samples import FIREFLY, ck_members, ck_meta, ck_point, zip_of
from commands.command_line import nntest
from hypothesis import given
from hypothesis import strategies as st
from nntest.archives.ck import read_rows
from nntest.archives.measurements import load, save, to_arrow, to_frame
from nntest.domain.tables.column import TEXT, Column
from nntest.domain.tables.csv_files import csv_text, read_csv, write_csv
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.domain.tables.shared import LIBRARY

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = [
    "=HYPERLINK(A1)", "+49", "-2+3", "@SUM(A1)", "\t=1+1", "'=1", "''", "'", "＝1", "a;=1+1",
    "a\n=1+1", "a\r\n-x", "plain", "2 - 1", "x=1", "", "NA", "007", "ü'=", "a,=1", '"=1"',
]  # fmt: skip
NAME = [Column("name", TEXT, meaning="a name")]
FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")


def cells(text: str, delimiter: str = ",") -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [cell for row in rows for cell in row]


def is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", cell) is not None


def formulas(text: str) -> list[str]:
    """Cells that a spreadsheet would compute, of any language's separators."""
    every = [cell for delimiter in ",;\t" for cell in cells(text, delimiter)]
    return [cell for cell in every if FORMULA.match(cell) and not is_number(cell)]


def test_names_are_no_formulas_and_read_back(tmp_path):
    frame = pd.DataFrame({"library": NAMES, "error": [-0.25] * len(NAMES)})
    write_csv(frame, tmp_path / "t.csv")
    assert formulas((tmp_path / "t.csv").read_text("utf-8")) == []
    back = pd.read_csv(tmp_path / "t.csv")
    assert back["error"].tolist() == [-0.25] * len(NAMES)
    read = read_csv(tmp_path / "t.csv", [LIBRARY])
    assert read["library"].fillna("").tolist() == NAMES


@given(st.lists(st.text(st.sampled_from(";\t\r\n'=+-@ax,\" ")), min_size=1))
def test_any_texts_read_back(names):
    frame = pd.DataFrame({"name": names, "n": 1})
    assert formulas(csv_text(frame)) == []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_csv(frame, path)
        read = read_csv(path, NAME)["name"]
        assert ["" if pd.isna(name) else name for name in read] == names


def test_the_names_of_a_hostile_archive(tmp_path):
    meta = ck_meta("=cmd()")
    meta["tags"] = ["nntest", "-lib-1", "2018-08-09T10:00:00"]
    content = ck_point("=cmd()", "@tensor")
    content["features"]["platform"]["platform"]["model"] = "+board"
    content["features"]["gpgpu"][0]["gpgpu"]["name"] = "=Mali"
    content["characteristics_list"][0]["run"] = {
        "run_success": "no", "fail_reason": "-x;=cmd()",
    }  # fmt: skip
    path = zip_of(tmp_path / "=a.zip", ck_members({"a" * 16 + ".0001": content}, meta=meta))
    frame = to_frame(read_rows(path, [FIREFLY], lambda _: None))
    assert {"=cmd()", "+board", "-lib-1", "=Mali"} <= set(frame.astype(str).to_numpy().ravel())
    save([to_arrow(frame)], MEASUREMENTS, tmp_path)
    assert formulas((tmp_path / "measurements.csv").read_text("utf-8")) == []
    read = read_csv(tmp_path / "measurements.csv", MEASUREMENTS)
    for column in ("library", "program", "platform", "tensor", "device", "archive", "reason"):
        assert read[column].fillna("").tolist() == frame[column].tolist()
    assert load(tmp_path / "measurements.parquet")["program"].tolist() == frame["program"].tolist()
    assert nntest("ck", "convert", path, tmp_path / "c.csv").status == 0
    assert formulas((tmp_path / "c.csv").read_text("utf-8")) == []


def test_no_other_code_writes_a_csv():
    found = [
        str(path.relative_to(SCRIPTS))
        for path in SCRIPTS.rglob("*.py")
        if ".to_csv(" in path.read_text("utf-8") and path.name != "csv_files.py"
    ]
    assert found == []
