"""Whatever a board writes reads back, and whatever anybody writes ends in no traceback.

`--hypothesis-profile=long` tries 20 times as many examples as `make test-all`.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from archives.ck.ck_samples import (
    TENSORS,
    bad,
    ck_members,
    ck_meta,
    ck_point,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    write,
    zip_of,
)
from archives.ck.every_way import quiet, read_in_every_way
from damage import JSON, ODD_NUMBERS, paths_in, replaced, value_at
from hypothesis import given, settings
from hypothesis import strategies as st
from nntest.archives.ck import (
    check,
    merge,
)
from nntest.archives.ck.recordings import RecordingParser
from nntest.archives.ck.safety import RefusedError, parse_object, unsafe_name

A, B = "a" * 16, "b" * 16
POINTS = [
    make_point(operator, tensor, tuner, repetitions=6)
    for operator in ("conv", "directconv")
    for tensor in TENSORS[:2]
    for tuner in ("NONE", "DEFAULT")
]


def fuzz(examples: int) -> settings:
    """Settings of a fuzzing test: so many examples in `make test-all`, a fifth in `make test`."""
    return settings(max_examples=examples * settings().max_examples // 100)


some = fuzz(40)


# -- archives of ours ----------------------------------------------------------------------

STATUSES = ("ok", "wrong-output", "timeout", "crashed(SIGSEGV)")
TIMES = st.floats(1e-9, 1e4)
REASONS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9)


@st.composite
def journals(draw):
    """Lines of a journal: repetitions of points, each at most once, in any order."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(range(len(POINTS))), st.integers(0, 5)),
            unique=True,
            max_size=25,
        )
    )
    lines = []
    for index, repetition in keys:
        status = draw(st.sampled_from(STATUSES))
        if status == "ok":
            lines.append(good(POINTS[index], repetition, time_s=draw(TIMES), setup_s=draw(TIMES)))
        else:
            lines.append(bad(POINTS[index], repetition, status, reason=draw(REASONS)))
    return lines


@some
@given(journals())
def test_every_line_of_a_journal_is_a_row(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "a.zip"), make_plan(POINTS), [header(), *lines])
        frame = frame_of(path)
        assert list(check(path)) == [] or not lines
    rows = {(row.point, row.repetition_id): row for row in frame.itertuples()}
    assert len(rows) == len(frame) == len(lines)
    for line in lines:
        row = rows[line["point"], line["repetition"]]
        assert row.status == line["status"]
        if line["status"] == "ok":
            assert abs(row.time_us - line["time_s"] * 1e6) <= 1e-9 * row.time_us
            assert row.GFLOPS > 0
        else:
            assert row.time_us != row.time_us  # NaN: no time


@some
@given(journals(), st.randoms(use_true_random=False), st.data())
def test_states_of_one_journal_merge_to_the_last_in_any_order(lines, random, data):
    lengths = data.draw(st.lists(st.integers(0, len(lines)), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            write(Path(folder, f"{i}.zip"), make_plan(POINTS), [header(), *lines[:length]])
            for i, length in enumerate([*lengths, len(lines)])
        ]
        expected = frame_of(paths[-1])[COLUMNS]
        merge(paths, Path(folder, "merged.zip"), warn=quiet)
        assert frame_of(Path(folder, "merged.zip"))[COLUMNS].equals(expected)
        random.shuffle(paths)
        merge(paths, Path(folder, "again.zip"), warn=quiet)
        merged, again = (Path(folder, f"{name}.zip").read_bytes() for name in ("merged", "again"))
        assert merged == again


COLUMNS = ["point", "repetition_id", "status", "time_us", "setup_us", "reason", "tensor", "tuner"]


@some
@given(
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.integers(1, 3), st.sampled_from([0.001, 0.002])),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_keep_both_loses_nothing_and_knows_no_order(recordings, random):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, (point, number, time_s) in enumerate(recordings):
            content = ck_point(runs=[{"execution_time_kernel_1": time_s, "run_success": "yes"}])
            members = ck_members({f"{point}.{number:04d}": content}, meta=ck_meta())
            paths.append(zip_of(Path(folder, f"{index}.zip"), members))
        merge(paths, Path(folder, "a-merged.zip"), keep_both=True, warn=quiet)
        random.shuffle(paths)
        merge(paths, Path(folder, "b-merged.zip"), keep_both=True, warn=quiet)
        merged = Path(folder, "a-merged.zip")
        assert merged.read_bytes() == Path(folder, "b-merged.zip").read_bytes()
        frame = frame_of(merged)
    wanted = {(point, round(time_s * 1e6)) for point, _, time_s in recordings}
    found = {(row.point, round(row.time_us)) for row in frame.itertuples()}
    assert found == wanted
    assert len(frame) == len(wanted)  # the same contents once, whatever their number was


# -- JSON ----------------------------------------------------------------------------------


@fuzz(200)
@given(st.dictionaries(st.sampled_from(["a", "features", "z", "choices"]), JSON), st.integers(0, 4))
def test_remembered_features_change_nothing(content, indent):
    parser = RecordingParser()
    for data in (
        json.dumps(content, indent=indent or None, sort_keys=True).encode() + b"\n",
        json.dumps(content, indent=2).encode(),
        json.dumps({**content, "features": {"x": content}}, indent=2, sort_keys=True).encode(),
        json.dumps({"features": 1, **content}, indent=2).encode(),
    ):
        assert parser.parse(data) == parser.parse(data) == parse_object(data)


FEATURES = b'{\n  "features": {\n    "a": 1\n  }\n}'


@fuzz(200)
@given(st.binary(max_size=6), st.integers(0, len(FEATURES)), st.integers(0, 6))
def test_remembered_features_accept_nothing_that_json_does_not(noise, at, cut):
    parser = RecordingParser()
    data = FEATURES[:at] + noise + FEATURES[at + cut :]
    try:
        wanted = parse_object(data)
    except RefusedError:
        wanted = None
    try:
        found = parser.parse(data)
    except RefusedError:
        found = None
    assert found == wanted


# -- anything at all -----------------------------------------------------------------------


OURS = make_plan([POINTS[0]])
PROFILED = ck_point(
    runs=[
        {
            "execution_time_kernel_1": 0.1,
            "run_success": "yes",
            "run_time_state": {"time_test": 0.1, "time_setup": 0.1},
            "execution_time_opencl_us": {"k": 1.0},
            "execution_time_list_opencl": [
                {"kernel_name": "k", "kernel_time": 1, "gws": [1, 1], "lws": [0]}
            ],
            "mali_hwc": {"a": {"b": [1]}},
        }
    ],
    dvdt_prof="yes",
)


@pytest.mark.parametrize("odd", ODD_NUMBERS, ids=lambda odd: str(odd)[:6])
def test_an_odd_number_in_any_place_of_a_recording_costs_no_other_point(odd, tmp_path):
    ours = write(tmp_path / "ours.zip", OURS, [header(), good(POINTS[0]), bad(POINTS[0], 1)])
    with zipfile.ZipFile(ours) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".0001.json")]
        recorded = json.loads(archive.read(name))
    points = {f"{A}.0001": ck_point()}
    for content in (ck_point(), PROFILED, recorded):
        for path in paths_in(content):
            if type(value_at(content, path)) in (int, float):
                points[f"{len(points):016x}.0001"] = replaced(content, path, odd)
    assert len(points) > 50
    path = zip_of(tmp_path / "a.zip", ck_members(points))
    read_in_every_way(path, tmp_path)
    frame = frame_of(path)
    assert (frame.loc[frame["point"] == A, "status"] == "ok").tolist() == [True, True]


