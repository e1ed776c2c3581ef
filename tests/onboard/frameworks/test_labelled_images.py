"""Labelled images on a board: what the model is given, and how its answers are counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from measuring.colour_classifier import CLASSES, COLOURS, LABELS, RIGHT, SIDE, write_model
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.measuring.model_files import reference_outputs, tensors_file
from onboard.frameworks.libraries import lines, run_program

FRAMEWORKS = Path(__file__).parents[3] / "scripts" / "onboard" / "frameworks"
HOW = {"white": 1, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 1.0], "layout": "NCHW"}


@pytest.fixture
def module(common: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, imported as the program imports it; gone again afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FRAMEWORKS))
    import labelled_images

    yield labelled_images
    for name in set(sys.modules) - before:
        if FRAMEWORKS in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
            del sys.modules[name]


def part(module: Any, pixels: np.ndarray[Any, Any], **changes: Any) -> Any:
    return module.Part(pixels, np.arange(len(pixels)), {**HOW, **changes})


def test_values_are_what_the_formula_says(module: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 4, 5, 3), np.uint8)
    ((values, classes),) = part(module, pixels).batches(2, np.dtype(np.float32))
    assert (values.shape, values.dtype) == ((2, 3, 4, 5), np.float32)
    assert classes.tolist() == [0, 1]
    wanted = (pixels / 255 - HOW["mean"]) / HOW["std"]
    np.testing.assert_allclose(values, wanted.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-6)
    made = part(module, pixels, white=255, layout="NHWC")
    ((values, _),) = made.batches(2, np.dtype(np.float32))
    np.testing.assert_allclose(values, (pixels - HOW["mean"]) / HOW["std"], rtol=1e-5, atol=1e-4)


def test_a_last_batch_is_filled_and_counts_once(module: Any) -> None:
    pixels = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    made = part(module, pixels, white=255, mean=[0], std=[1])
    found = list(made.batches(2, np.dtype(np.uint8)))
    assert [values.ravel().tolist() for values, _ in found] == [[0, 1], [2, 3], [4, 4]]
    assert [classes.tolist() for _, classes in found] == [[0, 1], [2, 3], [4]]


def test_ranks_are_those_of_a_stable_sort(module: Any) -> None:
    generator = np.random.default_rng(2)
    scores = generator.integers(0, 6, (200, 9)).astype(float)  # with equal ones
    classes = generator.integers(0, 9, 200)
    order = np.argsort(-scores, axis=1, kind="stable")
    wanted = [list(row).index(right) for row, right in zip(order, classes, strict=True)]
    assert module.ranks(scores, classes).tolist() == wanted


def test_an_image_file_that_is_not_there_is_named(module: Any, tmp_path: Path) -> None:
    with pytest.raises(module.BadValue, match=r"NNTEST_IMAGES: .*00003\.npz cannot be read"):
        module.read_part(str(tmp_path), 3)


def write_parts(folder: Path, sizes: tuple[int, ...], **changes: Any) -> None:
    folder.mkdir()
    start = 0
    how = {"white": 1, "mean": [0.1] * 3, "std": [0.5] * 3, "layout": "NCHW", "output": "scores"}
    for number, size in enumerate(sizes):
        those = LABELS[start : start + size]
        start += size
        pixels = np.zeros((size, SIDE, SIDE, 3), np.uint8)
        for index, (colour, _) in enumerate(those):
            pixels[index] = COLOURS[colour][::-1]
        np.savez(
            folder / f"{number:05d}.npz",
            pixels=pixels,
            classes=np.array([CLASSES.index(said) for _, said in those]),
            how=np.array(json.dumps({**how, **changes})),
        )


def run(folder: Path, batch: Any = 1, repetitions: int = 2, **changes: Any) -> Any:
    """Run the program with ONNX Runtime on the images; what it ended with."""
    whole = WholeModel(write_model(folder / "m.onnx", batch), {}, "file", {})
    model = whole.build(1, 42)
    inputs = whole.draw_inputs(model, 42)
    content = model.SerializeToString()
    (folder / "made.onnx").write_bytes(content)
    outputs = reference_outputs("m", content, inputs)
    (folder / "made.npz").write_bytes(tensors_file(model, [], inputs, outputs))
    write_parts(folder / "images", (5, 4), **changes)
    return run_program(
        Path(sys.executable), folder / "work", "onnxruntime", "network",
        NNTEST_MODEL=folder / "made.onnx", NNTEST_MODEL_TENSORS=folder / "made.npz",
        NNTEST_IMAGES=folder / "images", NNTEST_REPETITIONS=repetitions,
        CK_DATASET_FILENAME="shape-colours",
    )  # fmt: skip


@pytest.mark.parametrize("batch", [1, 4])
def test_the_program_counts_what_is_right(tmp_path: Path, batch: int) -> None:
    done = run(tmp_path, batch)
    assert done.returncode == 0, done.stderr
    counts = [line["run_time_state"]["accuracy"] for line in lines(tmp_path / "work")]
    assert [each["images"] for each in counts] == [5, 4]
    assert {name: sum(each[name] for each in counts) for name in RIGHT} == RIGHT


def test_images_of_another_shape_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, layout="NHWC")
    assert done.returncode != 0
    assert "images of (1, 8, 8, 3), and the input (1, 3, 8, 8)" in done.stderr


def test_an_output_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, output="none")
    assert "the model has no output 'none'" in done.stderr
