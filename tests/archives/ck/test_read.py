"""Reading what CK may write and the genuine archives at hand do not hold."""

from __future__ import annotations

import pandas as pd
import pytest
from archives.ck.ck_samples import (
    FIREFLY,
    MODEL,
    bad,
    ck_members,
    ck_meta,
    ck_point,
    ck_run,
    dumps,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    unpack,
    write,
    zip_of,
)
from nntest.archives.ck import (
    KnownPlatform,
    read_rows,
)
from nntest.archives.ck.points import operator_of
from nntest.errors import UserError

POINT = "a" * 16


def frame_of_point(tmp_path, content, warnings=None, meta=None, **options):
    path = zip_of(tmp_path / "a.zip", ck_members({f"{POINT}.0001": content}, meta=meta))
    return frame_of(path, FIREFLY, warnings=warnings, **options)


@pytest.mark.parametrize(
    ("program", "operator", "species"),
    [
        ("conv-armcl-opencl", "conv", "conv"),
        ("conv-armcl-opencl-uint8", "conv-uint8", "conv"),
        ("conv-caffe-cpu", "conv", "conv"),
        ("conv-opencl-reference", "conv", "conv"),
        ("directconv-armcl-opencl", "directconv", "conv"),
        ("winogradconv-armcl-opencl", "winogradconv", "conv"),
        ("depthwiseconv-tensorflow-cpu", "depthwiseconv", "depthwiseconv"),
        ("avgpool-tensorflow-cpu-uint8", "avgpool-uint8", "avgpool"),
        ("softmax-caffe-opencl", "softmax", "softmax"),
        ("gemm-pytorch", "gemm", "gemm"),
        ("resizebilinear-armcl-opencl", "resizebilinear", "resizebilinear"),
        ("lstm-rnnt-pre", "lstm-rnnt-pre", ""),
        ("lstm-pytorch", "lstm", ""),
        ("mobilenets-armcl-opencl", "mobilenets", ""),
        ("", "", ""),
    ],
)
def test_operator_of_every_backend(program, operator, species):
    assert operator_of(program) == (operator, species)


def test_no_dvdt_prof_key_as_before_2018(tmp_path):
    content = ck_point()
    del content["choices"]["dvdt_prof"], content["choices"]["mali_hwc"]
    assert len(frame_of_point(tmp_path, content)) == 2


@pytest.mark.parametrize(
    "missing",
    [
        ("features",),
        ("features", "platform"),
        ("features", "gpgpu"),
        ("choices", "env"),
        ("choices", "dataset_file"),
        ("choices", "dataset_uoa"),
        ("choices", "data_uoa"),
        ("choices",),
        ("choices_order",),
    ],
)
def test_missing_keys_lose_no_time(tmp_path, missing):
    content = inner = ck_point()
    for key in missing[:-1]:
        inner = inner[key]
    del inner[missing[-1]]
    frame = frame_of_point(tmp_path, content)
    assert frame["time_us"].tolist() == [3000.0, 4000.0]
    assert frame["library"].tolist() == ["arm-compute-library-opencl-18.05-b3a371b"] * 2


def test_no_repetitions_at_all(tmp_path):
    content = ck_point()
    del content["characteristics_list"]
    assert frame_of_point(tmp_path, content).empty


def test_python_2_spelling_of_json(tmp_path):
    # Python 2 left a blank after each comma at a line's end.
    data = dumps(ck_point()).replace(b",\n", b", \n")
    members = ck_members({f"{POINT}.0001": {}})
    [name] = [name for name in members if "ckp-" in name]
    frame = frame_of(zip_of(tmp_path / "a.zip", {**members, name: data}), FIREFLY)
    assert frame["time_us"].tolist() == [3000.0, 4000.0]


def test_the_tuner_on_the_command_line_and_numbers_as_text(tmp_path):
    content = ck_point()
    env = content["choices"]["env"]
    content["choices"]["env"] = {key: str(value) for key, value in env.items()}
    content["choices"]["env"]["CK_LWS_TUNER_TYPE"] = "CUSTOM"
    frame = frame_of_point(tmp_path, content)
    assert set(frame["tuner"]) == {"CUSTOM"}
    assert set(frame["tensor"]) == {"512-14-14-1-512-1-0"}
    assert set(frame["batch_size"]) == {1}


