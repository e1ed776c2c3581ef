"""A model that tells colours, and images of which its answers are known by construction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from domain.onnx_files.onnx_models import node, write
from onnx import numpy_helper
from PIL import Image

SIDE = 8
CLASSES = ("red", "green", "blue", "half red", "half green", "half blue", "nothing")
"""The model's outputs: the share of a colour, or half of it; nothing is never more than -1."""
COLOURS = {"red": (250, 20, 10), "green": (20, 250, 10), "blue": (20, 10, 250)}
LABELS = [
    *(("red", "red"), ("green", "green"), ("blue", "blue"), ("red", "red"), ("green", "green")),
    *(("blue", "blue"), ("red", "half red"), ("green", "half green"), ("blue", "nothing")),
]
"""Of each image its colour and what its label says."""
RIGHT = {"images": len(LABELS), "top1": 6, "top5": 8}
"""A colour comes first, its half second, nothing last."""
PREPROCESSING: dict[str, Any] = {
    "size": [SIDE, SIDE], "resize": "stretch", "interpolation": "bilinear", "channels": "BGR",
    "white": 1, "mean": [0.1, 0.1, 0.1], "std": [0.5, 0.5, 0.5], "layout": "NCHW",
}  # fmt: skip


def write_model(path: Path, batch: Any = "n") -> Path:
    """The model; its input has the channels blue, green, red."""
    weights = np.zeros((len(CLASSES), 3, 1, 1), np.float32)
    for channel, name in enumerate(("blue", "green", "red")):
        weights[CLASSES.index(name), channel] = 1
        weights[CLASSES.index(f"half {name}"), channel] = 0.5
    bias = np.zeros(len(CLASSES), np.float32)
    bias[-1] = -1
    return write(
        path,
        [
            node("Conv", "x w b", "shares"),
            node("GlobalAveragePool", "shares", "means"),
            node("Flatten", "means", "scores"),
        ],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
        (batch, 3, SIDE, SIDE),
    )


def write_images(folder: Path) -> Path:
    """A folder of images, larger than the model's input, and beside it the file of labels."""
    folder.mkdir()
    lines = ["image,class"]
    for number, (colour, said) in enumerate(LABELS):
        name = f"{number} {colour}.png"
        Image.new("RGB", (20, 12), COLOURS[colour]).save(folder / name)
        lines.append(f"{name},{CLASSES.index(said)}")
    labels = folder.with_name("labels.csv")
    labels.write_text("\n".join(lines), encoding="utf-8")
    return labels


def write_network(folder: Path, definition: dict[str, Any] | None = None, **accuracy: Any) -> Path:
    """Model, images, labels and a network's file that names them."""
    write_model(folder / "colours.onnx")
    write_images(folder / "images")
    content = {
        "definition": {"family": "onnx", "file": "colours.onnx", **(definition or {})},
        "accuracy": {
            "images": "images", "labels": "labels.csv", "preprocessing": PREPROCESSING, **accuracy
        },
    }  # fmt: skip
    path = folder / "colours.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
