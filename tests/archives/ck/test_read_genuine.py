"""Archives that real CK wrote: what is in them is known."""

from __future__ import annotations

import json

import pytest
from archives.ck.ck_samples import (
    DEFAULT_ZIP,
    FIREFLY,
    FIREFLY_ENTRIES,
    NONE_ZIP,
    PROFILER_ZIP,
    frame_of,
    needs_genuine,
    unpack,
)
from nntest.archives.ck import check, merge, overview
from nntest.archives.ck.tables import read_table
from nntest.archives.measurements import measured, to_frame
from nntest.domain.tables.measurements import KERNELS, LAUNCHES

pytestmark = needs_genuine

LIBRARY = "arm-compute-library-opencl-18.05-b3a371b"
CONVOLUTIONS = {
    "3-224-224-3-32-2-0",
    "32-112-112-1-64-1-0",
    "64-56-56-1-128-1-0",
    "128-56-56-1-128-1-0",
    "128-28-28-1-256-1-0",
    "256-28-28-1-256-1-0",
    "256-14-14-1-512-1-0",
    "512-14-14-1-512-1-0",
    "512-7-7-1-1024-1-0",
    "1024-7-7-1-1024-1-0",
    "1024-1-1-1-1001-1-0",
}


def test_both_tuner_archives_merge_to_four_entries_and_44_points(tmp_path):
    report = merge([NONE_ZIP, DEFAULT_ZIP], tmp_path / "both.zip")
    assert (report.entries, report.points, report.recordings) == (4, 44, 44)
    assert report.remarks == []
    frame = frame_of(tmp_path / "both.zip")
    assert frame["entry"].nunique() == 4
    assert frame["point"].nunique() == 44
    counts = frame[frame["status"] == "ok"].groupby("point").size()
    assert len(counts) == 42
    assert set(counts) == {3}
    aborted = frame[frame["status"] != "ok"]
    assert len(aborted) == 2
    assert set(aborted["tensor"]) == {"1024-1-1-1-1001-1-0"}
    assert set(aborted["tuner"]) == {"NONE", "DEFAULT"}
    assert set(aborted["operator"]) == {"conv"}
    assert aborted["reason"].str.contains("tmp-ck-timer.json").all()
    assert aborted["time_us"].isna().all()
    assert aborted["GFLOPS"].isna().all()
    assert set(aborted["success?"]) == {"n/a"}
    assert len(measured(frame)) == 126
    assert set(frame["archive"]) == {NONE_ZIP.name, DEFAULT_ZIP.name}
    assert list(check(tmp_path / "both.zip")) == []


def test_rows_of_a_genuine_archive():
    frame = frame_of(NONE_ZIP)
    assert set(frame["tensor"]) == CONVOLUTIONS
    assert set(frame["operator"]) == {"conv", "directconv"}
    assert set(frame["species"]) == {"conv"}
    assert set(frame["library"]) == {LIBRARY}
    assert set(frame["tuner"]) == {"NONE"}
    assert set(frame["batch_size"]) == {1}
    assert set(frame["protocol"]) == {"process"}
    assert set(frame["warmup"]) == {"tuner-only"}
    assert set(frame["driver"]) == {"3.1+debian"}
    assert (frame["platform"] == "CKStudy x86 PoCL Board (simulated)").all()
    good = frame[frame["status"] == "ok"]
    assert (good["time_us"] > 0).all()
    assert good.groupby("point")["repetition_id"].agg(list).map(sorted).map(tuple).nunique() == 1


def test_times_are_the_ones_that_the_study_plotted(tmp_path):
    frame = frame_of(NONE_ZIP)
    folder = unpack(NONE_ZIP, tmp_path)
    [path] = folder.glob("experiment/*/ckp-ad392e85ef5c796b.0001.json")
    runs = [item["run"] for item in json.loads(path.read_text())["characteristics_list"]]
    rows = frame[frame["point"] == "ad392e85ef5c796b"].sort_values("repetition_id")
    assert rows["time_us"].tolist() == pytest.approx(
        [1e6 * run["execution_time_kernel_1"] for run in runs]
    )
    assert rows["setup_us"].tolist() == pytest.approx(
        [1e6 * run["run_time_state"]["time_setup"] for run in runs]
    )
    # 2 x 32 x 64 x 112 x 112 operations
    assert rows["GFLOPS"].tolist() == pytest.approx(
        [51.380224e6 / run["execution_time_kernel_1"] / 1e9 for run in runs]
    )


