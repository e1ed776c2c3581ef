"""`accuracy` of a network's file: published, or to be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from measuring.colour_classifier import PREPROCESSING, write_network
from nntest.config import Study, load_study
from nntest.config.accuracy import Accuracy
from nntest.config.load import load_network
from nntest.errors import UserError

HOME = Path(__file__).parents[2]
IMAGES = {"images": "images", "labels": "labels.csv", "preprocessing": PREPROCESSING}


def study(network: Path, **changes: Any) -> Study:
    config = {
        "study": "s", "networks": [str(network)], "boards": ["localhost"], "tuners": ["DEFAULT"],
        "libraries": ["onnxruntime"], "operators": ["conv"], "end_to_end": True, **changes,
    }  # fmt: skip
    return load_study(config, HOME)


def load(folder: Path, accuracy: dict[str, Any], **definition: Any) -> Accuracy | None:
    path = folder / "net.yaml"
    content = {"definition": {"family": "onnx", "file": "m.onnx", **definition}}
    path.write_text(yaml.safe_dump({**content, "accuracy": accuracy}), encoding="utf-8")
    return load_network(path).accuracy


def test_paths_are_relative_to_the_networks_file(tmp_path: Path) -> None:
    accuracy = load(tmp_path, IMAGES)
    assert accuracy is not None and accuracy.is_measured
    assert (accuracy.images, accuracy.labels) == (tmp_path / "images", tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        ({}, "give `top1_percent` and `source`, or `images`, `labels` and `preprocessing`"),
        ({"top1_percent": 70}, "top1_percent needs its `source`"),
        ({"top5_percent": 70, "source": "mine"}, "top1_percent is missing"),
        ({"images": "images"}, "to measure it, labels and preprocessing is missing"),
        ({"top1_percent": 7, "source": "mine", "output": "y"}, "there are no images"),
        ({**IMAGES, "preprocessing": {**PREPROCESSING, "mean": [0.5]}}, "mean: BGR has 3 channels"),
        ({**IMAGES, "preprocessing": {**PREPROCESSING, "std": [0, 1, 1]}}, "greater than 0"),
        ({**IMAGES, "preprocessing": {**PREPROCESSING, "resize": 7}}, "resize: 7 is smaller"),
        ({**IMAGES, "preprocessing": {**PREPROCESSING, "white": 100}}, "1 or 255"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, accuracy: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load(tmp_path, accuracy)


@pytest.mark.parametrize("name", list(PREPROCESSING))
def test_nothing_of_the_preprocessing_is_guessed(tmp_path: Path, name: str) -> None:
    stated = {key: value for key, value in PREPROCESSING.items() if key != name}
    with pytest.raises(UserError, match=f"preprocessing.{name}"):
        load(tmp_path, {**IMAGES, "preprocessing": stated})


def test_networks_with_drawn_weights_classify_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="with `weights: drawn` it classifies nothing"):
        load(tmp_path, IMAGES, weights="drawn")
    path = tmp_path / "net.yaml"
    definition = {"family": "mobilenet-v1", "width": 1.0, "resolution": 224}
    path.write_text(yaml.safe_dump({"definition": definition, "accuracy": IMAGES}))
    with pytest.raises(UserError, match="`family: mobilenet-v1` has drawn weights") as error:
        load_network(path)
    assert "give your model's ONNX file" in str(error.value)


def test_a_study_that_cannot_measure_it_says_so(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    with pytest.raises(UserError, match="set end_to_end: true"):
        study(network, end_to_end=False)
    with pytest.raises(UserError, match="add onnxruntime or openvino"):
        study(network, libraries=["ncnn"])
    (tmp_path / "labels.csv").write_text("none.png,1")
    with pytest.raises(UserError, match="1 of its images are not there"):
        study(network)


def test_of_published_accuracies_that_of_fp32_stands_for_fp16_alone() -> None:
    made = Accuracy(top1_percent=70, source="mine", top1_percent_by_precision={"INT4": 60})
    assert [made.published_top1(kind) for kind in ("fp32", "fp16", "int8")] == [70, 70, None]
    named = made.model_copy(update={"top1_percent_by_precision": {"INT8": 69.5, "FP16": 69.9}})
    assert [named.published_top1(kind) for kind in ("fp32", "fp16", "int8")] == [70, 69.9, 69.5]
