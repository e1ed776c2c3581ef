"""Points that differ in what they were asked for are never pooled, known variable or not."""

from __future__ import annotations

import json

import pytest
from archives.ck.ck_samples import (
    FIREFLY,
    ck_members,
    ck_meta,
    ck_point,
    ck_run,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    write,
    zip_of,
)
from nntest.analysis.points import points
from nntest.archives.ck import read_rows, variants_of
from nntest.archives.ck.choices import Choices
from nntest.archives.ck.read import read_points
from nntest.archives.measurements import POINT_KEYS
from nntest.archives.runs import read_archives

A, B, C = "a" * 16, "b" * 16, "c" * 16
GRAPH = "mobilenets-armcl-opencl"


def network_point(time_s, program=GRAPH, choices=None, **env):
    """A recording as CK's artifacts of whole networks hold it."""
    run = {"prediction_time_avg_s": time_s, "run_success": "yes"}
    shared = {"CK_BATCH_SIZE": 1, "CK_BATCH_COUNT": 2, "CK_RESULTS_DIR": "predictions"}
    content = ck_point(program, "", [run, run], {**shared, **env}, **(choices or {}))
    del content["choices"]["dataset_uoa"]
    return content


def armcl(time_s, **env):
    size = {"CK_ENV_MOBILENET_RESOLUTION": 160, "CK_ENV_MOBILENET_MULTIPLIER": 0.5}
    return network_point(time_s, **size, **env)


def changed(content, **env):
    content["choices"]["env"].update(env)
    return content


def read(tmp_path, contents, program=GRAPH, warnings=None):
    named = {f"{uid * 16}.0001": content for uid, content in zip("abcdef", contents, strict=False)}
    meta = ck_meta(program, len(named))
    meta["tags"] = ["explore-mobilenets-performance"]
    meta["meta"]["deps_summary"] = {"library": {"data_name": "ArmCL", "version": "18.08"}}
    path = zip_of(tmp_path / "a.zip", ck_members(named, "performance", meta=meta))
    return frame_of(path, FIREFLY, warnings=warnings)


def keys(frame):
    return frame.groupby(POINT_KEYS, dropna=False)["point"].nunique()


def only(warnings, name):
    return [warning for warning in warnings if name in warning]


# -- what is understood --------------------------------------------------------------------


def test_field_networks_of_tensorflow_are_named(tmp_path):
    sizes = [(0.25, 128), (1, 192), ("0.75", "224")]
    contents = [
        network_point(
            0.01 * resolution if isinstance(resolution, int) else 0.5,
            "classification-tensorflow",
            CK_ENV_TENSORFLOW_MODEL_MOBILENET_MULTIPLIER=width,
            CK_ENV_TENSORFLOW_MODEL_MOBILENET_RESOLUTION=resolution,
            CK_CONVOLUTION_METHOD_HINT=1,
        )
        for width, resolution in sizes
    ]
    warnings: list[str] = []
    frame = read(tmp_path, contents, "classification-tensorflow", warnings)
    assert set(frame["tensor"]) == {
        "mobilenet-v1-0.25-128",
        "mobilenet-v1-1.0-192",
        "mobilenet-v1-0.75-224",
    }
    assert set(frame["species"]) == {"network"}
    assert set(frame["operator"]) == {"classification"}
    assert len(points(frame, 1)) == 3
    assert warnings == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"CK_CONVOLUTION_METHOD_HINT": 0}, {"CK_CONVOLUTION_METHOD": "GEMM"}),
        ({"CK_CONVOLUTION_METHOD_HINT": "1"}, {"CK_CONVOLUTION_METHOD": 1}),
        ({"CK_ENV_MOBILENET_WIDTH_MULTIPLIER": 0.5}, {"CK_ENV_MOBILENET_MULTIPLIER": "0.5"}),
        ({}, {"CK_ENV_MOBILENET_VERSION": 1}),
    ],
)
def test_field_older_and_newer_spellings_are_one_point(tmp_path, older, newer):
    size = {"CK_ENV_MOBILENET_RESOLUTION": 160}
    if not any("MULTIPLIER" in name for name in older):
        size["CK_ENV_MOBILENET_MULTIPLIER"] = 0.5
    warnings: list[str] = []
    contents = [network_point(0.02, **size, **spelled) for spelled in (older, newer)]
    assert keys(read(tmp_path, contents, warnings=warnings)).tolist() == [2]
    assert warnings == []