def test_a_tuner_that_no_program_knows_is_none(tmp_path):
    content = ck_point()
    content["choices"]["env"]["CK_LWS_TUNER_TYPE"] = "default"
    warnings: list[str] = []
    frame = frame_of_point(tmp_path, content, warnings)
    assert set(frame["tuner"]) == {"NONE"}
    assert len([warning for warning in warnings if "'default'" in warning]) == 1


@pytest.mark.parametrize("prefix", ["shape-", "test-shape-", ""])
def test_tensor_from_the_data_set_name_where_variables_are_missing(tmp_path, prefix):
    content = ck_point(tensor=f"{prefix}64-56-56-1-128-1-0", env={"CK_IN_SHAPE_N": 2})
    frame = frame_of_point(tmp_path, content)
    assert set(frame["tensor"]) == {"64-56-56-1-128-1-0"}
    assert set(frame["batch_size"]) == {2}
    assert set(frame["in_shape_c"]) == {64}


def test_variables_win_over_a_data_set_name_that_says_other(tmp_path):
    frame = frame_of_point(tmp_path, ck_point(tensor="shape-1-1-1-1-1-1-0"))
    assert set(frame["tensor"]) == {"512-14-14-1-512-1-0"}


def test_impossible_tensors_give_no_gflops_but_keep_their_time(tmp_path):
    content = ck_point(tensor="shape-x")
    content["choices"]["env"]["CK_CONV_STRIDE"] = 0
    frame = frame_of_point(tmp_path, content)
    assert frame["GFLOPS"].isna().all()
    assert frame["time_us"].notna().all()
    assert set(frame["tensor"]) == {"x"}


def test_synthetic_data_sets_only_when_asked_for(tmp_path):
    content = ck_point(dataset_uoa="tensor-reshape-synthetic-0001")
    assert frame_of_point(tmp_path, content).empty
    assert len(frame_of_point(tmp_path, content, synthetic=True)) == 2


def test_further_subpoints_are_further_repetitions(tmp_path):
    points = {
        f"{POINT}.0001": ck_point(runs=[ck_run(0.001), ck_run(0.002)]),
        f"{POINT}.0002": ck_point(runs=[ck_run(0.003)]),
        f"{POINT}.0010": ck_point(runs=[ck_run(0.004)]),
        f"{'b' * 16}.0001": ck_point(runs=[ck_run(0.005)]),
    }
    frame = frame_of(zip_of(tmp_path / "a.zip", ck_members(points)), FIREFLY)
    rows = frame[frame["point"] == POINT].sort_values("repetition_id")
    assert rows["repetition_id"].tolist() == [0, 1, 2, 3]
    assert rows["subpoint"].tolist() == [1, 1, 2, 10]
    assert rows["time_us"].tolist() == [1000.0, 2000.0, 3000.0, 4000.0]
    assert frame[frame["point"] == "b" * 16]["repetition_id"].tolist() == [0]


WRONG = {
    **ck_run(0.5),
    "run_success": "no",
    "run_success_bool": False,
    "output_check_failed": "yes",
    "fail_reason": "output is not matching with the reference one: " + "x" * 100_000,
}


def test_a_wrong_output_has_no_time_and_a_bounded_reason(tmp_path):
    frame = frame_of_point(tmp_path, ck_point(runs=[WRONG]))
    assert frame["status"].tolist() == ["wrong-output"]
    assert frame["success?"].tolist() == ["no"]
    assert frame["time_us"].isna().all()
    assert 20 < len(frame["reason"][0]) < 1000


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("execution failed - return code 139 !=0 ", "crashed(SIGSEGV)"),
        ("execution failed - return code -6 !=0 ", "crashed(SIGABRT)"),
        ("execution failed - return code 1 !=0 ", "failed"),
        ("compilation failed - return code 2", "build-failed"),
        ("pre-processing script via CK failed (kernel size 7 not supported)", "not-supported"),
        ("execution failed - process timed out and had been terminated", "timeout"),
        ("execution failed - std::bad_alloc", "out-of-memory"),
        ("something else", "failed"),
    ],
)
def test_reasons_of_aborted_points_come_from_the_flat_file(tmp_path, reason, status):
    members = ck_members({f"{POINT}.0001": ck_point(runs=[{}])})
    [name] = [name for name in members if "ckp-" in name]
    flat = {
        "##characteristics#run#x#min": '"##pipeline_state#fail_reason#min": "no"',
        "##pipeline_state#fail_reason#min": reason,
    }
    members[name.replace("0001", "flat")] = dumps(flat)
    frame = frame_of(zip_of(tmp_path / "a.zip", members), FIREFLY)
    assert frame["status"].tolist() == [status]
    assert frame["reason"].tolist() == [reason.strip()]
    assert frame["success?"].tolist() == ["n/a"]


