"""Merging: once each, nothing lost, the same bytes in any order."""

from __future__ import annotations

import itertools
import json
import zipfile

import pytest
from archives.ck.ck_samples import (
    DEFAULT_ZIP,
    FIREFLY,
    NONE_ZIP,
    TENSORS,
    bad,
    ck_members,
    ck_meta,
    ck_point,
    ck_run,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    needs_genuine,
    unpack,
    write,
    zip_of,
)
from nntest.archives.ck import check, merge, read_rows
from nntest.errors import UserError

A, B = "a" * 16, "b" * 16
UID, OTHER = "0123456789abcdef", "fedcba9876543210"


def ck_zip(path, points, uid=UID, alias="nntest-conv-label", meta=None):
    return zip_of(path, ck_members(points, alias=alias, uid=uid, meta=meta))


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def quiet(_):
    return None


def in_every_order(tmp_path, paths, **options):
    """Merge in every order; the one result that all of them must have."""
    results = set()
    for index, order in enumerate(itertools.permutations(paths)):
        out = tmp_path / f"out-{index}.zip"
        merge(order, out, warn=quiet, **options)
        results.add(out.read_bytes())
    assert len(results) == 1
    return tmp_path / "out-0.zip"


def test_points_of_one_uid_come_together(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()})
    two = ck_zip(tmp_path / "two.zip", {f"{B}.0001": ck_point()})
    out = in_every_order(tmp_path, [one, two])
    frame = frame_of(out, FIREFLY)
    assert dict(zip(frame["point"], frame["archive"], strict=True)) == {A: "one.zip", B: "two.zip"}
    assert frame["entry"].unique().tolist() == [UID]
    members = members_of(out)
    assert json.loads(members["experiment/nntest-conv-label/.cm/meta.json"])["points"] == "2"
    assert list(check(out)) == []


def test_the_same_measurement_is_there_once(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()})
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": ck_point(), f"{B}.0001": ck_point()})
    report = merge([one, two, one], tmp_path / "out.zip", warn=quiet)
    assert (report.entries, report.points, report.recordings, report.repeated) == (1, 2, 2, 2)
    assert report.remarks == []
    assert len(frame_of(tmp_path / "out.zip", FIREFLY)) == 4


def test_a_merged_archive_merges_again_with_its_parts(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()})
    two = ck_zip(tmp_path / "two.zip", {f"{B}.0001": ck_point()}, uid=OTHER)
    merge([one, two], tmp_path / "first.zip", warn=quiet)
    merge([tmp_path / "first.zip", two, one], tmp_path / "again.zip", warn=quiet)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_one_alias_of_two_uids_is_two_entries_and_told(tmp_path):
    early, late = ck_meta(), ck_meta()
    late["added"]["iso_datetime"] = "2019-01-01T00:00:00"
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()}, uid=OTHER, meta=early)
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": ck_point()}, uid=UID, meta=late)
    out = in_every_order(tmp_path, [one, two])
    members = members_of(out)
    assert members["experiment/.cm/alias-a-nntest-conv-label"] == f"{OTHER}\n".encode()
    assert members[f"experiment/.cm/alias-a-nntest-conv-label-{UID}"] == f"{UID}\n".encode()
    assert members[f"experiment/.cm/alias-u-{UID}"] == f"nntest-conv-label-{UID}\n".encode()
    info = json.loads(members[f"experiment/nntest-conv-label-{UID}/.cm/info.json"])
    assert info["data_name"] == f"nntest-conv-label-{UID}"
    assert list(check(out)) == []
    report = merge([two, one], tmp_path / "reported.zip", warn=quiet)
    assert len(report.renamed) == 1
    assert f"renamed to nntest-conv-label-{UID}" in report.renamed[0]
    assert frame_of(out, FIREFLY)["entry"].nunique() == 2


def test_aliases_that_differ_in_case_only_are_kept_apart(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()}, alias="nntest-Label")
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": ck_point()}, OTHER, "nntest-label")
    out = in_every_order(tmp_path, [one, two])
    names = [name.casefold() for name in members_of(out)]
    assert len(names) == len(set(names))