def test_field_layout_and_convolution_method_keep_apart(tmp_path):
    contents = [
        armcl(0.02, CK_DATA_LAYOUT="NCHW", CK_CONVOLUTION_METHOD="GEMM"),
        armcl(0.07, CK_DATA_LAYOUT="NHWC", CK_CONVOLUTION_METHOD="GEMM"),
        armcl(0.03, CK_DATA_LAYOUT="NHWC", CK_CONVOLUTION_METHOD_HINT=1),
        armcl(0.04, CK_CONVOLUTION_METHOD="DEFAULT"),
        armcl(0.05, CK_CONVOLUTION_METHOD_HINT=2),
    ]
    warnings: list[str] = []
    frame = read(tmp_path, contents, warnings=warnings)
    medians = frame.groupby("operator")["time_us"].median().to_dict()
    assert medians == pytest.approx(
        {
            "mobilenets-gemm-nchw": 20_000,
            "mobilenets-gemm-nhwc": 70_000,
            "mobilenets-direct-nhwc": 30_000,
            "mobilenets-default": 40_000,
            "mobilenets-winograd": 50_000,
        }
    )
    assert warnings == []


def test_field_two_spellings_that_contradict_each_other_keep_apart(tmp_path):
    contents = [
        armcl(0.02, CK_CONVOLUTION_METHOD="GEMM"),
        armcl(0.03, CK_CONVOLUTION_METHOD="GEMM", CK_CONVOLUTION_METHOD_HINT=1),
    ]
    warnings: list[str] = []
    assert keys(read(tmp_path, contents, warnings=warnings)).tolist() == [1, 1]
    assert len(only(warnings, "CK_CONVOLUTION_METHOD_HINT")) == 1


def test_field_a_layout_stands_before_the_data_type(tmp_path):
    content = changed(ck_point("conv-armcl-opencl-uint8"), CK_DATA_LAYOUT="NHWC")
    frame = read(tmp_path, [content], "conv-armcl-opencl-uint8")
    assert set(frame["operator"]) == {"conv-nhwc-uint8"}
    [point] = points(frame, 1)
    assert point.data_type == "uint8"


# -- what is not ---------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["conv-armcl-opencl", GRAPH])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"CK_FUSED": 0}, {"CK_FUSED": 1}),
        ({}, {"CK_FUSED": "on"}),
        ({"CK_FUSED": [1, {"a": None}]}, {"CK_FUSED": [1, {"a": 2}]}),
        ({"CK_WEIGHTS": "/home/me/a/w.npy"}, {"CK_WEIGHTS": "/home/me/b/w.npy"}),
        ({"OMP_NUM_THREADS": "x" * 200 + "1"}, {"OMP_NUM_THREADS": "x" * 200 + "2"}),
        ({"CK_DATA_LAYOUT": "NC4HW4"}, {"CK_DATA_LAYOUT": "NC8HW8"}),
    ],
)
def test_field_an_unknown_variable_keeps_points_apart(tmp_path, program, first, second):
    def content(time_s, env):
        made = armcl(time_s) if program == GRAPH else ck_point(runs=[ck_run(time_s)] * 2)
        return changed(made, **env)

    warnings: list[str] = []
    frame = read(tmp_path, [content(0.1, first), content(0.0159, second)], program, warnings)
    [name] = second
    assert sorted(point.sample.median for point in points(frame, 1)) == pytest.approx(
        [15_900, 100_000]
    )
    assert keys(frame).tolist() == [1, 1]
    assert all(f"{{{name}=" in library for library in frame["library"])
    assert not frame["library"].str.contains("/home").any()
    assert len(only(warnings, name)) == 1


def test_field_any_choice_beside_the_variables_keeps_points_apart(tmp_path):
    contents = [ck_point(), ck_point(flags="-O3"), ck_point(flags="-O2", cpu_freq="max")]
    warnings: list[str] = []
    frame = read(tmp_path, contents, "conv-armcl-opencl", warnings)
    assert keys(frame).tolist() == [1, 1, 1]
    assert len(only(warnings, "choices.flags")) == len(only(warnings, "choices.cpu_freq")) == 1


def test_field_what_tells_points_apart_names_the_other_points_of_the_library_too(tmp_path):
    other = changed(ck_point(), CK_FUSED=1, CK_IN_SHAPE_C=256, CK_OUT_SHAPE_C=64)
    contents = [changed(ck_point(), CK_FUSED=1), ck_point(), other]
    frame = read(tmp_path, contents, "conv-armcl-opencl")
    libraries = frame.groupby("library")["tensor"].nunique()
    assert libraries.to_dict() == {"armcl-18.08 {CK_FUSED=1}": 2, "armcl-18.08 {CK_FUSED=unset}": 1}