@fuzz(150)
@given(st.data())
def test_any_value_in_any_place_of_a_recording_or_meta(data):
    contents = {"point": ck_point(), "profiled": PROFILED, "meta": ck_meta()}
    which = data.draw(st.sampled_from(sorted(contents)))
    path = data.draw(st.sampled_from(sorted(paths_in(contents[which]), key=str)))
    changed = replaced(contents[which], path, data.draw(JSON))
    contents[which] = changed
    members = ck_members({f"{A}.0001": contents["point"], f"{B}.0001": contents["profiled"]})
    [meta] = [name for name in members if name.endswith("meta.json")]
    members[meta] = json.dumps(contents["meta"]).encode()
    with tempfile.TemporaryDirectory() as folder:
        read_in_every_way(zip_of(Path(folder, "a.zip"), members), Path(folder))


@fuzz(80)
@given(st.data())
def test_any_value_in_any_place_of_an_archive_of_ours(data):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "a.zip"), OURS, [header(), good(POINTS[0]), bad(POINTS[0], 1)])
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = data.draw(st.sampled_from(sorted(n for n in members if n.endswith(".json"))))
        content = json.loads(members[name])
        place = data.draw(st.sampled_from(sorted(paths_in(content), key=str)))
        members[name] = json.dumps(replaced(content, place, data.draw(JSON))).encode()
        read_in_every_way(zip_of(path, members), Path(folder))


def sample_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ck_members({f"{A}.0001": ck_point(), f"{B}.0001": PROFILED}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


SAMPLE = sample_zip()


@fuzz(250)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SAMPLE) - 1), st.integers(0, 8), st.binary(min_size=0, max_size=8)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_damage_to_the_bytes_of_a_zip(changes):
    data = SAMPLE
    for at, cut, new in changes:
        data = data[:at] + new + data[at + cut :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        path.write_bytes(data)
        read_in_every_way(path, Path(folder))
        assert {item.name for item in Path(folder).iterdir()} <= {"a.zip", "merged.zip"}


NAMES = st.lists(
    st.sampled_from(
        [
            *("..", ".", "", "experiment", ".cm", "a", "A", "C:", "alias-a-a", "meta.json", "é"),
            *(f"ckp-{A}.0001.json", f"ckp-{A}.flat.json", "x\\y", "\ud800", "line\nbreak", "n\0"),
        ]
    ),
    min_size=1,
    max_size=5,
).map(lambda parts: "/".join(parts) or "/")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@fuzz(150)
@given(
    st.dictionaries(
        NAMES, st.sampled_from([b"{}", b"x", json.dumps(ck_point()).encode()]), max_size=8
    )
)
def test_any_names_of_members(members):
    stored = {name.encode("utf-8", "replace").decode(): data for name, data in members.items()}
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer, "inner")
        folder.mkdir()
        read_in_every_way(zip_of(folder / "a.zip", stored), folder)
        assert [item.name for item in Path(outer).iterdir()] == ["inner"]
        assert {item.name for item in folder.iterdir()} <= {"a.zip", "merged.zip"}


@fuzz(200)
@given(st.text(max_size=30))
def test_a_name_that_is_let_through_stays_in_its_folder(name):
    if unsafe_name(name) is None:
        for folder in ("/some/where", "C:/some"):
            joined = Path(folder, *name.split("/"))
            assert joined.is_relative_to(folder)
        assert ".." not in name.split("/")
        assert "\\" not in name
