"""Hostile archives: named, refused or skipped; nothing written anywhere; the rest still read."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest
from archives.ck.ck_samples import FIREFLY, ck_members, ck_point, dumps, frame_of, unpack, zip_of
from nntest.archives.ck import check, merge, read_rows
from nntest.archives.ck.safety import Limits, RefusedError, parse_json, parse_object, unsafe_name
from nntest.archives.ck.trees import open_tree
from nntest.errors import UserError

A, B = "a" * 16, "b" * 16
GOOD = ck_members({f"{A}.0001": ck_point()})
FOLDER = "experiment/nntest-conv-armcl-opencl-arm-compute-library-opencl-18.05-b3a371b-label"


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def assert_skipped(tmp_path, path, member):
    """The member is named, the good point is still read and merged, nothing is written."""
    before = listing(tmp_path)
    warnings: list[str] = []
    frame = frame_of(path, FIREFLY, warnings=warnings)
    assert frame["point"].unique().tolist() == [A]
    assert any(member in warning for warning in warnings), warnings
    assert any(member in str(complaint) for complaint in check(path))
    merge([path], tmp_path / "merged.zip", warn=lambda _: None)
    assert listing(tmp_path) == before | {"merged.zip"}
    with zipfile.ZipFile(tmp_path / "merged.zip") as merged:
        assert all(unsafe_name(name) is None for name in merged.namelist())
    assert frame_of(tmp_path / "merged.zip", FIREFLY)["point"].unique().tolist() == [A]


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.json",
        f"{FOLDER}/../../../ckp-{B}.0001.json",
        f"/tmp/ckp-{B}.0001.json",
        f"C:/ckp-{B}.0001.json",
        f"c:ckp-{B}.0001.json",
        f"{FOLDER}\\ckp-{B}.0001.json",
        f"..\\..\\ckp-{B}.0001.json",
        f"experiment//ckp-{B}.0001.json",
        f"./experiment/ckp-{B}.0001.json",
        f"experiment/line\nbreak/ckp-{B}.0001.json",
        f"experiment/{'x' * 2000}/ckp-{B}.0001.json",
    ],
)
def test_names_that_escape(tmp_path, name):
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: dumps(ck_point())})
    shown = name.replace("\n", "\\x0a")[:100]
    assert_skipped(tmp_path, path, shown)


def test_a_name_with_a_nul_in_it(tmp_path):
    hidden = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, f"{hidden}Z../../x": dumps(ck_point())})
    path.write_bytes(path.read_bytes().replace(b".jsonZ..", b".json\0.."))
    assert_skipped(tmp_path, path, f"{hidden}\\x00")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_links_devices_and_pipes(tmp_path, mode):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    path = zip_of(tmp_path / "a.zip", [*GOOD.items(), (info, b"/etc/passwd")])
    assert_skipped(tmp_path, path, name)


def test_encrypted_members(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: dumps(ck_point())})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(magic) + offset] |= 1  # the last member of each list is the one
    path.write_bytes(data)
    assert_skipped(tmp_path, path, name)


def test_a_compression_that_is_not_known(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: dumps(ck_point())})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.rindex(magic) + offset, 77)
    path.write_bytes(data)
    assert_skipped(tmp_path, path, name)


def test_a_damaged_member(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: dumps(ck_point())})
    data = bytearray(path.read_bytes())
    start = data.rindex(b"PK\x03\x04") + 30 + len(name)
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    assert_skipped(tmp_path, path, name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1, 2]", "expected a JSON object"),
        (b'{"characteristics_list": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_is_no_plain_json(tmp_path, content, reason):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: content})
    assert_skipped(tmp_path, path, name)
    warnings: list[str] = []
    list(read_rows(path, (), warnings.append))
    assert any(reason in warning for warning in warnings)


def test_a_meta_that_is_no_json_leaves_the_points(tmp_path):
    path = zip_of(tmp_path / "a.zip", {**GOOD, f"{FOLDER}/.cm/meta.json": b'{"a":\n x}'})
    warnings: list[str] = []
    frame = frame_of(path, FIREFLY, warnings=warnings)
    assert len(frame) == 2
    assert any("meta.json:2:2: skipped: not JSON" in warning for warning in warnings)


# -- names that meet -----------------------------------------------------------------------


def test_a_member_twice_with_the_same_contents_is_read_once(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_of(tmp_path / "a.zip", [*GOOD.items(), *GOOD.items()])
    warnings: list[str] = []
    assert len(frame_of(path, FIREFLY, warnings=warnings)) == 2
    assert warnings == []


def test_a_member_twice_with_other_contents_is_not_read_at_all(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    twice = [(name, dumps(ck_point())), (name, dumps(ck_point(runs=[])))]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_of(tmp_path / "a.zip", [*GOOD.items(), *twice])
    assert_skipped(tmp_path, path, name)


def test_names_that_differ_in_case_only_are_not_read(tmp_path):
    members = ck_members({f"{B}.0001": ck_point()}, alias="nntest-Other", uid=B)
    upper = ck_members({f"{B}.0001": ck_point(runs=[])}, alias="nntest-OTHER", uid=B)
    path = zip_of(tmp_path / "a.zip", {**GOOD, **members, **upper})
    warnings: list[str] = []
    frame = frame_of(path, FIREFLY, warnings=warnings)
    assert set(frame["point"]) == {A}
    assert any("in case only" in warning for warning in warnings)


# -- bombs ---------------------------------------------------------------------------------


def test_a_member_that_unpacks_to_too_much(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: b" " * 70_000_000})
    assert_skipped(tmp_path, path, name)


def test_a_member_that_unpacks_to_many_times_its_size(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: b" " * 5_000_000})
    assert_skipped(tmp_path, path, name)


def test_a_member_that_lies_about_its_size_is_not_believed(tmp_path):
    name = f"{FOLDER}/ckp-{B}.0001.json"
    path = zip_of(tmp_path / "a.zip", {**GOOD, name: b" " * 5_000_000})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.rindex(magic) + offset, 1000)
    path.write_bytes(data)
    assert_skipped(tmp_path, path, name)


def test_too_much_in_all_or_too_many(tmp_path):
    path = zip_of(tmp_path / "a.zip", GOOD)
    for limits, reason in (
        (Limits(total_bytes=100), "unpacks to"),
        (Limits(members=3), "members"),
    ):
        with pytest.raises(UserError, match=reason), open_tree(path, print, limits):
            pass


def test_too_many_members_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.zip", {f"{index}": b"" for index in range(2000)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(UserError, match="directory"), open_tree(path, print, Limits(members=10)):
        pass


@pytest.mark.parametrize("lie", [None, 10, 10**12])
def test_the_size_of_a_zip64_directory_is_looked_up(tmp_path, lie):
    data = zip_of(tmp_path / "a.zip", GOOD).read_bytes()
    end = data.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<LL", data[end + 12 : end + 20])
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, len(GOOD), len(GOOD), lie or size, offset
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, 0xFFFFFFFF)
    (tmp_path / "a.zip").write_bytes(data[:end] + record + locator + tail)
    if lie is None:
        assert len(frame_of(tmp_path / "a.zip", FIREFLY)) == 2
        return
    with pytest.raises(UserError, match="directory takes" if lie > size else "not a zip"):
        list(read_rows(tmp_path / "a.zip"))


def test_members_that_share_their_bytes(tmp_path):
    path = zip_of(tmp_path / "a.zip", {**GOOD, "x": b"1" * 1000, "y": b"2" * 1000})
    data = bytearray(path.read_bytes())
    # Both of the last two say that they begin where the first of them does.
    last = data.rindex(b"PK\x01\x02")
    before = data.rindex(b"PK\x01\x02", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    path.write_bytes(data)
    with pytest.raises(UserError, match="overlaps"):
        list(read_rows(path))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_zips(tmp_path, kept):
    data = zip_of(tmp_path / "a.zip", GOOD).read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UserError, match="truncated"):
        list(read_rows(tmp_path / "a.zip"))


def test_only_so_many_warnings(tmp_path):
    bad = {f"../{index}": b"" for index in range(100)}
    warnings: list[str] = []
    frame_of(zip_of(tmp_path / "a.zip", {**GOOD, **bad}), FIREFLY, warnings=warnings)
    assert len(warnings) == 21
    assert "more members were skipped" in warnings[-1]


# -- folders -------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path):
    return unpack(zip_of(tmp_path / "a.zip", GOOD), tmp_path / "repository")


def test_links_in_a_folder_are_not_followed(tmp_path, repository):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / f"ckp-{B}.0001.json").write_bytes(dumps(ck_point()))
    (repository / "experiment" / "linked").symlink_to(secret)
    (repository / FOLDER / f"ckp-{B}.0001.json").symlink_to(secret / f"ckp-{B}.0001.json")
    warnings: list[str] = []
    frame = frame_of(repository, FIREFLY, warnings=warnings)
    assert set(frame["point"]) == {A}
    assert any("experiment/linked" in warning for warning in warnings)


def test_a_linked_meta_folder_is_not_followed(tmp_path, repository):
    meta = repository / FOLDER / ".cm"
    meta.rename(tmp_path / "elsewhere")
    meta.symlink_to(tmp_path / "elsewhere")
    warnings: list[str] = []
    frame = frame_of(repository, FIREFLY, warnings=warnings)
    assert len(frame) == 2
    assert set(frame["library"]) == {""}
    assert any("symbolic link" in warning for warning in warnings)


def test_a_link_that_goes_round_ends(repository):
    (repository / "experiment" / "round").symlink_to(repository)
    assert len(frame_of(repository, FIREFLY)) == 2


def test_a_pipe_is_not_waited_for(repository):
    os.mkfifo(repository / FOLDER / f"ckp-{B}.0001.json")
    assert set(frame_of(repository, FIREFLY)["point"]) == {A}


def test_a_huge_file_is_not_read(repository):
    name = repository / FOLDER / f"ckp-{B}.0001.json"
    with name.open("wb") as file:
        file.truncate(100 * 2**20)
    warnings: list[str] = []
    assert set(frame_of(repository, FIREFLY, warnings=warnings)["point"]) == {A}
    assert any("allowed" in warning for warning in warnings)


# -- JSON ----------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_fault():
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_depth_is_bounded_where_it_is_asked_for():
    deep = b'{"a": ' * 50 + b"1" + b"}" * 50
    assert parse_object(deep)
    assert parse_object(deep, 60)
    with pytest.raises(RefusedError, match="deeper than 10"):
        parse_object(deep, 10)
