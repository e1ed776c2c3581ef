"""Families with branches against the operations and parameters of their papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml
from nntest.config.families import Family
from nntest.config.network import NetworkFile
from nntest.domain.families.building import divisible
from nntest.domain.families.mobile import efficientnet_lite0, mobilenet_v2, mobilenet_v3
from nntest.domain.families.resnet import resnet
from nntest.domain.families.squeezenet import squeezenet
from nntest.domain.graph_steps import is_chain, output_shapes
from nntest.domain.networks import Network
from nntest.domain.onnx_files.reading import read_onnx
from nntest.domain.tensors import NODE
from pydantic import ValidationError

CONFIG = Path(__file__).parents[3] / "config" / "networks"
ZOO = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

# Million multiply-accumulates and parameters of TensorFlow's slim/nets/mobilenet/README.md, which
# counts no batch normalisation.  The paper's table 4 (Sandler et al. 2018) has 300 and 3.4 for
# width 1.0, 585 and 6.9 for width 1.4.
MOBILENETS_V2 = {
    (1.4, 224): (582, 6.06), (1.3, 224): (509, 5.34),
    (1.0, 224): (300, 3.47), (1.0, 192): (221, 3.47), (1.0, 160): (154, 3.47),
    (1.0, 128): (99, 3.47), (1.0, 96): (56, 3.47),
    (0.75, 224): (209, 2.61), (0.75, 192): (153, 2.61), (0.75, 160): (107, 2.61),
    (0.75, 128): (69, 2.61), (0.75, 96): (39, 2.61),
    (0.5, 224): (97, 1.95), (0.5, 192): (71, 1.95), (0.5, 160): (50, 1.95),
    (0.5, 128): (32, 1.95), (0.5, 96): (18, 1.95),
    (0.35, 224): (59, 1.66), (0.35, 192): (43, 1.66), (0.35, 160): (30, 1.66),
    (0.35, 128): (20, 1.66), (0.35, 96): (11, 1.66),
}  # fmt: skip


def batch_norm(network: Network) -> int:
    return sum(layer.batch_norm_parameters for layer in network.layers)


@pytest.mark.parametrize("variant", MOBILENETS_V2)
def test_mobilenets_v2_have_their_published_totals(variant: tuple[float, int]) -> None:
    network = mobilenet_v2(*variant)
    macs, parameters = MOBILENETS_V2[variant]
    assert network.macs / 1e6 == pytest.approx(macs, abs=1)  # once cut and once rounded
    assert (network.parameters - batch_norm(network)) / 1e6 == pytest.approx(parameters, abs=0.01)


# Parameters as torchvision counts them (docs.pytorch.org/vision, num_params), of 1000 classes.
# EfficientNet-Lite0's page has 4.7 million.
PARAMETERS = {
    "mobilenet-v2": (mobilenet_v2(1.0, 224, 1000), 3_504_872),
    "mobilenet-v3-large": (mobilenet_v3("large", 224, 1000), 5_483_032),
    "mobilenet-v3-small": (mobilenet_v3("small", 224, 1000), 2_542_856),
    "efficientnet-lite0": (efficientnet_lite0(224), 4_652_008),
    "resnet-18": (resnet(18), 11_689_512),
    "resnet-50": (resnet(50), 25_557_032),
    "resnet-50-v1": (resnet(50, "1"), 25_557_032),
    "squeezenet-1.0": (squeezenet("1.0"), 1_248_424),
    "squeezenet-1.1": (squeezenet("1.1"), 1_235_496),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name: str) -> None:
    network, parameters = PARAMETERS[name]
    assert network.parameters == parameters


# Multiply-accumulates, in units of the last digit that is published: Howard et al. 2019 (table 3:
# 219 and 56 million; slim's README has 217 for large, as the layers give), He et al. 2015 (table 1:
# 1.8 and 3.8 thousand million, cut), torchvision for ResNet-50 v1.5 (4.09) and SqueezeNet (0.82 and
# 0.35); Iandola's files have no figure for an image but that 1.1 is 2.4 times less work.
OPERATIONS = {
    "mobilenet-v3-large": (217e6, 1e6),
    "mobilenet-v3-small": (56e6, 1e6),
    "resnet-18": (1.8e9, 0.1e9),
    "resnet-50-v1": (3.8e9, 0.1e9),
    "resnet-50": (4.09e9, 0.01e9),
    "squeezenet-1.0": (0.82e9, 0.01e9),
    "squeezenet-1.1": (0.35e9, 0.01e9),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_the_published_ones(name: str) -> None:
    published, unit = OPERATIONS[name]
    assert PARAMETERS[name][0].macs == pytest.approx(published, abs=unit)


def test_efficientnet_lite0_has_fewer_operations_than_its_page_says() -> None:
    """Its page has 407 million; the EfficientNet-B0 that it is a part of has 390 in its paper."""
    assert efficientnet_lite0(224).macs == 385_187_552


@pytest.mark.parametrize(
    ("name", "made"), [("resnet50", resnet(50)), ("squeezenet", squeezenet("1.1"))]
)
def test_the_layers_are_those_of_the_model_zoos_files(name: str, made: Network) -> None:
    """The files inside the onnx package, which others wrote; their steps join as these do."""
    read = read_onnx(ZOO / f"light_{name}.onnx")
    assert sorted(layer.as_run.name for layer in made.layers) == sorted(
        layer.as_run.name for layer in read.layers
    )
    assert sorted(step.kind for step in made.steps) == sorted(step.kind for step in read.steps)
    assert sorted(output_shapes(made.steps).values()) == sorted(output_shapes(read.steps).values())


ALL = [network for network, _ in PARAMETERS.values()] + [mobilenet_v2(0.35, 96)]


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.name)
def test_every_family_runs_whole_and_is_no_chain(network: Network) -> None:
    assert network.why_no_graph() == ""
    assert not is_chain(network.steps)
    assert network.why_no_chain().startswith("no operator computes ")


def test_what_joins_is_named_and_a_layer_if_nodes_are_measured() -> None:
    plain = mobilenet_v2(0.35, 96)
    assert plain.labels("not covered")[0] == "expanded_conv_2/add (Add)"
    assert len(plain.uncovered) == 10
    single = mobilenet_v2(0.35, 96, single_nodes=True)
    assert single.uncovered == []
    joins = [layer for layer in single.layers if layer.species == NODE]
    assert [joins[0].name, joins[0].tensor.name] == [
        "expanded_conv_2/add", "Add@14:1x8x24x24,1x8x24x24",
    ]  # fmt: skip
    assert (single.macs, single.parameters) == (plain.macs, plain.parameters)
    assert single.steps == plain.steps
    assert [node.name for node in single.nodes] == [step.name for step in single.steps]


def test_squeeze_and_excite_weighs_the_channels() -> None:
    steps = {step.name: step for step in mobilenet_v3("small", 224).steps}
    name = "expanded_conv/squeeze_excite"
    assert steps[f"{name}/mul"].inputs == ("expanded_conv/depthwise", f"{name}/expand")
    assert steps[f"{name}/expand"].activation == "hard-sigmoid"
    assert steps["expanded_conv/project"].inputs == (f"{name}/mul",)


def test_a_pool_of_squeezenet_takes_the_window_that_its_input_does_not_fill() -> None:
    """Caffe rounds the number of windows up: 54 become 27."""
    shapes = output_shapes(squeezenet("1.0").steps)
    assert (shapes["pool1"], shapes["pool2"]) == ((96, 54, 54), (256, 27, 27))


@pytest.mark.parametrize(("channels", "rounded"), [(11.2, 16), (5.6, 8), (24, 24), (33.6, 32)])
def test_channels_are_rounded_as_slim_does(channels: float, rounded: int) -> None:
    assert divisible(channels) == rounded


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ({"family": "resnet", "depth": 50, "version": 1.5}, "resnet-50-v1.5-224"),
        ({"family": "resnet", "depth": 50, "version": 1}, "resnet-50-v1-224"),
        ({"family": "resnet", "depth": 18}, "resnet-18-224"),
        ({"family": "squeezenet", "version": 1.1, "resolution": 227}, "squeezenet-1.1-227"),
        ({"family": "efficientnet-lite0", "resolution": 96}, "efficientnet-lite0-96"),
    ],
)
def test_versions_are_read_as_yaml_gives_them(definition: dict[str, Any], name: str) -> None:
    file = NetworkFile.model_validate({"name": "mine", "definition": definition})
    assert isinstance(file.definition, Family)
    assert file.definition.build(single_nodes=False).name == name
    assert file.build().name == "mine"


def test_a_version_that_is_not_there_is_named() -> None:
    with pytest.raises(ValidationError, match=r"'1\.0' or '1\.1'"):
        NetworkFile.model_validate(
            {"name": "mine", "definition": {"family": "squeezenet", "version": 1.2}}
        )


SHIPPED = sorted(
    path
    for path in CONFIG.glob("*.yaml")
    if path.stem.startswith(("mobilenet-v2", "mobilenet-v3", "resnet", "squeezenet", "efficient"))
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_file_is_built_and_has_an_accuracy_with_its_source(path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    file = NetworkFile.model_validate({"name": path.stem, **content})
    assert file.accuracy is not None and file.accuracy.source
    network = file.build()
    assert network.name == path.stem
    assert network.why_no_graph() == ""