def test_a_contradiction_names_both_archives_and_changes_nothing(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point(runs=[ck_run(0.001)])})
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": ck_point(runs=[ck_run(0.002)])})
    (tmp_path / "out.zip").write_text("earlier")
    with pytest.raises(UserError) as raised:
        merge([one, two], tmp_path / "out.zip", warn=quiet)
    message = str(raised.value)
    for part in (str(one), str(two), UID, A, "keep-both"):
        assert part in message
    assert (tmp_path / "out.zip").read_text() == "earlier"
    assert not list(tmp_path.glob("*.part"))


def test_keep_both_makes_a_contradiction_further_repetitions(tmp_path):
    paths = [
        ck_zip(tmp_path / f"{n}.zip", {f"{A}.0001": ck_point(runs=[ck_run(n / 1000)])})
        for n in (1, 2, 3)
    ]
    out = in_every_order(tmp_path, paths, keep_both=True)
    frame = frame_of(out, FIREFLY)
    assert sorted(frame["time_us"]) == [1000.0, 2000.0, 3000.0]
    assert sorted(frame["repetition_id"]) == [0, 1, 2]
    assert sorted(frame["subpoint"]) == [1, 2, 3]
    assert sorted(frame["archive"]) == ["1.zip", "2.zip", "3.zip"]
    by_archive = dict(zip(frame["archive"], frame["time_us"], strict=True))
    assert by_archive == {"1.zip": 1000.0, "2.zip": 2000.0, "3.zip": 3000.0}
    report = merge(paths, tmp_path / "reported.zip", keep_both=True, warn=quiet)
    assert len(report.conflicts) == 2
    again = tmp_path / "again.zip"
    merge([out, *paths], again, warn=quiet)  # nothing contradicts what is all in there
    assert again.read_bytes() == out.read_bytes()


def test_further_subpoints_are_no_contradiction(tmp_path):
    first = ck_point(runs=[ck_run(0.001)])
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": first})
    two = ck_zip(
        tmp_path / "two.zip", {f"{A}.0001": first, f"{A}.0002": ck_point(runs=[ck_run(0.002)])}
    )
    out = in_every_order(tmp_path, [one, two])
    assert sorted(frame_of(out, FIREFLY)["time_us"]) == [1000.0, 2000.0]


def test_the_later_state_of_a_sweep_is_kept(tmp_path):
    point, other = make_point(), make_point(tensor=TENSORS[1])
    plan = make_plan([point, other])
    lines = [header(), good(point, 0), bad(point, 1, "lost-link")]
    early = write(tmp_path / "early.zip", plan, lines)
    longer = make_plan([{**point, "repetitions": 9}, other], timestamp="2026-11-22T08:00:00Z")
    lines += [good(point, 1), good(point, 2), good(other, 0)]
    late = write(tmp_path / "late.zip", longer, lines)
    out = in_every_order(tmp_path, [early, late])
    frame = frame_of(out)
    assert frame["status"].tolist() == ["ok"] * 4
    assert frame["entry"].nunique() == 1
    assert merge([early, late], out, warn=quiet).remarks == []


def test_a_good_repetition_is_never_lost_to_a_failed_one(tmp_path):
    point = make_point()
    one = write(tmp_path / "one.zip", make_plan([point]), [header(), good(point, 0)])
    two = write(tmp_path / "two.zip", make_plan([point]), [header(), bad(point, 0)])
    out = in_every_order(tmp_path, [one, two])
    assert frame_of(out)["status"].tolist() == ["ok"]


def test_an_aborted_run_of_ck_beside_a_good_one_is_a_contradiction(tmp_path):
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point(runs=[{}])})
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": ck_point()})
    with pytest.raises(UserError):
        merge([one, two], tmp_path / "out.zip", warn=quiet)


def test_another_driver_or_library_is_reported(tmp_path):
    other = ck_point()
    other["features"]["gpgpu"][0]["gpgpu_misc"]["software (driver) version"] = "1.3"
    one = ck_zip(tmp_path / "one.zip", {f"{A}.0001": ck_point()})
    two = ck_zip(tmp_path / "two.zip", {f"{A}.0001": other}, OTHER, "nntest-other")
    point = make_point()
    ours = [
        write(
            tmp_path / f"{name}.zip",
            make_plan([point], library={"name": "lib", "version": "1", "checksum": name * 8}),
            [header(name * 8), good(point)],
        )
        for name in ("ours-a", "ours-b")
    ]
    report = merge([one, two, *ours], tmp_path / "out.zip", warn=quiet)
    [driver] = [said for said in report.differences if "driver" in said]
    assert "1.2 in one.zip" in driver
    assert "1.3 in two.zip" in driver
    [library] = [said for said in report.differences if "checksum of library" in said]
    assert "ours-a.zip" in library
    assert "ours-b.zip" in library
    assert len(report.differences) == 2


