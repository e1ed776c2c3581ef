"""One bad record fails one point: not the archive, not a merge, not the tables."""

from __future__ import annotations

import json

import pytest
from archives.ck.bad_records import BAD, GOOD, GOOD_TIMES, zip_with
from archives.ck.ck_samples import FIREFLY, ck_meta, ck_point, frame_of, zip_of
from nntest.analysis import tables
from nntest.analysis.points import points
from nntest.archives.ck import check, merge, overview
from nntest.archives.ck.tables import read_table
from nntest.domain.tables.measurements import KERNELS, LAUNCHES


def good_times(frame):
    return sorted(frame[frame["point"] == GOOD]["time_us"])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_fails_its_point_alone(tmp_path, name):
    path = zip_with(tmp_path / "a.zip", [BAD[name]])
    frame = frame_of(path, FIREFLY)
    assert good_times(frame) == GOOD_TIMES
    assert points(frame, 1)
    for table in (tables.summary, tables.tuner_check):
        table(frame, 1)
    tables.speedup(frame, "conv", "NONE", 1)
    tables.device_state(frame)
    failed = tables.failed(frame)
    assert (failed["reason"] != "").all()
    merge([path], tmp_path / "merged.zip")
    merged = frame_of(tmp_path / "merged.zip", FIREFLY)
    assert merged.drop(columns="archive").equals(frame.drop(columns="archive"))
    for look in (check, overview):
        list(look(path))
    for table in (KERNELS, LAUNCHES):
        list(read_table(table, path))


def test_all_of_them_at_once_fail_only_themselves(tmp_path):
    frame = frame_of(zip_with(tmp_path / "a.zip", list(BAD.values())), FIREFLY)
    assert good_times(frame) == GOOD_TIMES
    numbers = frame.groupby("point")["repetition_id"]
    assert (numbers.nunique() == numbers.size()).all()
    assert ((frame["time_us"].isna()) | frame["time_us"].between(1, 1e9)).all()


def test_a_status_of_another_version_is_failed_and_said(tmp_path):
    path = zip_with(tmp_path / "a.zip", [BAD["a status of another version"]])
    failed = tables.failed(frame_of(path, FIREFLY))
    assert failed["status"].tolist() == ["failed"]
    assert failed["reason"].tolist() == ["melted: it was hot"]


def test_a_batch_size_that_nobody_can_read_fails_with_that_reason(tmp_path):
    path = zip_with(tmp_path / "a.zip", [BAD["a batch in words"]])
    failed = tables.failed(frame_of(path, FIREFLY))
    assert failed["reason"].tolist() == ["its batch size is not a number of images"]
    assert failed["repetitions"].tolist() == [2]


def test_a_number_that_no_float_holds_does_not_take_the_meta_with_it(tmp_path):
    meta = ck_meta()
    text = json.dumps({**meta, "odd": "here"}).replace('"here"', "[1e999, -2e400]").encode()
    path = zip_with(tmp_path / "a.zip", [], text)
    merge([path], tmp_path / "merged.zip")
    warnings: list[str] = []
    frame = frame_of(tmp_path / "merged.zip", FIREFLY, warnings=warnings)
    assert set(frame["library"]) == {"arm-compute-library-opencl-18.05-b3a371b"}
    assert not [warning for warning in warnings if "meta.json" in warning]


def test_a_meta_that_is_not_json_loses_no_time_and_no_other_entry(tmp_path):
    members = {}
    for letter, meta in (("a", b"{"), ("b", json.dumps(ck_meta()).encode())):
        folder = f"experiment/{letter}"
        members[f"experiment/.cm/alias-a-{letter}"] = (letter * 16 + "\n").encode()
        members[f"experiment/.cm/alias-u-{letter * 16}"] = f"{letter}\n".encode()
        members[f"{folder}/.cm/meta.json"] = meta
        members[f"{folder}/ckp-{letter * 16}.0001.json"] = json.dumps(ck_point()).encode()
    path = zip_of(tmp_path / "a.zip", members)
    merge([path], tmp_path / "merged.zip")
    for archive in (path, tmp_path / "merged.zip"):
        warnings: list[str] = []
        frame = frame_of(archive, FIREFLY, warnings=warnings)
        assert frame.groupby("entry").size().to_dict() == {"a" * 16: 2, "b" * 16: 2}
