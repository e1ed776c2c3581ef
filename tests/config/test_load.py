"""The config: what loads, and that every mistake gets one message with file, key and hint."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Library, NetworkFile, Study, load_study
from nntest.config.load import read_yaml
from nntest.config.study import StudyPoint
from nntest.errors import UserError
from nntest.graph.boards import sweep_spec

HOME = Path(__file__).parents[2]


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    content: dict[str, Any] = {}
    for name in ("config.yaml", "local-work-sizes.yaml"):  # one library, several operators, tuners
        content |= yaml.safe_load((HOME / "config" / name).read_text("utf-8"))
    return content


def write(kind: str, stem: str, **content: Any) -> None:
    path = Path("config") / kind / f"{stem}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        load_study(config, HOME)
    return str(caught.value)


@pytest.mark.parametrize("text", ["a: 2026-13-01", "a: " + "[" * 5000, "a: [1", "{a: b}: c"])
def test_odd_yaml_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=r"x\.yaml: not valid YAML"):
        read_yaml(path)


def test_the_shipped_config_sets_libraries_against_each_other() -> None:
    config = yaml.safe_load((HOME / "config/config.yaml").read_text("utf-8"))
    study = load_study(config, HOME)
    sweeps = {
        sweep.library.name: Counter(p.operator for p in sweep.points) for sweep in study.sweeps()
    }
    layers = {"conv": 11, "depthwiseconv": 9, "avgpool": 1, "softmax": 1}
    assert sweeps == {
        **dict.fromkeys(("onnxruntime", "openvino", "litert", "ncnn"), layers),
        **dict.fromkeys(("onnxruntime-int8", "openvino-int8"), layers),
        "opencl-reference": {**layers, "bandwidth": 1, "peak": 1},
    }


def test_the_2018_study_and_all_other_layers(config: dict[str, Any]) -> None:
    study = load_study(config, HOME)
    (sweep,) = study.sweeps()
    assert sweep.name == "localhost.opencl-reference"
    by_operator = Counter(point.operator for point in sweep.points)
    assert by_operator == {
        **dict.fromkeys(("conv", "directconv"), 11 * 2),
        "depthwiseconv": 9 * 2, "avgpool": 2, "softmax": 2, "bandwidth": 1, "peak": 1,
    }  # fmt: skip
    assert study.datasets()["conv"] == "tensor-conv-mobilenets-v1-1.0-224"
    (whole,) = study.network_sweeps()
    assert whole.name == "localhost.opencl-reference.network"


@pytest.mark.parametrize("kind", ["boards", "libraries", "networks"])
def test_every_shipped_file_loads(kind: str, config: dict[str, Any]) -> None:
    for path in sorted((HOME / "config" / kind).glob("*.yaml")):
        config.update(libraries=["opencl-reference"], boards=["localhost"])
        config[kind] = [path.stem]
        file = yaml.safe_load(path.read_text("utf-8"))
        if file.get("harness") == "ck":
            config.update(
                libraries=["ck-armcl-18.05-detected"], operators=["conv"], end_to_end=False
            )
        if kind == "libraries":
            config["operators"] = ["conv"]
            config["end_to_end"] = "network" in file["operators"]
            if file["kind"] == "ck":  # its boards are somebody's own: none is shipped
                Path("ck.yaml").write_text(yaml.safe_dump(board(harness="ck")), encoding="utf-8")
                config["boards"] = ["ck.yaml"]
        if kind == "networks":
            layers = NetworkFile.model_validate({"name": path.stem, **file}).build().layers
            config["operators"] = sorted({layer.species for layer in layers})
        load_study(config, HOME)


def test_tensors_that_networks_share_are_measured_once(config: dict[str, Any]) -> None:
    config["networks"] = ["mobilenet-v1-1.0-224", "mobilenet-v1-1.0-128", "mobilenet-v1-0.5-224"]
    (sweep,) = load_study(config, HOME).sweeps()
    measured = [(point.operator, point.tuner, point.subject) for point in sweep.points]
    assert len(measured) == len(set(measured))
    assert ("conv", "NONE", "1024-1-1-1-1001-1-0") in measured


def test_a_sweep_for_each_operator_and_tuner(config: dict[str, Any]) -> None:
    config["sweep_by"] = "operator-tuner"
    names = [sweep.name for sweep in load_study(config, HOME).sweeps()]
    assert names == [
        f"localhost.opencl-reference.{operator}.{tuner}"
        for operator in config["operators"]
        for tuner in (("NONE",) if operator in ("bandwidth", "peak") else ("NONE", "DEFAULT"))
    ]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"repetitons": 3}, "config: unknown key `repetitons` (did you mean `repetitions`?)"),
        ({"baseline": {"operater": "conv"}}, "unknown key `baseline.operater` (did you mean"),
        ({"repetitions": 0}, "`repetitions`: Input should be greater than or equal to 1"),
        ({"repetitions": "many"}, "`repetitions`: Input should be a valid integer"),
        ({"study": "../x"}, "config: `study`"),
        ({"study": "$(reboot)"}, "config: `study`"),
        ({"boards": ["localhots"]}, "did you mean 'localhost'?"),
        ({"boards": ["x; rm -rf ~"]}, "has no file config/boards/x; rm -rf ~.yaml"),
        ({"boards": ["localhost", "localhost"]}, "`boards`: listed twice: localhost"),
        ({"networks": ["mobilenet"]}, "networks: 'mobilenet' has no file"),
        ({"networks": ["nowhere/net.yaml"]}, "there is no file nowhere/net.yaml"),
        ({"operators": ["convolution"]}, "'convolution' is not an operator: one of"),
        (
            {"operators": ["conv", "resizebilinear"]},
            "operator 'resizebilinear' is in none of the libraries opencl-reference",
        ),
        ({"tuners": ["FAST"]}, "tuner 'FAST' is in none of the libraries opencl-reference"),
        ({"tuners": ["CUSTOM"]}, "library opencl-reference: nothing to measure"),
        (
            {"operators": ["conv", "fullyconnected"]},
            "operator 'fullyconnected' has nothing to measure: no layer of mobilenet-v1-1.0-224 "
            "is a fullyconnected",
        ),
        ({"operators": ["conv", "network"]}, "'network' is not an operator of a layer"),
        ({"end_to_end_choices": ["BEST"]}, "`end_to_end_choices[0]`"),
        ({"boards": []}, "`boards`, `imports` and `published` are all empty"),
        ({"libraries": []}, "`boards` without `libraries`"),
        ({"tensors": {"conv": ["1-2-3"]}}, "tensor '1-2-3' of species conv has 3 fields, not 7"),
        ({"plots": {"violin": {"titel": "x"}}}, "unknown key `plots.violin.titel` (did you mean"),
    ],
)
def test_a_mistake_in_the_config(
    config: dict[str, Any], change: dict[str, Any], reported: str
) -> None:
    config.update(change)
    assert reported in complaint(config)


def test_a_missing_key(config: dict[str, Any]) -> None:
    del config["study"]
    assert "config: key `study` is missing" in complaint(config)


def test_several_mistakes_are_told_at_once(config: dict[str, Any]) -> None:
    config.update(repetitions=0, seeed=1)
    message = complaint(config)
    assert "repetitions" in message
    assert "seeed" in message


def board(**changes: Any) -> dict[str, Any]:
    return {"connect": {"transport": "local"}, "work_dir": "w", **changes}


def test_many_boards_share_what_a_library_measures(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"b{number}" for number in range(20)]
    for name in names:
        write("boards", name, **board(work_dir=name))
    study = load_study({**config, "boards": names, "precision": "5 %"}, HOME)
    points, asked = Study.points, []

    def counted(study: Study, library: Library) -> list[StudyPoint]:
        asked.append(library)
        return points(study, library)

    monkeypatch.setattr(Study, "points", counted)
    fresh = replace(study)  # it has been asked for its sweeps by no check
    for sweep in (*fresh.sweeps(), *fresh.network_sweeps()):
        sweep_spec(fresh, sweep)
    assert len(fresh.sweeps()) == len(names)
    assert asked == list(study.libraries)


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (
            board(gpu={"name": "g", "max_mhz": 800_000_000}),
            "8e+08 is out of range for a value in MHz",
        ),
        (board(conect={}), "unknown key `conect` (did you mean `connect`?)"),
        (board(connect={"transport": "serial"}), "`connect`"),
        (board(connect={"transport": "ssh"}), "key `connect.ssh.host` is missing"),
        (board(connect={"transport": "local", "host": "h"}), "unknown key `connect.local.host`"),
        (board(libraries=["armcl-opencl"]), "has none of the study's libraries"),
        (board(name="other"), "name is 'other', but the file is bench.yaml"),
    ],
)
def test_a_mistake_in_a_board_file(config: dict[str, Any], content: Any, reported: str) -> None:
    write("boards", "bench", **content)
    config["boards"] = ["bench"]
    assert reported in complaint(config)
    assert "bench" in complaint(config)


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"connect: [", "not valid YAML: line 1"),
        (b"just words", "expected `key: value` lines"),
        (b"\xff\xfe", "it is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_yaml(config: dict[str, Any], content: bytes, reported: str) -> None:
    Path("bench.yaml").write_bytes(content)
    config["boards"] = ["bench.yaml"]
    message = complaint(config)
    assert "bench.yaml" in message
    assert reported in message


def test_a_library_without_a_program_for_networks(config: dict[str, Any]) -> None:
    content = {"kind": "opencl-reference", "version": "1", "operators": {"conv": {}}}
    Path("mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    config.update(libraries=["mine.yaml"], operators=["conv"], tuners=["NONE"])
    assert "end_to_end: none of the libraries mine has a program for a whole" in complaint(config)


def test_an_onnx_file_lies_beside_its_network_file(config: dict[str, Any]) -> None:
    definition = {"family": "onnx", "file": "models/net.onnx"}
    write("networks", "mine", definition=definition)
    config["networks"] = ["mine"]
    assert "config/networks/models/net.onnx: cannot be read: No such file" in complaint(config)


def test_a_wrong_layer_names_its_network_and_line(config: dict[str, Any]) -> None:
    layers = [{"name": "first", "species": "conv", "tensor": "1-2"}]
    write("networks", "mine", definition={"family": "layers", "layers": layers})
    config["networks"] = ["mine"]
    assert "network mine, layer first: tensor '1-2'" in complaint(config)


def test_a_broken_board_file_that_is_not_used_disturbs_nobody(config: dict[str, Any]) -> None:
    Path("config/boards").mkdir(parents=True)
    Path("config/boards/broken.yaml").write_text("[", encoding="utf-8")
    assert [board.name for board in load_study(config, HOME).boards] == ["localhost"]