def test_everything_of_a_genuine_entry_is_kept(tmp_path):
    members = ck_members({f"{A}.0001": ck_point()})
    folder = "experiment/nntest-conv-armcl-opencl-arm-compute-library-opencl-18.05-b3a371b-label"
    extra = {
        f"{folder}/ckp-{A}.flat.json": b'{"a": 1}',
        f"{folder}/ckp-{A}.features_flat.json": b'{"b": 1}',
        f"{folder}/pipeline.json": b'{"c": 1}',
        f"{folder}/desc.json": b'{"d": 1}',
        f"{folder}/.cm/updates.json": b'{"control": []}',
        f"{folder}/.cm/desc.json": b"{}",
    }
    path = zip_of(tmp_path / "one.zip", {**members, **extra})
    merge([path], tmp_path / "out.zip", warn=quiet)
    merged = members_of(tmp_path / "out.zip")
    for name, data in extra.items():
        assert merged[name] == data
    assert set(merged) == {*members, *extra}


def test_an_entry_without_uid_cannot_be_merged(tmp_path):
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / f"ckp-{A}.0001.json").write_text(json.dumps(ck_point()))
    with pytest.raises(UserError, match="without a UID"):
        merge([tmp_path / "entry"], tmp_path / "out.zip", warn=quiet)


def test_what_cannot_be_read_is_told_and_the_rest_merged(tmp_path):
    members = ck_members({f"{A}.0001": ck_point(), f"{B}.0001": ck_point()})
    [name] = [name for name in members if B in name]
    path = zip_of(tmp_path / "one.zip", {**members, name: b'{"a": NaN}'})
    reported: list[str] = []
    report = merge(
        [path, zip_of(tmp_path / "none.zip", {})], tmp_path / "out.zip", warn=reported.append
    )
    assert report.points == 1
    assert reported == report.remarks
    assert any(name in said and "NaN" in said for said in reported)
    assert any("none.zip" in said for said in reported)


@pytest.mark.parametrize("key", ["characteristics_list", "features", "choices"])
@pytest.mark.parametrize("value", [True, 1, "text", [1], {"run": []}, None])
def test_values_of_a_wrong_kind_are_carried_along(tmp_path, key, value):
    content = {**ck_point(), key: value}
    path = ck_zip(tmp_path / "one.zip", {f"{A}.0001": content})
    report = merge([path, path], tmp_path / "out.zip", warn=quiet)
    assert (report.recordings, report.repeated) == (1, 1)


def test_rows_are_the_same_before_and_after(tmp_path):
    points, others = [make_point("conv", t) for t in TENSORS], [make_point("directconv")]
    lines = [header(), *(good(point, i) for point in points for i in range(3))]
    one = write(tmp_path / "one.zip", make_plan(points), lines)
    two = write(tmp_path / "two.zip", make_plan(others), [header("1" * 32), good(others[0])])
    merge([one, two], tmp_path / "out.zip", warn=quiet)
    before = [row for path in (one, two) for row in read_rows(path, (), quiet)]
    after = list(read_rows(tmp_path / "out.zip", (), quiet))
    assert sorted(map(repr, before)) == sorted(map(repr, after))


@needs_genuine
def test_an_archive_of_ck_and_one_of_ours_give_one_table(tmp_path):
    point = make_point()
    ours = write(tmp_path / "ours.zip", make_plan([point]), [header(), good(point)])
    out = in_every_order(tmp_path, [NONE_ZIP, ours, DEFAULT_ZIP])
    frame = frame_of(out)
    assert len(frame) == 64 + 64 + 1
    assert set(frame["archive"]) == {NONE_ZIP.name, DEFAULT_ZIP.name, "ours.zip"}
    assert frame["library"].nunique() == 2


@needs_genuine
def test_folders_merge_as_zips_do(tmp_path):
    folder = unpack(NONE_ZIP, tmp_path / NONE_ZIP.name)
    merge([NONE_ZIP], tmp_path / "a.zip", warn=quiet)
    merge([folder], tmp_path / "b.zip", warn=quiet)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