def test_an_aborted_point_without_a_reason(tmp_path):
    frame = frame_of_point(tmp_path, ck_point(runs=[{}]))
    assert frame["status"].tolist() == ["failed"]
    assert frame["reason"].tolist() == ["no reason was recorded"]


@pytest.mark.parametrize(
    "time", [0, 0.0, -1.0, 1e999, 1e300, 1e-300, None, "fast", True, [1], 10**400]
)
def test_what_is_no_time_never_becomes_one(tmp_path, time):
    run = {"run_success": "yes", "execution_time_kernel_1": time}
    if time == 1e999:
        members = ck_members({f"{POINT}.0001": ck_point(runs=[{**run, "x": 1}])})
        [name] = [name for name in members if "ckp-" in name]
        members[name] = members[name].replace(b"Infinity", b"1e999")
        frame = frame_of(zip_of(tmp_path / "a.zip", members), FIREFLY)
    else:
        frame = frame_of_point(tmp_path, ck_point(runs=[run]))
    assert frame["time_us"].isna().all()
    assert frame["GFLOPS"].isna().all()
    assert frame["status"].tolist() == ["failed"]


def test_success_as_a_bool_or_not_said_at_all(tmp_path):
    runs = [
        {"execution_time_kernel_1": 0.001},
        {"execution_time_kernel_1": 0.002, "run_success": False, "fail_reason": "why"},
        {"run_time_state": {"time_test": 0.003}, "run_success": True},
    ]
    frame = frame_of_point(tmp_path, ck_point(runs=runs)).sort_values("repetition_id")
    assert frame["status"].tolist() == ["ok", "failed", "ok"]
    assert frame["time_us"].fillna(0).tolist() == [1000.0, 0.0, 3000.0]


def test_keys_with_blanks_after_them(tmp_path):
    run = {"execution_time_kernel_1 ": 0.001, "run_success ": "yes"}
    frame = frame_of_point(tmp_path, ck_point(runs=[run]))
    assert frame["time_us"].tolist() == [1000.0]


def test_the_warm_up_of_2018_is_marked(tmp_path):
    meta = ck_meta()
    assert set(frame_of_point(tmp_path, ck_point(), meta=meta)["warmup"]) == {"tuner-only"}
    meta["meta"]["timestamp"] = "2018-07-01T00:00:00"
    assert set(frame_of_point(tmp_path, ck_point(), meta=meta)["warmup"]) == {"unknown"}


def test_tags_that_a_user_added_are_not_the_library(tmp_path):
    meta = ck_meta()
    meta["tags"] = ["my-tag", "firefly", "2026-11-21T20:00:00+00:00", *meta["tags"]]
    frame = frame_of_point(tmp_path, ck_point(), meta=meta)
    assert set(frame["library"]) == {"arm-compute-library-opencl-18.05-b3a371b"}


def test_a_program_given_by_its_uid_is_named_by_the_meta(tmp_path):
    content = ck_point(program="17771354407da1dd")
    assert set(frame_of_point(tmp_path, content)["program"]) == {"conv-armcl-opencl"}


def test_repetition_numbers_that_no_table_holds(tmp_path):
    points = {f"{POINT}.{number:04d}": ck_point(runs=[ck_run(0.001)]) for number in (1, 2)}
    for content in points.values():
        content["characteristics_list"][0]["nntest_flow"] = {
            "status": "ok",
            "repetition": 2**63 - 1,
            "process": 2**70,
            "tuning_s": 1e305,
        }
    frame = frame_of(zip_of(tmp_path / "a.zip", ck_members(points)), FIREFLY)
    assert frame["repetition_id"].tolist() == [0, 1]
    assert frame["process_id"].isna().all()
    assert frame["tuning_us"].isna().all()


