"""A library file of kind armnn: what it may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Study, load_study
from nntest.errors import UserError

HOME = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(tuner: str = "DEFAULT", **changes: Any) -> Study:
    """The study with the shipped file, changed."""
    content = yaml.safe_load((HOME / "config/libraries/armnn.yaml").read_text("utf-8"))
    Path("mine.yaml").write_text(yaml.safe_dump({**content, **changes}), encoding="utf-8")
    config = yaml.safe_load((HOME / "config/config.yaml").read_text("utf-8"))
    changed = {"libraries": ["mine.yaml"], "operators": ["conv"], "tuners": [tuner]}
    return load_study({**config, **changed, "threads": [1, 2]}, HOME)


@pytest.mark.parametrize("tuner", ["NONE", "DEFAULT", "gpu", "nchw"])
def test_its_backends_are_tuners(tuner: str) -> None:
    made = load(tuner)
    library = made.library("mine")
    assert {point.tuner for point in made.points(library)} == {tuner}
    # As networks have them: an inference library takes activations into its layers.
    assert any("relu6" in point.tensor.name for point in made.points(library))
    assert not library.chooses_by_layer and not library.takes_onnx


@pytest.mark.parametrize("way", [{"way": "preinstalled"}, {"way": "apt", "packages": ["p"]}])
def test_ways_to_have_it(way: dict[str, Any]) -> None:
    assert load(install=way).library("mine").install is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"install": {"way": "apt"}}, "kind armnn needs install: {way: apt, packages: [python3-py"),
        ({"install": None}, "kind armnn needs install: {way: apt, packages: [python3-py"),
        (
            {"install": {"way": "preinstalled", "prefix": "/opt"}},
            "leave `prefix` and `kernels` out",
        ),
        ({"adapter": "litert"}, "kind armnn has no `adapter`, and nothing to build"),
        ({"build": {"where": "board"}}, "kind armnn has no `adapter`, and nothing to build"),
        ({"data_type": "int8"}, "data_type int8 needs kind pip"),
        ({"settings": {}}, "no tuner 'gpu': NONE, DEFAULT"),
    ],
)
def test_a_mistake(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load(**changes)
    assert said in str(caught.value)
