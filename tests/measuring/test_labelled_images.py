"""Images on their way to a board: prepared as the config says, sent once, refused if odd."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from config.test_accuracy import study
from measuring.colour_classifier import (
    COLOURS,
    LABELS,
    PREPROCESSING,
    SIDE,
    write_model,
    write_network,
)
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study
from nntest.config.accuracy import Preprocessing
from nntest.config.further_runs import with_further_runs
from nntest.domain.image_labels import LabelledImage
from nntest.domain.network_points import NetworkPoint
from nntest.errors import UserError
from nntest.measuring import labelled_images
from nntest.measuring.labelled_images import image_variables, images_digest, prepared, send_images
from nntest.measuring.transport.local import LocalTransport
from PIL import Image


def accuracy_point(made: Study) -> NetworkPoint:
    library = made.library("onnxruntime")
    points, _ = schedule_network(made, library, {})
    (point,) = [one for one in with_further_runs(made, library, tuple(points)) if one.profile]
    assert isinstance(point, NetworkPoint)
    return point


def sent(made: Study, folder: Path) -> tuple[list[Path], list[str]]:
    """The files of a point's images on the board, and what is noted."""
    notes: list[str] = []
    point = accuracy_point(made)
    with LocalTransport() as transport:
        send_images(transport, made, [point], str(folder / "library"), notes.append)
    there = Path(image_variables(str(folder / "library"), made, point)["NNTEST_IMAGES"])
    return sorted(there.glob("*.npz")), notes


# -- an image ------------------------------------------------------------------------------


def halves(path: Path, size: tuple[int, int]) -> LabelledImage:
    """The left half red, the right half blue."""
    image = Image.new("RGB", size, COLOURS["red"])
    image.paste(COLOURS["blue"], (size[0] // 2, 0, *size))
    image.save(path)
    return LabelledImage(path, 0)


def how(**changes: Any) -> Preprocessing:
    return Preprocessing.model_validate({**PREPROCESSING, **changes})


def test_an_image_is_stretched(tmp_path: Path) -> None:
    image = halves(tmp_path / "a.png", (40, 10))
    pixels = prepared(image, how(size=[4, 6], channels="RGB", interpolation="nearest"))
    assert pixels.shape == (4, 6, 3)
    assert (pixels[:, :3] == COLOURS["red"]).all() and (pixels[:, 3:] == COLOURS["blue"]).all()


def test_or_its_middle_is_cut_out(tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 20), COLOURS["red"])
    image.paste(COLOURS["green"], (20, 0, 40, 20))
    image.save(tmp_path / "a.png")
    made = how(size=[8, 8], resize=10, channels="RGB", interpolation="nearest")
    pixels = prepared(LabelledImage(tmp_path / "a.png", 0), made)
    assert pixels.shape == (8, 8, 3) and (pixels == COLOURS["green"]).all()


def test_channels_are_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    image = halves(tmp_path / "a.png", (4, 4))
    assert (prepared(image, how())[:, 0] == COLOURS["red"][::-1]).all()
    grey = prepared(image, how(channels="grey", mean=[0], std=[1]))
    assert grey.shape == (SIDE, SIDE, 1)


def test_images_of_other_modes_are_read(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P", "CMYK"):
        path = tmp_path / f"{mode}.tiff"
        Image.new(mode, (9, 9)).save(path)
        assert prepared(LabelledImage(path, 0), how()).shape == (SIDE, SIDE, 3)


def test_what_is_not_an_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(UserError, match=r"a.png: not an image that can be read"):
        prepared(LabelledImage(tmp_path / "a.png", 0), how())


# -- the points and their files ------------------------------------------------------------


def test_a_network_with_images_has_a_point_for_each_setting(tmp_path: Path) -> None:
    made = study(write_network(tmp_path), batch_sizes=[1, 4], tuners=["DEFAULT", "NONE"],
                 threads=[1, 2])  # fmt: skip
    library = made.library("onnxruntime")
    points, _ = schedule_network(made, library, {})
    found = [one for one in with_further_runs(made, library, tuple(points)) if one.profile]
    assert [(one.profile, one.tuner, one.batch_size, one.threads) for one in found] == [
        ("accuracy", "DEFAULT", 1, None), ("accuracy", "NONE", 1, None),
    ]  # fmt: skip
    assert [made.repetitions(one) for one in found] == [1, 1]


def test_images_are_sent_once_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_images, "IMAGES_EACH", 4)
    made = study(write_network(tmp_path))
    files, (note,) = sent(made, tmp_path)
    assert [file.name for file in files] == ["00000.npz", "00001.npz", "00002.npz"]
    assert note == "preparing 9 images for colours and sending them to the board"
    assert sent(made, tmp_path) == (files, [])
    with np.load(files[1], allow_pickle=False) as part:
        assert part["classes"].tolist() == [1, 2, 3, 4]
        assert part["pixels"].shape == (4, SIDE, SIDE, 3)
        assert (part["pixels"][2] == COLOURS[LABELS[6][0]][::-1]).all()
        said = json.loads(str(part["how"]))
    kept = {name: PREPROCESSING[name] for name in ("white", "mean", "std", "layout")}
    assert said == {**kept, "output": "scores"}


def test_parts_that_were_sent_are_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled_images, "IMAGES_EACH", 4)
    made = study(write_network(tmp_path))
    files, _ = sent(made, tmp_path)
    (files[0].parent / "whole").unlink()
    files[1].unlink()
    written = files[0].stat().st_mtime_ns
    assert sent(made, tmp_path)[0] == files
    assert files[0].stat().st_mtime_ns == written


def test_other_images_labels_or_preprocessing_make_another_point(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    digests = [images_digest(study(network), accuracy_point(study(network)))]
    before = network.read_text()

    def note() -> None:
        labelled_images._contents.cache_clear()
        made = study(network)
        digests.append(images_digest(made, accuracy_point(made)))

    network.write_text(before.replace("bilinear", "bicubic"))
    note()
    network.write_text(before)
    labels = tmp_path / "labels.csv"
    labels.write_text(labels.read_text().replace("red.png,3", "red.png,0"))
    note()
    Image.new("RGB", (9, 9)).save(tmp_path / "images" / f"0 {LABELS[0][0]}.png")
    note()
    assert len(set(digests)) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preprocessing": {**PREPROCESSING, "size": [9, 8]}},
         "its input 'x' is 3x8x8 behind the batch, and `preprocessing` makes 3x9x8"),
        ({"preprocessing": {**PREPROCESSING, "layout": "NHWC"}}, "makes 8x8x3"),
        ({"output": "means"}, "output: the model has no 'means'"),
    ],
)  # fmt: skip
def test_a_model_that_takes_other_images_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        sent(study(write_network(tmp_path, **changes)), tmp_path)


def test_a_class_that_the_model_does_not_have_is_named(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    labels = tmp_path / "labels.csv"
    labels.write_text(labels.read_text().replace("0 red.png,0", "0 red.png,7"))
    with pytest.raises(UserError, match=r"0 red\.png is of class 7, and output 'scores' has 7"):
        sent(study(network), tmp_path)


def test_a_model_of_a_fixed_batch_is_asked_for_that_many_classes(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    write_model(tmp_path / "colours.onnx", batch=4)
    made = study(network)
    assert dataclasses.asdict(accuracy_point(made))["batch_size"] == 1
    assert len(sent(made, tmp_path)[0]) == 1