# -- platforms -----------------------------------------------------------------------------


def ours(tmp_path, **ck):
    point = make_point()
    return write(tmp_path / "a.zip", make_plan([point], **ck), [header(), good(point)])


def test_two_boards_of_one_model_are_told_apart_by_the_archive(tmp_path):
    known = [KnownPlatform(board, f"The {board}", (MODEL,)) for board in ("attic", "bench")]
    frame = frame_of(ours(tmp_path), *known)
    assert frame["board"].tolist() == ["bench"]
    assert frame["platform"].tolist() == ["The bench"]


def test_a_board_file_without_models_takes_archives_of_that_board(tmp_path):
    warnings: list[str] = []
    frame = frame_of(ours(tmp_path), KnownPlatform("bench", "", ()), warnings=warnings)
    assert frame["board"].tolist() == ["bench"]
    assert frame["platform"].tolist() == ["Test board"]
    assert warnings == []


def test_a_board_file_without_models_takes_nothing_of_ck(tmp_path):
    members = ck_members({f"{POINT}.0001": ck_point()})
    path = zip_of(tmp_path / "a.zip", members)
    assert set(frame_of(path, KnownPlatform("bench", "Mine", ()))["board"]) == {""}


def test_an_unknown_board_of_ours_keeps_its_name_and_names_its_board_file(tmp_path):
    warnings: list[str] = []
    frame = frame_of(ours(tmp_path), warnings=warnings)
    assert frame["platform"].tolist() == ["Test board"]
    assert frame["board"].tolist() == [""]
    assert "config/boards/bench.yaml" in warnings[0]


def test_a_platform_known_by_the_name_where_there_is_no_model(tmp_path):
    content = ck_point()
    content["features"]["platform"]["platform"] = {"model": "", "name": "Odd Board\0"}
    path = zip_of(tmp_path / "a.zip", ck_members({f"{POINT}.0001": content}))
    frame = frame_of(path, KnownPlatform("odd", "Odd", ("odd board",)))
    assert set(frame["platform"]) == {"Odd"}


# -- where entries are found ---------------------------------------------------------------


def test_a_whole_repository_behind_a_folder(tmp_path):
    members = ck_members({f"{POINT}.0001": ck_point()})
    inner = {f"ckr-mine/{name}": data for name, data in members.items()}
    inner["ckr-mine/.ckr.json"] = b"{}"
    inner["ckr-mine/program/conv/.cm/meta.json"] = b"{}"
    path = zip_of(tmp_path / "a.zip", inner)
    frame = frame_of(path, FIREFLY)
    assert frame["entry"].tolist() == ["0123456789abcdef"] * 2
    other = frame_of(unpack(path, tmp_path / "repository"), FIREFLY)
    assert other["time_us"].tolist() == frame["time_us"].tolist()


def test_an_entry_without_alias_is_named_by_its_uid(tmp_path):
    members = ck_members({f"{POINT}.0001": ck_point()}, alias="fedcba9876543210")
    del members["experiment/.cm/alias-a-fedcba9876543210"]
    frame = frame_of(zip_of(tmp_path / "a.zip", members), FIREFLY)
    assert set(frame["entry"]) == {"fedcba9876543210"}


def test_no_entry_is_reported(tmp_path):
    warnings: list[str] = []
    assert frame_of(zip_of(tmp_path / "a.zip", {}), warnings=warnings).empty
    assert warnings == [f"{tmp_path / 'a.zip'}: holds no CK experiment entry"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_a_clear_word(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip"):
        list(read_rows(path))


def test_what_is_not_there_is_a_clear_word(tmp_path):
    with pytest.raises(UserError, match="no such archive"):
        list(read_rows(tmp_path / "nothing.zip"))


@pytest.mark.parametrize(
    ("implementation", "ran", "evidence"),
    [
        (
            {
                "evidence": "reported",
                "nodes": [
                    {"node": "a", "kernel": "Reorder"},
                    {"node": "b", "kernel": "Conv (NCHWc)", "seconds": 0.1},
                    {"node": "c", "kernel": "Conv (NCHWc)"},
                ],
            },
            "Reorder, 2 x Conv (NCHWc)",
            "reported",
        ),
        ({"evidence": "unknown", "nodes": []}, None, "unknown"),
        ({"evidence": ["?"], "nodes": [7, {"kernel": None}, {}]}, None, None),
        (None, None, None),
    ],
)
def test_which_kernel_ran(tmp_path, implementation, ran, evidence):
    point = make_point()
    state = {} if implementation is None else {"implementation": implementation}
    line = good(point, run_time_state=state)
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), line]))
    expected = [ran, evidence]
    found = [frame[name].iloc[0] for name in ("kernel_ran", "kernel_evidence")]
    assert [None if pd.isna(value) else value for value in found] == expected


