"""The command line, as a user calls it."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from archives.ck.ck_samples import (
    DEFAULT_ZIP,
    FIREFLY_ENTRIES,
    NONE_ZIP,
    PROFILER_ZIP,
    bad,
    ck_members,
    ck_point,
    ck_run,
    good,
    header,
    make_plan,
    make_point,
    needs_genuine,
    write,
    zip_of,
)
from commands.command_line import nntest
from nntest.archives.measurements import load
from nntest.commands.main import main

A = "a" * 16


def tool(*arguments, status=0):
    done = nntest("ck", *arguments)
    assert done.status == status, done.stdout + done.stderr
    return done


@pytest.fixture
def ours(tmp_path):
    point, other = make_point(), make_point("directconv")
    lines = [header(), good(point, 0), good(point, 1), bad(other, 0, "crashed(SIGSEGV)")]
    return write(tmp_path / "ours.zip", make_plan([point, other]), lines)


def test_help_says_what_there_is():
    said = tool("--help").stdout
    for command in ("list", "show", "check", "merge", "convert"):
        assert command in said
        assert "usage" in tool(command, "--help").stdout
    tool(status=2)


def test_list_and_show(ours):
    listed = tool("list", ours)
    assert "2 entries, 2 points" in listed.stdout
    assert "conv-opencl-reference" in listed.stdout
    assert 'models: ["Test Board (rev 1)"]' in listed.stderr
    shown = tool("show", ours).stdout
    assert "2050.0" in shown  # median of 2000 and 2100 µs
    assert "crashed(SIGSEGV): it took too long last words" in shown
    one = tool("show", ours, "--entry", "nntest-directconv").stdout
    assert "nntest-conv" not in one
    assert "no entry" in tool("show", ours, "--entry", "nothing", status=1).stderr


def test_check_ends_with_1_for_errors_alone(tmp_path, ours):
    assert "0 errors, 0 warnings" in tool("check", ours).stdout
    content = ck_point(runs=[{**ck_run(0.1), "execution_time_kernel_1": 0}])
    wrong = zip_of(tmp_path / "wrong.zip", ck_members({f"{A}.0001": content}))
    assert "not a time above 0" in tool("check", wrong, status=1).stdout
    aborted = zip_of(tmp_path / "x.zip", ck_members({f"{A}.0001": ck_point(runs=[{}])}))
    assert "0 errors, 1 warnings" in tool("check", aborted).stdout
    tool("check", "--strict", aborted, status=1)


def test_merge_and_its_contradictions(tmp_path, ours):
    paths = [
        zip_of(tmp_path / f"{n}.zip", ck_members({f"{A}.0001": ck_point(runs=[ck_run(n / 1000)])}))
        for n in (1, 2)
    ]
    out = tmp_path / "new" / "out.zip"
    assert "3 entries, 3 points" in tool("merge", ours, paths[0], "-o", out).stdout
    refused = tool("merge", *paths, "-o", tmp_path / "no.zip", status=1)
    assert refused.stderr.startswith("error: ")
    assert "hint:" in refused.stderr
    assert not (tmp_path / "no.zip").exists()
    kept = tool("merge", *paths, "--keep-both", "-o", out)
    assert "kept as 0002" in kept.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_convert(tmp_path, ours, suffix):
    out = tmp_path / f"table.{suffix}"
    assert "3 rows" in tool("convert", ours, out).stdout
    frame = pd.read_csv(out) if suffix == "csv" else load(out)
    assert sorted(frame["status"]) == ["crashed(SIGSEGV)", "ok", "ok"]
    assert sorted(frame["time_us"].dropna()) == pytest.approx([2000.0, 2100.0])


def test_convert_refuses_another_kind_of_file(tmp_path, ours):
    assert ".csv or .parquet" in tool("convert", ours, tmp_path / "table.xlsx", status=1).stderr


@pytest.mark.parametrize("command", ["list", "check", "show"])
def test_what_is_no_archive_is_one_message(tmp_path, command):
    (tmp_path / "no.zip").write_text("no zip at all")
    said = tool(command, tmp_path / "no.zip", status=1).stderr
    assert said.startswith("error: ")
    assert "no.zip" in said
    assert "no such archive" in tool(command, tmp_path / "gone.zip", status=1).stderr


def test_a_pipe_that_closes_early_is_no_error(ours):
    command = f"{sys.executable} -m nntest.commands.main ck show {ours} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


@needs_genuine
def test_genuine_archives(tmp_path):
    listed = tool("list", NONE_ZIP, DEFAULT_ZIP, FIREFLY_ENTRIES).stdout
    assert listed.count("2 entries, 22 points") == 2
    assert listed.count("Firefly RK3399") == 2
    assert (
        "4 entries, 44 points"
        in tool("merge", NONE_ZIP, DEFAULT_ZIP, "-o", tmp_path / "both.zip").stdout
    )
    for table, rows in (("kernels", 30), ("launches", 30), ("counters", 0), ("nodes", 0)):
        out = tmp_path / f"{table}.parquet"
        said = tool("convert", PROFILER_ZIP, out, "--table", table).stdout
        assert f"{rows} rows" in said
        assert len(pd.read_parquet(out)) == rows


@pytest.mark.parametrize("target", ["file/x", "folder"])
def test_an_output_that_cannot_be_written(ours, tmp_path, target, monkeypatch, capsys):
    monkeypatch.setattr("signal.signal", lambda *_: None)  # It is for a process of its own.
    (tmp_path / "file").touch()
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "folder.csv").mkdir()
    table, archive = (f"{tmp_path / target}{suffix}" for suffix in (".csv", ".zip"))
    for call in (
        ("ck", "convert", str(ours), table),
        ("ck", "merge", str(ours), "-o", archive),
        ("compare", str(ours), str(ours), "--table", table),
    ):
        with pytest.raises(SystemExit) as end:
            main(call)
        assert end.value.code == 1
        assert f"error: {call[-1]}: cannot be written: " in capsys.readouterr().err
