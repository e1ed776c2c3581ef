"""`nntest capsule`: a folder that reproduces a point, and which point is meant."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives.ck.ck_samples import TENSORS, bad, good, header, make_plan, make_point, write
from commands.command_line import nntest
from onboard.frameworks.libraries import lines, make_environment, plane, run_program

SMALL = "16-7-7-1-24-1-0"
OPTIONS = {
    "onnxruntime": {"optimization": "extended", "spinning": False, "provider": "CPU", "a.b": "1"},
    "openvino": {"ENABLE_CPU_PINNING": False, "env:OMP_WAIT_POLICY": "PASSIVE"},
    "ncnn": {"winograd": False, "sgemm": True, "packing": True, "powersave": 0},
    "litert": {"kernels": "builtin"},
}
LAYERS = [
    ("first", "conv", plane(3, 16, 16, CK_CONV_KERNEL=3, CK_OUT_SHAPE_C=8)),
    ("largest", "maxpool", plane(8, 14, 14, CK_POOL_KERNEL=2, CK_POOL_STRIDE=2)),
    ("dense", "fullyconnected", plane(8, 7, 7, CK_OUT_SHAPE_C=10)),
]
NETWORK = {
    "network": "small",
    "layers": [
        {"name": name, "operator": operator, "tuner": "NONE", "tensor": name, "env": env}
        for name, operator, env in LAYERS
    ],
}


def a_point(library: str, operator: str = "conv", **changes: Any) -> dict[str, Any]:
    given = {"tensor": SMALL, **changes}
    point = make_point("conv", **given)
    # A point of another library is another CK point.
    uid = f"{abs(hash((library, operator, given['tensor'], point['tuner']))) % 2**64:016x}"
    point |= {"id": uid, "program": f"{operator}-{library}"}
    if operator == "network":
        point |= {"operator": "network", "species": "network", "tensor": "small"}
        point |= {"network": NETWORK, "env": {"CK_SEED": "42", "CK_IN_SHAPE_N": "1"}}
    point["env"] = {**point["env"], "CK_ABS_DIFF_THRESHOLD": "0.001"}
    return point


def state(library: str, **changes: Any) -> dict[str, Any]:
    return {
        "data_bits": 32,
        "rnd_seed": 42,
        "warmups": 1,
        "tuner": {"options": OPTIONS[library]},
        "threads": {"asked": 2, "used": None, "cores": 2},
        "library": {"name": library, "version": "1.2", "packages": {"numpy": "2.1", "pip": "26"}},
        "python": "3.11.7",
        "process_environment": {"OMP_NUM_THREADS": "2", "OMP_PROC_BIND": None},
        **changes,
    }


def archive(path: Path, library: str, points: list[dict[str, Any]], journal: list[Any]) -> Path:
    plan = make_plan(points, library_tag=f"{library}-1.2")
    return write(path, plan, [header(), *journal])


def measured(path: Path, library: str, *points: dict[str, Any]) -> Path:
    journal = [good(p, n, run_time_state=state(library)) for p in points for n in range(3)]
    return archive(path, library, list(points), journal)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("onnxruntime", ["ORT_ENABLE_EXTENDED", "'a.b': '1'", "allow_spinning': '0'", "= 2, 1"]),
        ("openvino", ["'ENABLE_CPU_PINNING': False", "'OMP_WAIT_POLICY': 'PASSIVE'"]),
        ("ncnn", ["use_winograd_convolution = False", "num_threads = 2"]),
    ],
)
@pytest.mark.parametrize("operator", ["conv", "network"])
def test_a_capsule_has_the_points_settings(
    tmp_path: Path, library: str, words: list[str], operator: str
) -> None:
    results = measured(tmp_path / "r.zip", library, a_point(library, operator))
    done = nntest("capsule", results, library, operator, "-o", tmp_path / "out")
    assert done.status == 0, done.stderr
    script = (tmp_path / "out" / "reproduce.py").read_text()
    compile(script, "reproduce.py", "exec")
    assert all(word in script for word in [*words, "'OMP_NUM_THREADS': '2'"])
    assert len(script.splitlines()) < 45
    source, expected = (np.load(tmp_path / "out" / f"{n}.npy") for n in ("input", "expected"))
    assert (source.size, expected.size) == ((784, 1176) if operator == "conv" else (768, 10))
    assert (source.dtype, expected.dtype) == ("float32", "float64")
    pins = {"onnxruntime": "onnxruntime==1.2", "openvino": "openvino==1.2", "ncnn": "ncnn==1.2"}
    requirements = (tmp_path / "out" / "requirements.txt").read_text().split()
    assert sorted(requirements) == sorted(["numpy==2.1", pins[library]])
    readme = (tmp_path / "out" / "README.txt").read_text()
    assert "median 2100.0 us" in readme and "3 runs in 1 processes" in readme
    assert "Some CPU, x86_64" in readme and "seed 42" in readme


def test_a_word_may_be_a_beginning_or_the_uid_and_a_whole_one_comes_first(tmp_path: Path) -> None:
    points = [
        a_point("ncnn", tensor=tensor, tuner=tuner)
        for tensor, tuner in [(SMALL, "NONE"), (SMALL, "NONE-too"), (TENSORS[0], "DEFAULT")]
    ]
    results = measured(tmp_path / "r.zip", "ncnn", *points)
    for number, words in enumerate([f"{SMALL} NONE", "NONE", points[0]["id"], "512-14", "DEF"]):
        done = nntest("capsule", results, words, "-o", tmp_path / f"{number}")
        assert done.status == 0, done.stderr
        wanted = (SMALL, "NONE,") if number < 3 else (TENSORS[0], "DEFAULT")
        assert f"conv {wanted[1].strip(',')} {wanted[0]}," in done.stdout


def test_what_names_no_point_or_several_is_answered_with_candidates(tmp_path: Path) -> None:
    points = [a_point("ncnn", tuner=tuner) for tuner in ("NONE", "DEFAULT")]
    results = measured(tmp_path / "r.zip", "ncnn", *points)
    several = nntest("capsule", results, "ncnn conv", "-o", tmp_path / "out")
    none = nntest("capsule", results, "ncnn conv winograd", "-o", tmp_path / "out")
    for done, said in ((several, "names 2 points"), (none, "no 'winograd'")):
        assert done.status == 1 and said in done.stderr
        assert f"ncnn-1.2 conv DEFAULT {SMALL}" in done.stderr
        assert f"ncnn-1.2 conv NONE {SMALL}" in done.stderr
    assert not (tmp_path / "out").exists()


def test_refusals_are_one_message(tmp_path: Path) -> None:
    tvm, lite, failed = a_point("tvm"), a_point("litert"), a_point("ncnn")
    cases = [
        (measured(tmp_path / "litert.zip", "litert", lite), "--python venv/bin/python"),
        (archive(tmp_path / "n.zip", "ncnn", [failed], [bad(failed)]), "no measured time: timeout"),
        (archive(tmp_path / "t.zip", "tvm", [tvm], [good(tvm)]), "no capsule can be made"),
    ]
    for results, said in cases:
        done = nntest("capsule", results, "conv", "-o", tmp_path / "out")
        assert done.status == 1 and said in done.stderr
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    full = measured(tmp_path / "full.zip", "ncnn", failed)
    assert "not empty" in nntest("capsule", full, "conv", "-o", tmp_path / "out").stderr
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("operator", ["network", "onnx"])
def test_there_is_none_of_an_onnx_file(tmp_path: Path, operator: str) -> None:
    point = a_point("onnxruntime", operator)
    if operator == "network":
        point["network"] = {"network": "small", "model": {"file": "ab" * 32}}
    else:
        point |= {"operator": "onnx", "species": "onnx", "tensor": "Relu@14:1x8"}
        point["env"]["NNTEST_NODE"] = "Relu@14:1x8"
    results = measured(tmp_path / "a.zip", "onnxruntime", point)
    status, _, said = nntest("capsule", results, operator)
    assert status == 1
    assert "there is no capsule of an ONNX file, nor of its nodes" in said


@pytest.mark.network
@pytest.mark.slow("installs an inference library, twice")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("operator", ["conv", "network"])
@pytest.mark.parametrize(
    ("library", "data_type"),
    [
        *((name, "fp32") for name in ("onnxruntime", "litert", "openvino", "ncnn")),
        *((name, "int8") for name in ("onnxruntime", "litert", "openvino", "ncnn")),
    ],
)
def test_its_script_reproduces_what_was_measured(
    library: str,
    data_type: str,
    operator: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    kept = os.environ.get("NNTEST_TEST_VENVS")
    python = make_environment(Path(kept or tmp_path_factory.getbasetemp() / "venvs"), library)
    point = a_point(library, operator, tensor="64-28-28-3-64-1-1")
    env = {**point["env"], "NNTEST_REPETITIONS": 20, "CK_LWS_TUNER_TYPE": "DEFAULT"}
    if data_type != "fp32":
        own = {"NNTEST_DATA_TYPE": data_type, "CK_ABS_DIFF_THRESHOLD": "2"}
        point["env"].update(own)
        env.update(own)
    env["NNTEST_THREADS"] = 1  # two would wait for each other on a busy machine
    if operator == "network":
        env["NNTEST_NETWORK"] = tmp_path / "network.json"
        env["NNTEST_NETWORK"].write_text(json.dumps(NETWORK))
    done = run_program(python, tmp_path / "work", library, operator, **env)
    assert done.returncode == 0, done.stderr
    journal = [
        good(
            point, n, time_s=line["execution_time_kernel_1"], run_time_state=line["run_time_state"]
        )
        for n, line in enumerate(lines(tmp_path / "work"))
    ]
    results = archive(tmp_path / "r.zip", library, [point], journal)
    out = tmp_path / "out"
    made = nntest("capsule", results, operator, "-o", out, "--python", python)
    assert made.status == 0, made.stderr
    assert re.search(r"^numpy==\d", (out / "requirements.txt").read_text(), re.M)
    if (library, data_type, operator) == ("onnxruntime", "fp32", "conv"):  # as README.txt has it
        commands = re.findall(r"^    (.+install .+)$", (out / "README.txt").read_text(), re.M)
        subprocess.run(["python3", "-m", "venv", "venv"], cwd=out, check=True)
        subprocess.run(commands[0].split(), cwd=out, check=True, capture_output=True)
        python = out / "venv" / "bin" / "python"
    ran = subprocess.run(
        [str(python), "reproduce.py", "50"], cwd=out, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = re.search(r"min ([\d.]+) us, median ([\d.]+) us", ran.stdout)
    recorded = min(line["time_s"] for line in journal) * 1e6
    # In the same unit; how near it comes is the neighbours' affair.
    assert found and 0.02 < float(found[1]) / recorded < 50
