"""The choice for each layer, and why a network has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from domain.onnx_files.test_model_zoo import file_of
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study, load_study
from nntest.config.library import Library

HOME = Path(__file__).parents[2]
LAYERS = [
    {"name": "first", "species": "conv", "tensor": "3-8-8-3-4-2-0_1_0_1"},
    {"name": "pool", "species": "avgpool", "tensor": "4-4-4-4-1"},
    {"name": "classes", "species": "fullyconnected", "tensor": "4-1-1-10-1-1"},
]
OPERATORS = {
    "conv": {"tuners": ["NONE", "DEFAULT"]},
    "directconv": {"tuners": ["NONE", "DEFAULT"]},
    "avgpool": {"tuners": ["NONE"]},
    "fullyconnected": {"tuners": ["NONE", "DEFAULT"]},
    "network": {},
}
MEDIANS = {
    ("conv", "3-8-8-3-4-2-0", 1, None, None): {
        ("conv", "NONE"): 5.0, ("conv", "DEFAULT"): 7.0,
        ("directconv", "NONE"): 6.0, ("directconv", "DEFAULT"): 3.0,
    },
    ("avgpool", "4-4-4-4-1", 1, None, None): {("avgpool", "NONE"): 2.0},
    ("fullyconnected", "4-1-1-10-1-1", 1, None, None): {
        ("fullyconnected", "NONE"): 1.0, ("fullyconnected", "DEFAULT"): 1.0
    },
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes the study with changes."""
    monkeypatch.chdir(tmp_path)

    def make(**changes: Any) -> tuple[Study, Library]:
        files = {
            "net.yaml": {"definition": {"family": "layers", "layers": LAYERS}},
            "lib.yaml": {"kind": "opencl-reference", "version": "1", "operators": OPERATORS},
        }
        for name, content in files.items():
            Path(name).write_text(yaml.safe_dump(content), encoding="utf-8")
        config = {
            "study": "s", "networks": ["net.yaml"], "libraries": ["lib.yaml"],
            "boards": ["localhost"], "tuners": ["NONE", "DEFAULT"], "end_to_end": True,
            "operators": ["conv", "directconv", "avgpool", "fullyconnected"], **changes,
        }  # fmt: skip
        study = load_study(config, HOME)
        return study, study.libraries[0]

    return make


def choices(study: Study, library: Library, medians: Any = MEDIANS) -> dict[str, list[str]]:
    points, left_out = schedule_network(study, library, medians)
    assert not left_out
    return {
        point.tuner: [f"{layer['operator']} {layer['tuner']}" for layer in layers]
        for point in points
        for layers in [point.description["layers"]]
    }


def test_the_fastest_of_each_layer_or_one_tuner_for_all(made: Any) -> None:
    assert choices(*made(end_to_end_choices=["SCHEDULE", "NONE", "DEFAULT"])) == {
        # A tie goes to the first by name, as in the table `schedule`.
        "SCHEDULE": ["directconv DEFAULT", "avgpool NONE", "fullyconnected DEFAULT"],
        "NONE": ["conv NONE", "avgpool NONE", "fullyconnected NONE"],
        # No pool of the library has the tuner.
        "DEFAULT": ["directconv DEFAULT", "avgpool NONE", "fullyconnected DEFAULT"],
    }


def test_only_what_the_study_measures_is_chosen(made: Any) -> None:
    study = made(operators=["conv", "avgpool", "fullyconnected"], tuners=["NONE"])
    assert choices(*study)["SCHEDULE"] == ["conv NONE", "avgpool NONE", "fullyconnected NONE"]


@pytest.mark.parametrize(
    ("changes", "medians", "reason"),
    [
        ({"operators": ["conv", "avgpool"]}, MEDIANS,
         "layer classes (fullyconnected) has no operator among those of the study and of library"),
        ({}, {**MEDIANS, ("avgpool", "4-4-4-4-1", 1, None, None): {}},
         "nothing could be measured on 4-4-4-4-1, the tensor of layer pool"),
        ({"batch_sizes": [2]}, MEDIANS,
         "nothing could be measured on 3-8-8-3-4-2-0, the tensor of layer first"),
    ],
)  # fmt: skip
def test_why_a_network_is_left_out(
    made: Any, changes: dict[str, Any], medians: Any, reason: str
) -> None:
    points, (left_out,) = schedule_network(*made(**changes), medians)
    assert not points
    assert left_out.network == "net"
    assert left_out.reason.startswith(reason)