def test_an_archive_reads_the_same_zipped_and_unpacked(tmp_path):
    frame = frame_of(NONE_ZIP)
    repository = unpack(NONE_ZIP, tmp_path / "repository")
    folders = [repository, repository / "experiment"]
    entries = [path for path in (repository / "experiment").iterdir() if path.name != ".cm"]
    for folder in folders:
        other = frame_of(folder)
        assert other.drop(columns="archive").equals(frame.drop(columns="archive"))
    single = frame_of(entries[0])
    assert len(single) == (frame["entry"] == single["entry"][0]).sum()


def test_profiled_points_are_no_measurements():
    assert frame_of(PROFILER_ZIP).empty


def test_kernel_times_of_two_conv_and_three_directconv_points():
    frame = to_frame(read_table(KERNELS, PROFILER_ZIP, (), lambda _: None), KERNELS)
    points = frame.groupby("operator")["point"].nunique()
    assert points.to_dict() == {"conv": 2, "directconv": 3}
    kernels = frame.groupby("operator")["kernel"].unique().map(set)
    assert kernels["directconv"] == {"direct_convolution1x1"}
    assert kernels["conv"] == {
        "reshape_to_columns",
        "gemm_transpose1xW",
        "im2col1x1_stridex1_dchw",
        "gemm_interleave4x4",
        "gemm_mm_interleaved_transposed_f32",
        "col2im",
    }
    one = frame[(frame["point"] == "4ce4bbffa1000041") & (frame["kernel"] == "col2im")]
    assert one.sort_values("repetition_id")["time_us"].tolist() == [258.05, 353.41]
    assert frame["GFLOPS"].isna().all()


def test_launches_add_up_to_the_kernel_times():
    kernels = to_frame(read_table(KERNELS, PROFILER_ZIP, (), lambda _: None), KERNELS)
    sums: dict[tuple[str, int, str], float] = {}
    for row in read_table(LAUNCHES, PROFILER_ZIP, (), lambda _: None):
        key = (row["point"], row["repetition_id"], row["kernel"])
        sums[key] = sums.get(key, 0.0) + row["time_us"]
    assert len(sums) == len(kernels) == 30
    for row in kernels.itertuples():
        assert sums[row.point, row.repetition_id, row.kernel] == pytest.approx(row.time_us)
    first = next(iter(read_table(LAUNCHES, PROFILER_ZIP, (), lambda _: None)))
    assert (first["sequence"], first["kernel"]) == (0, "reshape_to_columns")
    assert (first["global_size"], first["local_size"]) == ("1x1x64", "0x0x0")


def test_the_firefly_of_2018_is_known_by_its_model_string():
    warnings: list[str] = []
    frame = frame_of(FIREFLY_ENTRIES, FIREFLY, warnings=warnings)
    assert warnings == []
    assert frame["entry"].nunique() == 2
    assert set(frame["platform"]) == {"Firefly RK3399"}
    assert set(frame["board"]) == {"firefly-rk3399"}
    assert set(frame["library"]) == {
        "arm-compute-library-opencl-17.12-48bc34e",
        "arm-compute-library-opencl-18.03-e40997b",
    }
    assert set(frame["operator"]) == {"mobilenets-gemm", "mobilenets-direct"}
    assert set(frame["tensor"]) == {"mobilenet-v1-1.0-224"}
    assert set(frame["species"]) == {"network"}
    assert set(frame["device"]) == {"Mali-T860"}
    assert len(frame) == 40
    assert frame["time_us"].between(140_000, 260_000).all()
    assert frame["started_at"].str.startswith("2018-04-16").all()
    assert set(frame["warmup"]) == {"unknown"}


def test_an_unknown_platform_keeps_its_name_and_says_what_to_add():
    warnings: list[str] = []
    frame_of(NONE_ZIP, FIREFLY, warnings=warnings)
    [warning] = warnings
    assert 'models: ["CKStudy x86 PoCL Board (simulated)"]' in warning
    assert "config/boards/ckstudy-x86-pocl-board-simulated.yaml" in warning


def test_check_finds_genuine_archives_as_ck_writes_them():
    for path in (NONE_ZIP, DEFAULT_ZIP, PROFILER_ZIP):
        assert list(check(path)) == []
    complaints = list(check(FIREFLY_ENTRIES))
    assert {complaint.severity for complaint in complaints} == {"warning"}
    # They are no CK-NNTest entries and lie in no repository; nothing else is said.
    assert len(complaints) == 4


def test_overview_counts():
    entries = {entry.program: entry for entry in overview(NONE_ZIP, (), lambda _: None)}
    conv = entries["conv-armcl-opencl"]
    assert (len(conv.points), conv.succeeded, conv.failed) == (11, 30, 1)
    direct = entries["directconv-armcl-opencl"]
    assert (len(direct.points), direct.succeeded, direct.failed) == (11, 33, 0)