def test_field_a_variable_in_which_no_points_differ_is_not_named(tmp_path):
    contents = [changed(ck_point(), CK_FUSED=1), changed(ck_point(), CK_FUSED="1")]
    warnings: list[str] = []
    frame = read(tmp_path, contents, "conv-armcl-opencl", warnings)
    assert keys(frame).tolist() == [2]
    assert set(frame["library"]) == {"armcl-18.08"}
    assert warnings == []


def test_field_a_tensor_by_its_name_is_the_one_by_its_variables(tmp_path):
    by_name = ck_point(env={"CK_IN_SHAPE_N": 1, "CK_IN_SHAPE_C": "512"})
    other = ck_point(env={"CK_IN_SHAPE_N": 1, "CK_IN_SHAPE_C": 513})
    warnings: list[str] = []
    frame = read(tmp_path, [ck_point(), by_name], "conv-armcl-opencl", warnings)
    assert keys(frame).tolist() == [2]
    assert warnings == []
    frame = read(tmp_path, [ck_point(), other], "conv-armcl-opencl")
    assert keys(frame).tolist() == [1, 1]


def test_field_how_ck_handles_a_run_keeps_nothing_apart(tmp_path):
    first = changed(ck_point(no_compile="no", repeat=1), CK_PUSH_LIBS_TO_REMOTE="yes")
    later = changed(ck_point(no_compile="yes"), CK_PUSH_LIBS_TO_REMOTE="no")
    later = changed(later, CK_VECTOR_FINGERPRINTED="yes")
    later["choices"]["dataset_uoa"] = "tensor-conv-another-set"
    frame = read(tmp_path, [first, later], "conv-armcl-opencl")
    assert keys(frame).tolist() == [2]


def test_field_what_a_program_computed_is_not_known_a_row_a_point(tmp_path):
    contents = [network_point(time_s, "detection-mxnet") for time_s in (0.1, 0.2, 0.3)]
    warnings: list[str] = []
    frame = read(tmp_path, contents, "detection-mxnet", warnings)
    assert sorted(set(frame["tensor"])) == [f"point {uid * 16}" for uid in "abc"]
    assert len(points(frame, 1)) == 3
    assert len(only(warnings, "detection-mxnet")) == 1


def test_field_programs_of_one_operator_and_library_keep_apart(tmp_path):
    contents = [ck_point("conv-caffe-cpu"), ck_point("conv-caffe-opencl")]
    frame = read(tmp_path, contents, "conv-caffe-cpu")
    assert keys(frame).tolist() == [1, 1]


def test_field_points_of_two_archives_in_one_table_keep_apart(tmp_path):
    paths = []
    for name, fused in (("a", 1), ("b", 2)):
        members = ck_members({f"{name * 16}.0001": changed(ck_point(), CK_FUSED=fused)})
        paths.append(zip_of(tmp_path / f"{name}.zip", members))
    warnings: list[str] = []
    frame = read_archives(paths, [FIREFLY], warnings.append)
    assert keys(frame).tolist() == [1, 1]
    assert len(only(warnings, "CK_FUSED")) == 1
    variants = variants_of(paths, [FIREFLY])
    [first, _] = read_rows(paths[0], [FIREFLY], warnings.append, variants=variants)
    assert first["library"].endswith("{CK_FUSED=1}")


def test_field_a_value_says_its_end_and_not_whose_home_it_lies_in():
    settings = dict(Choices({"choices": {"env": {"CK_W": "/home/jo/w.npy"}}}).settings())
    assert settings["CK_W"].startswith("w.npy#")
    deep = json.loads("[" * 900 + "]" * 900)
    assert Choices({"choices": {"env": {"CK_W": deep}}}).settings()


@pytest.mark.parametrize(
    ("profile", "lengths", "apart"),
    [
        (None, (None, "0.002"), {"{NNTEST_LOOP_S=unset}", "{NNTEST_LOOP_S=0.002}"}),
        (None, ("0.002", "0.002"), {""}),
        ("energy", ("2", "5"), {""}),
    ],
)
def test_runs_in_a_row_and_single_ones_are_kept_apart(tmp_path, profile, lengths, apart):
    made = []
    for number, length in enumerate(lengths):
        point = make_point(id=f"{number:016x}", profile=profile)
        made.append(
            {**point, "env": {**point["env"], **({"NNTEST_LOOP_S": length} if length else {})}}
        )
    path = write(tmp_path / "a.zip", make_plan(made), [header(), *map(good, made)])
    warnings: list[str] = []
    names = {point.columns["library"] for point in read_points(path, [], warnings.append)}
    assert {name.partition(" ")[2] for name in names} == apart
    assert bool(only(warnings, "NNTEST_LOOP_S")) == (len(apart) > 1)