@pytest.mark.parametrize(
    ("said", "suffix"), [("relu6", "+relu6"), ("none", ""), (None, ""), ("?", "+relu6")]
)
def test_an_activation_is_in_the_name_of_the_tensor(tmp_path, said, suffix):
    tensor = f"512-14-14-1-512-1-0{suffix}"
    point = make_point(tensor=tensor)
    point["env"].pop("NNTEST_ACTIVATION", None)
    if said is not None:
        point["env"]["NNTEST_ACTIVATION"] = said  # an odd one: the data set's name stands
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), good(point)]))
    assert frame["tensor"].tolist() == [tensor]
    assert frame["GFLOPS"].notna().all()


@pytest.mark.parametrize(("said", "threads"), [("2", 2), (None, None), ("many", None)])
def test_threads(tmp_path, said, threads):
    point = make_point()
    if said is not None:
        point["env"]["NNTEST_THREADS"] = said
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), good(point)]))
    found = frame["threads"].iloc[0]
    assert (None if pd.isna(found) else found) == threads


DISTURBANCE = {
    "waited_s": 2e-6, "dispatches": 3, "threads": 2, "stolen_s": 0.0,
    "involuntary_switches": 1, "major_faults": 0, "load": 1.5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("disturbance", "state", "waited_us"),
    [
        (DISTURBANCE, "clean", 2.0),
        ({**DISTURBANCE, "waited_s": 0.001}, "disturbed", 1000.0),
        ({**DISTURBANCE, "stolen_s": 0.01}, "disturbed", 2.0),
        ({**DISTURBANCE, "major_faults": 2}, "disturbed", 2.0),
        ({**DISTURBANCE, "waited_s": None, "dispatches": None}, "unknown", None),
        ({**DISTURBANCE, "waited_s": "long", "dispatches": [3]}, "unknown", None),
        ("busy", "unknown", None),
        (None, "unknown", None),
    ],
)
def test_what_disturbed_a_run(tmp_path, disturbance, state, waited_us):
    point = make_point()
    found = {} if disturbance is None else {"disturbance": disturbance}
    lines = [header(), good(point, run_time_state=found)]
    row = frame_of(write(tmp_path / "a.zip", make_plan([point]), lines)).iloc[0]
    assert row["run_state"] == state
    assert (None if pd.isna(row["waited_us"]) else row["waited_us"]) == pytest.approx(waited_us)
    if disturbance == DISTURBANCE:
        names = ["dispatches", "stolen_us", "involuntary_switches", "major_faults", "load"]
        assert row[names].tolist() == [3, 0.0, 1, 0, 1.5]


def test_runs_that_are_timed_together_are_judged_together(tmp_path):
    point = make_point()
    single = good(point, run_time_state={"disturbance": DISTURBANCE})
    # Alone 100 µs of waiting would disturb one such run, of a loop of 50 ms they do not.
    state = {"disturbance": {**DISTURBANCE, "waited_s": 100e-6}}
    looped = {**state, "loop": {"runs": 40, "seconds": 0.05}}
    lines = [
        header(),
        single,
        *(good(point, n + 1, run_time_state=s) for n, s in enumerate((state, looped))),
    ]
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), lines))
    assert frame["runs"].tolist() == [1, 1, 40]
    assert frame["run_state"].tolist() == ["clean", "disturbed", "clean"]


def test_a_run_that_failed_is_neither_clean_nor_disturbed(tmp_path):
    point = make_point()
    frame = frame_of(write(tmp_path / "a.zip", make_plan([point]), [header(), bad(point)]))
    assert frame["run_state"].isna().all()


def test_runs_of_ck_itself_are_unknown(tmp_path):
    assert set(frame_of_point(tmp_path, ck_point())["run_state"]) == {"unknown"}
