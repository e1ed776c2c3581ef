"""Profiling entries: kernel times and counters, apart from the measurements."""

from __future__ import annotations

from archives.ck.ck_samples import FIREFLY, ck_members, ck_point, ck_run, frame_of, zip_of
from nntest.archives.ck.tables import read_table
from nntest.archives.measurements import to_frame
from nntest.domain.tables.accuracy import ACCURACY_RUNS
from nntest.domain.tables.measurements import COUNTERS, KERNELS

POINT = "a" * 16


def test_profiling_is_told_by_yes_alone(tmp_path):
    run = {**ck_run(0.001), "execution_time_opencl_us": {"b ": 2.5, "a": 1.5}}
    members = ck_members(
        {
            f"{POINT}.0001": ck_point(runs=[run, {}], dvdt_prof="yes"),
            f"{'b' * 16}.0001": ck_point(runs=[run], dvdt_prof="no"),
            f"{'c' * 16}.0001": ck_point(runs=[run], dvdt_prof=""),
        }
    )
    path = zip_of(tmp_path / "a.zip", members)
    assert set(frame_of(path, FIREFLY)["point"]) == {"b" * 16, "c" * 16}
    kernels = to_frame(read_table(KERNELS, path, [FIREFLY], lambda _: None), KERNELS)
    assert set(kernels["point"]) == {POINT}
    good = kernels[kernels["status"] == "ok"]
    assert dict(zip(good["kernel"], good["time_us"], strict=True)) == {"a": 1.5, "b": 2.5}
    [failed] = kernels[kernels["status"] != "ok"].to_dict("records")
    assert (failed["kernel"], failed["status"]) == ("", "failed")


def test_counters_of_any_shape(tmp_path):
    counters = {"JS0_JOBS": 3, "core": [{"cycles": 10.5}, {"cycles": "11"}], "note": "text"}
    content = ck_point(runs=[{**ck_run(0.001), "mali_hwc": counters}], mali_hwc="yes")
    path = zip_of(tmp_path / "a.zip", ck_members({f"{POINT}.0001": content}))
    assert frame_of(path, FIREFLY).empty
    rows = list(read_table(COUNTERS, path, [FIREFLY], lambda _: None))
    assert {row["counter"]: row["value"] for row in rows} == {
        "JS0_JOBS": 3.0,
        "core/0/cycles": 10.5,
        "core/1/cycles": 11.0,
    }
    assert {row["platform"] for row in rows} == {"Firefly RK3399"}


def test_counts_of_classified_images_are_read_and_are_no_measurement(tmp_path):
    counts = [{"images": 50, "top1": 30, "top5": 45}, {"images": "all", "top1": 1.5}, None]
    runs = [{**ck_run(0.001), "run_time_state": {"accuracy": said}} for said in counts]
    content = ck_point(runs=[*runs, {}], nntest_profile="accuracy")
    path = zip_of(tmp_path / "a.zip", ck_members({f"{POINT}.0001": content}))
    assert frame_of(path, FIREFLY).empty
    rows = list(read_table(ACCURACY_RUNS, path, [FIREFLY], lambda _: None))
    assert [row["repetition_id"] for row in rows] == [0, 1, 2, 3]
    assert [(row["images"], row["top1"], row["top5"]) for row in rows] == [
        (50, 30, 45), *[(None, None, None)] * 3,
    ]  # fmt: skip
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "failed"]
    other = ck_point(runs=runs)
    path = zip_of(tmp_path / "b.zip", ck_members({f"{POINT}.0001": other}))
    assert not list(read_table(ACCURACY_RUNS, path, [FIREFLY], lambda _: None))
