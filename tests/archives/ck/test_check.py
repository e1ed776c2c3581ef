"""The format check: what is wrong is named with its member, line and column."""

from __future__ import annotations

import json

import pytest
from archives.ck.ck_samples import ck_members, ck_meta, ck_point, ck_run, zip_of
from nntest.archives.ck import check
from nntest.archives.ck.locate import line_of

A = "a" * 16
ALIAS = "nntest-conv-armcl-opencl-arm-compute-library-opencl-18.05-b3a371b-label"
FOLDER = f"experiment/{ALIAS}"
RECORDING = f"{FOLDER}/ckp-{A}.0001.json"


def complaints_of(tmp_path, content=None, meta=None, **members):
    archive = ck_members({f"{A}.0001": content or ck_point()}, meta=meta)
    for name, data in members.pop("members", {}).items():
        if data is None:
            del archive[name]
        else:
            archive[name] = data
    path = zip_of(tmp_path / "a.zip", archive)
    return list(check(path)), archive


def line_with(data: bytes, text: str) -> int:
    """Number of the last line that holds `text`."""
    return max(i for i, line in enumerate(data.decode().splitlines(), 1) if text in line)


def test_nothing_to_complain_of(tmp_path):
    assert complaints_of(tmp_path) == ([], ck_members({f"{A}.0001": ck_point()}))


@pytest.mark.parametrize(
    ("change", "text", "severity", "message"),
    [
        (
            lambda content: content["choices"]["env"].update(CK_LWS_TUNER_TYPE="default"),
            "CK_LWS_TUNER_TYPE",
            "warning",
            "unknown tuner 'default'",
        ),
        (
            lambda content: content["choices"].update(dataset_file="shape-1-1-1-1-1-1-0"),
            "dataset_file",
            "warning",
            "dataset_file says tensor 1-1-1-1-1-1-0, its variables 512-14-14-1-512-1-0",
        ),
        (
            lambda content: content["choices"]["env"].pop("CK_CONV_PAD"),
            '"env"',
            "warning",
            "choices.env.CK_CONV_PAD is missing",
        ),
        (
            lambda content: content["choices"]["env"].update(CK_CONV_STRIDE=0),
            '"env"',
            "error",
            "CK_CONV_STRIDE is below 1",
        ),
        (
            lambda content: content["choices"].pop("data_uoa"),
            '"choices"',
            "error",
            "choices.data_uoa is missing",
        ),
        (
            lambda content: content["characteristics_list"][1]["run"].update(
                execution_time_kernel_1=0
            ),
            '"execution_time_kernel_1": 0,',
            "error",
            "execution_time_kernel_1 is not a time above 0",
        ),
        (
            lambda content: content["characteristics_list"][1]["run"].update(run_success="no"),
            '"run_success": "no"',
            "warning",
            "failed without a reason",
        ),
        (
            lambda content: content["features"]["platform"]["platform"].update(model="\0", name=""),
            '"platform": {',
            "warning",
            "no platform model and no name",
        ),
    ],
)
def test_a_fault_is_found_at_its_line(tmp_path, change, text, severity, message):
    content = ck_point(runs=[ck_run(0.001), ck_run(0.002)])
    change(content)
    [complaint], archive = complaints_of(tmp_path, content)
    assert complaint.member == RECORDING
    assert complaint.line == line_with(archive[RECORDING], text)
    assert complaint.severity == severity
    assert message in complaint.message
    assert str(complaint).startswith(f"{tmp_path / 'a.zip'}: {RECORDING}:{complaint.line}:")


def test_broken_json_is_found_at_its_line_and_column(tmp_path):
    [complaint], _ = complaints_of(tmp_path, members={RECORDING: b'{\n  "a": 1,\n  "b" 2\n}'})
    assert (complaint.line, complaint.column) == (3, 7)
    assert complaint.severity == "error"


def test_missing_parts_of_a_recording(tmp_path):
    found, _ = complaints_of(tmp_path, members={RECORDING: b"{}"})
    messages = [complaint.message for complaint in found if complaint.severity == "error"]
    assert messages == [
        "features is missing",
        "choices is missing",
        "characteristics_list is missing",
    ]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (".cm/alias-a-experiment", None, "alias file missing"),
        (".cm/alias-u-bc0409fb61f0aa82", b"program\n", "says 'program', not 'experiment'"),
        (f"experiment/.cm/alias-a-{ALIAS}", b"0000000000000000\n", "alias file missing"),
        ("experiment/.cm/alias-u-0123456789abcdef", b"other\n", "says 'other'"),
        (f"{FOLDER}/.cm/meta.json", None, "no such member"),
        (f"{FOLDER}/.cm/meta.json", b'{"tags": "nntest"}', "tags is not a list"),
    ],
)
def test_faults_of_an_entry(tmp_path, name, data, message):
    found, _ = complaints_of(tmp_path, members={name: data})
    errors = [complaint for complaint in found if complaint.severity == "error"]
    assert any(message in complaint.message for complaint in errors), found


def test_a_wrong_count_and_files_without_a_recording(tmp_path):
    orphan = f"{FOLDER}/ckp-{'b' * 16}.flat.json"
    strange = f"{FOLDER}/ckp-strange.json"
    found, _ = complaints_of(
        tmp_path, meta=ck_meta(points=7), members={orphan: b"{}", strange: b"{}"}
    )
    assert {complaint.severity for complaint in found} == {"warning"}
    by_member = {complaint.member: complaint.message for complaint in found}
    assert "points says '7', but 1" in by_member[f"{FOLDER}/.cm/meta.json"]
    assert "no recording" in by_member[orphan]
    assert "not a name" in by_member[strange]


def test_an_archive_without_entries(tmp_path):
    [complaint] = check(zip_of(tmp_path / "a.zip", {}))
    assert complaint.severity == "error"
    assert "no CK experiment entry" in str(complaint)


def test_line_of_every_value():
    value = {"a": [1, {"b": 'x\n"}', "c": [[], {}, [2]]}], "é": {"a": None}, "z": "end"}
    for indent in (None, 1, 4):
        for text in (json.dumps(value, indent=indent), json.dumps(value, indent=indent) + "\n\n"):
            _assert_lines(text, value, ())


def _assert_lines(text, value, path):
    line, column = line_of(text, path)
    rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
    assert json.JSONDecoder().raw_decode(rest)[0] == value
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            _assert_lines(text, value[key], (*path, key))


def test_line_of_what_is_not_there_is_its_parents():
    assert line_of('{\n "a": {\n  "b": 1}}', ("a", "x")) == (2, 7)
    assert line_of('{\n "a": 1}', ("a", 0, "b")) == (2, 7)
    assert line_of("{}", ("a",)) == (1, 1)