@pytest.mark.parametrize(("changes", "suffix"), [({}, "+relu6"), ({"activations": "none"}, "")])
def test_inference_libraries_run_activations_and_others_do_not(
    made: Any, changes: dict[str, Any], suffix: str
) -> None:
    activated = [{**LAYERS[0], "tensor": f"{LAYERS[0]['tensor']}+relu6"}, *LAYERS[1:]]
    Path("activated.yaml").write_text(
        yaml.safe_dump({"definition": {"family": "layers", "layers": activated}}), encoding="utf-8"
    )
    changes = {"networks": ["activated.yaml"], "tuners": ["NONE"], **changes}
    study, library = made(**changes)
    pip = library.model_copy(update={"kind": "pip"})
    assert [point.subject for point in study.points(library) if point.operator == "conv"] == [
        "3-8-8-3-4-2-0"
    ]
    measured = [point for point in study.points(pip) if point.operator == "conv"]
    assert [point.subject for point in measured] == [f"3-8-8-3-4-2-0{suffix}"]
    assert measured[0].variables().get("NNTEST_ACTIVATION") == (suffix[1:] or None)
    network, _ = schedule_network(study, pip.model_copy(update={"operators": {
        **library.operators, "network": library.operators["conv"]}}), {})  # fmt: skip
    first = network[0].description["layers"][0]
    assert first["tensor"] == f"3-8-8-3-4-2-0_1_0_1{suffix}"
    assert first["env"].get("NNTEST_ACTIVATION") == (suffix[1:] or None)
    plain, _ = schedule_network(study, library, MEDIANS)
    assert "NNTEST_ACTIVATION" not in plain[0].description["layers"][0]["env"]


def test_layers_run_with_their_own_padding_whatever_was_measured(made: Any) -> None:
    points, _ = schedule_network(*made(), MEDIANS)
    first = points[0].description["layers"][0]
    assert first["tensor"] == "3-8-8-3-4-2-0_1_0_1"
    assert first["env"]["NNTEST_CONV_PADS"] == "0,1,0,1"
    assert first["env"]["CK_IN_SHAPE_N"] == "1"


BRANCHES = {
    "networks": ["mobilenet-v2-0.35-96"], "libraries": ["ncnn"], "tuners": ["DEFAULT"],
    "operators": ["conv", "depthwiseconv"],
}  # fmt: skip


def test_a_network_with_branches_is_described_with_what_each_layer_reads(made: Any) -> None:
    (point,), left_out = schedule_network(*made(**BRANCHES), {})
    assert not left_out
    layers = point.description["layers"]
    (number,) = [n for n, layer in enumerate(layers) if layer["name"] == "expanded_conv_2/add"]
    source = number - 4
    assert layers[source]["name"] == "expanded_conv_1/project"
    assert layers[number] == {
        "name": "expanded_conv_2/add", "operator": "add", "species": "add", "tuner": "DEFAULT",
        "tensor": "", "env": {}, "inputs": [number - 1, source],
    }  # fmt: skip
    assert "inputs" not in layers[number - 1] and "inputs" not in layers[number + 1]
    # Where it reads from decides what is run.
    elsewhere = [*layers[:number], {**layers[number], "inputs": [number - 1, 0]}, *layers[number:]]
    other = replace(point, description={**point.description, "layers": elsewhere})
    assert other.identity() != point.identity()


def test_branches_are_for_inference_libraries_and_not_for_int8(made: Any) -> None:
    study, library = made(**BRANCHES)
    for changes, reason in (
        ({"kind": "opencl-reference"}, "it has branches, and library ncnn runs chains alone"),
        ({"data_type": "int8"}, "it has branches, and int8 is there for chains alone"),
    ):
        points, (left_out,) = schedule_network(study, library.model_copy(update=changes), {})
        assert not points
        assert left_out.reason.startswith(reason)


def test_layers_that_only_inference_libraries_have_are_not_measured_on_others(made: Any) -> None:
    study, library = made(**{**BRANCHES, "networks": ["mobilenet-v3-small-224"]})
    named = {
        kind: {point.subject for point in study.points(library.model_copy(update={"kind": kind}))}
        for kind in ("pip", "armcl-neon")
    }
    assert any("+kernel5" in name for name in named["pip"])
    assert not any("kernel5" in name for name in named["armcl-neon"])
    assert named["armcl-neon"]


def test_the_layers_of_an_onnx_file_run_with_their_branches_where_it_is_not_read(made: Any) -> None:
    Path("squeezenet.yaml").write_text(
        yaml.safe_dump({"definition": {"family": "onnx", "file": str(file_of("squeezenet"))}}),
        encoding="utf-8",
    )
    (point,), left_out = schedule_network(
        *made(**{**BRANCHES, "networks": ["squeezenet.yaml"], "operators": ["conv"]}), {}
    )
    assert not left_out
    kinds = [layer["operator"] for layer in point.description["layers"]]
    assert (len(kinds), kinds.count("concat")) == (39, 8)
