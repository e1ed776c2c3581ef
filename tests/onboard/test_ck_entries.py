"""The zip that a board writes: what is in it, that it is the same again, what reads back."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import ck_entries
import pytest
from archives.ck.ck_samples import (
    MODEL,
    REPOSITORY,
    TENSORS,
    bad,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    write,
)
from nntest.archives.ck import KnownPlatform, check, merge

BENCH = KnownPlatform("bench", "The bench", (MODEL,))


def points_and_lines():
    points = [
        make_point(operator, tensor) for operator in ("conv", "directconv") for tensor in TENSORS
    ]
    lines = [header(), *(good(point, i) for point in points for i in range(3))]
    return points, lines


def test_one_entry_per_program_and_one_point_per_point(tmp_path):
    points, lines = points_and_lines()
    summary = ck_entries.write_zip(make_plan(points), lines, str(tmp_path / "a.zip"))
    assert [entry["program"] for entry in summary["entries"]] == [
        "conv-opencl-reference",
        "directconv-opencl-reference",
    ]
    assert (summary["points"], summary["repetitions"], summary["failed"]) == (6, 18, 0)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
    assert len(set(names)) == len(names)
    for point in points:
        assert sum(f"/ckp-{point['id']}.0001.json" in name for name in names) == 1
    assert summary["entries"][0]["alias"] == (
        "nntest-conv-opencl-reference-opencl-reference-1.0-1a2b3c4-study-bench"
    )


def test_check_has_nothing_to_say_of_it(tmp_path):
    points, lines = points_and_lines()
    path = write(tmp_path / "a.zip", make_plan(points), [*lines, bad(points[0], 3)])
    assert list(check(path)) == []


def test_everything_that_the_journal_says_reads_back(tmp_path):
    point = make_point(tuner="DEFAULT")
    lines = [header(), good(point, 1, process=1), good(point, 0), bad(point, 2, "wrong-output")]
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), lines), BENCH)
    assert list(frame["repetition_id"]) == [0, 1, 2]
    assert list(frame["status"]) == ["ok", "ok", "wrong-output"]
    assert list(frame["success?"]) == ["yes", "yes", "no"]
    first = frame.iloc[0]
    assert first["time_us"] == pytest.approx(2000.0)
    assert first["setup_us"] == pytest.approx(250_000.0)
    assert first["tuning_us"] == pytest.approx(500_000.0)
    assert first["GFLOPS"] == pytest.approx(2 * 512 * 512 * 14 * 14 / 0.002 / 1e9)
    expected = {
        "platform": "The bench",
        "board": "bench",
        "library": "opencl-reference-1.0-1a2b3c4",
        "operator": "conv",
        "program": "conv-opencl-reference",
        "species": "conv",
        "tensor": TENSORS[0],
        "batch_size": 1,
        "tuner": "DEFAULT",
        "process_id": 0,
        "in_shape_c": 512,
        "protocol": "in-process",
        "warmup": "always",
        "clock_before_mhz": 800.0,
        "clock_after_mhz": 790.0,
        "temperature_before_c": 51.0,
        "throttled": False,
        "emulated": False,
        "device": "Some GPU",
        "driver": "3.1",
        "started_at": "2026-11-21T20:00:00Z",
        "archive": "a.zip",
        "point": point["id"],
        "subpoint": 1,
        "program_checksum": "ab" * 32,
        "kernel": "",
        "reason": "",
    }
    assert {key: first[key] for key in expected} == expected
    assert frame["process_id"].tolist() == [0, 1, 1]
    failed = frame.iloc[2]
    assert failed["reason"] == "it took too long\nlast words"
    assert frame["time_us"].isna().tolist() == [False, False, True]
    assert frame["GFLOPS"].isna().tolist() == [False, False, True]
    assert frame["temperature_after_c"].isna().all()


@pytest.mark.parametrize(
    "status", ["build-failed", "crashed(SIGSEGV)", "out-of-memory", "timeout", "skipped"]
)
def test_an_aborted_run_has_the_shape_that_ck_gives_it(tmp_path, status):
    point = make_point()
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), bad(point, 0, status)])
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".0001.json")]
        content = json.loads(archive.read(name))
        flat = json.loads(archive.read(name.replace(".0001.", ".flat.")))
    assert [item["run"] for item in content["characteristics_list"]] == [{}]
    assert flat["##pipeline_state#fail_reason#min"] == f"{status}: it took too long"
    frame = frame_of(path, BENCH)
    assert frame["status"].tolist() == [status]
    assert frame["success?"].tolist() == ["n/a"]


def test_a_wrong_output_has_the_shape_that_ck_gives_it(tmp_path):
    point = make_point()
    line = bad(point, 0, "wrong-output", time_s=0.5, setup_s=0.25)
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), line])
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".0001.json")]
        run = json.loads(archive.read(name))["characteristics_list"][0]["run"]
    assert run["run_success"] == "no"
    assert run["fail_reason"] == "it took too long"
    assert run["output_check_failed"] == "yes"
    assert run["execution_time_kernel_1"] == 0.5
    assert frame_of(path, BENCH)["time_us"].isna().all()


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_tags_are_cks(tmp_path, zone):
    point = make_point()
    plan = make_plan([point], timestamp=f"2026-11-21T20:00:00{zone}")
    with zipfile.ZipFile(write(tmp_path / "a.zip", plan, [header(), good(point)])) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("meta.json")]
        meta = json.loads(archive.read(name))
    assert meta["tags"] == [
        "nntest",
        "conv-opencl-reference",
        "opencl-reference-1.0-1a2b3c4",
        "2026-11-21T20:00:00",
        "20261121200000",
        "conv",
    ]
    assert meta["meta"]["timestamp"] == "2026-11-21T20:00:00"
    assert meta["points"] == "1"


def test_of_a_long_log_the_end_is_kept(tmp_path):
    point = make_point()
    line = bad(point, log_tail="first words " + "x" * 50_000 + " last words")
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), line]), BENCH)
    assert frame["reason"][0].endswith("last words")
    assert "first words" not in frame["reason"][0]
    assert len(frame["reason"][0]) < 3000


def test_the_same_plan_and_journal_give_the_same_bytes(tmp_path):
    points, lines = points_and_lines()
    first = write(tmp_path / "a.zip", make_plan(points), lines)
    again = write(tmp_path / "b.zip", make_plan(reversed(points)), [lines[0], *lines[:0:-1]])
    assert first.read_bytes() == again.read_bytes()


def test_a_grown_journal_is_the_same_entry_and_a_new_one_another(tmp_path):
    point, other = make_point(), make_point(tensor=TENSORS[1])
    plan = make_plan([point, other])
    early = ck_entries.write_zip(plan, [header(), good(point)], str(tmp_path / "a.zip"))
    late = ck_entries.write_zip(plan, [header(), good(point), good(other)], str(tmp_path / "b.zip"))
    new = ck_entries.write_zip(plan, [header("e" * 32), good(point)], str(tmp_path / "c.zip"))
    uids = [summary["entries"][0]["uid"] for summary in (early, late, new)]
    assert uids[0] == uids[1] != uids[2]
    assert early["entries"][0]["points"] == 1
    assert late["entries"][0]["points"] == 2


def test_the_later_of_two_lines_counts_and_strange_points_are_left_out(tmp_path):
    point = make_point()
    lines = [header(), bad(point, 0, "lost-link"), good(point, 0), good({"id": "9" * 16}, 0)]
    summary = ck_entries.write_zip(make_plan([point]), lines, str(tmp_path / "a.zip"))
    assert summary["ignored_lines"] == 1
    assert frame_of(tmp_path / "a.zip", BENCH)["status"].tolist() == ["ok"]


def test_repetitions_that_an_earlier_plan_asked_for_are_left_out_and_said(tmp_path):
    few, many = make_point(repetitions=2), make_point("directconv", repetitions=5)
    lines = [header(), *(good(point, one) for point in (few, many) for one in range(5))]
    path = tmp_path / "a.zip"
    summary = ck_entries.write_zip(make_plan([few, many]), lines, str(path))
    assert summary["repetitions"] == 7
    frame = frame_of(path, BENCH)
    assert frame.groupby("operator").size().to_dict() == {"conv": 2, "directconv": 5}
    said: list[str] = []
    merge([path], tmp_path / "merged.zip", warn=said.append)
    [line] = said
    assert "3 repetitions of earlier runs are not used, because the study asks for fewer" in line
    assert "conv-opencl-reference" in line


def test_a_point_without_lines_is_not_written(tmp_path):
    points = [make_point(), make_point("directconv")]
    path = write(tmp_path / "a.zip", make_plan(points), [header(), good(points[0])])
    assert frame_of(path, BENCH)["operator"].tolist() == ["conv"]


def test_what_json_has_no_number_for_becomes_null(tmp_path):
    point = make_point()
    line = good(
        point, output_check={"max_abs_diff": float("nan")}, state_before={"clock_mhz": float("inf")}
    )
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), line])
    assert list(check(path)) == []
    assert frame_of(path, BENCH)["clock_before_mhz"].isna().all()


def test_paths_and_secrets_of_the_environment_stay_on_the_board(tmp_path):
    point = make_point()
    point["env"] |= {"TOKEN": "secret", "CK_OUT_RAW_DATA": "/home/me/out", "NNTEST_MODE": "2"}
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), good(point)])
    with zipfile.ZipFile(path) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret" not in text
    assert b"/home/me" not in text
    assert b'"NNTEST_MODE":2' in text


def test_asymmetric_padding_reads_back(tmp_path):
    point = make_point(tensor="3-224-224-3-32-2-0_1_0_1")
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), good(point)])
    assert frame_of(path, BENCH)["tensor"].tolist() == ["3-224-224-3-32-2-0_1_0_1"]


@pytest.mark.parametrize(
    ("operator", "tensor"),
    [
        ("winogradconv", "64-56-56-3-128-1-1"),
        ("depthwiseconv", "512-14-14-1-1"),
        ("fullyconnected", "1024-1-1-1001-1-1"),
        ("avgpool", "1024-7-7-7-1"),
        ("softmax", "1001-1-1"),
        ("reshape", "1024-1-1-1-1-1024"),
        ("resizebilinear", "3-224-224-3-112-112"),
        ("gemm", "128-64-32-1-0.5"),
    ],
)
def test_every_species_reads_back(tmp_path, operator, tensor):
    point = make_point(operator, tensor)
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), good(point)]), BENCH)
    assert frame["operator"].tolist() == [operator]
    assert frame["tensor"].tolist() == [tensor]
    assert frame["species"].tolist() == [point["species"]]


def test_a_board_without_opencl_device(tmp_path):
    point = make_point()
    plan = make_plan([point], gpgpu=None, platform={"name": None, "model": None, "vendor": None})
    warnings: list[str] = []
    path = write(tmp_path / "a.zip", plan, [header(), good(point)])
    frame = frame_of(path, warnings=warnings)
    assert frame["device"].tolist() == [""]
    assert frame["platform"].tolist() == ["unknown platform"]


def test_long_and_strange_labels_become_usable_aliases(tmp_path):
    point = make_point()
    plan = make_plan([point], label="ä/b c*" + "x" * 300)
    summary = ck_entries.write_zip(plan, [header(), good(point)], str(tmp_path / "a.zip"))
    alias = summary["entries"][0]["alias"]
    assert len(alias) <= 200
    assert set(alias) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    assert list(check(tmp_path / "a.zip")) == []


def test_a_journal_that_lost_its_header_is_packed_and_is_always_the_same_entry(tmp_path):
    point = make_point()
    uids = []
    for lines in ([good(point)], [good(point), good(point, 1)]):
        summary = ck_entries.write_zip(make_plan([point]), lines, str(tmp_path / "a.zip"))
        assert len(frame_of(tmp_path / "a.zip")) == len(lines)
        uids.append(summary["entries"][0]["uid"])
    assert uids[0] == uids[1]


def test_what_cannot_be_packed_leaves_what_was_there(tmp_path):
    point = make_point()
    (tmp_path / "a.zip").write_text("what was there")
    with pytest.raises(KeyError):
        ck_entries.write_zip(
            make_plan([point]),
            [header(), {"point": point["id"], "repetition": 0}],
            str(tmp_path / "a.zip"),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert (tmp_path / "a.zip").read_text() == "what was there"


@pytest.mark.parametrize("name", ["ck_entries.py", "ck_points.py"])
def test_boards_of_2016_can_run_it(name):
    path = REPOSITORY / "scripts" / "onboard" / name
    ast.parse(path.read_text("utf-8"), feature_version=(3, 5))
    vermin = Path(sys.executable).with_name("vermin")
    done = subprocess.run([vermin, "-q", "-t=3.5-", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_thousands_of_points(tmp_path):
    points = [
        make_point(tensor=f"{channels}-14-14-1-{out}-1-0")
        for channels in range(1, 51)
        for out in range(1, 41)
    ]
    lines = [header(), *(good(point, i) for point in points for i in range(2))]
    summary = ck_entries.write_zip(make_plan(points), lines, str(tmp_path / "a.zip"))
    assert summary["points"] == 2000
    frame = frame_of(tmp_path / "a.zip", BENCH)
    assert len(frame) == 4000
    assert frame["tensor"].nunique() == 2000
