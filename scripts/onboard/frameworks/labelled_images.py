"""Labelled images that a whole model classifies, instead of being timed.

NNTEST_IMAGES names a folder with an archive of NumPy for each repetition, 00000.npz and so on:
``pixels``, bytes [image][row][column][channel] in the model's order of channels, ``classes``, the
number of the output that is right for each, and ``how``, JSON: ``white`` (what the byte 255 stands
for), ``mean`` and ``std`` of each channel, ``layout`` (NCHW or NHWC), and ``output``, the name of
the one with the scores.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue, WrongOutput
from records import append_repetition, utc_now
from reference import Comparison
from repetitions import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from backends.base import Backend
    from model_graph import ModelGraph
    from point import Settings

    Array = np.ndarray[Any, Any]

IMAGES = "NNTEST_IMAGES"


@dataclass(frozen=True)
class Part:
    """The images of one repetition."""

    pixels: Array
    classes: Array
    how: Mapping[str, Any]

    def batches(self, size: int, kind: np.dtype[Any]) -> Iterator[tuple[Array, Array]]:
        """Yield inputs of `size` images, and the classes of those that count: a last one is filled.

        Values are (pixel / 255 x white - mean) / std, in float32, then of the input's `kind`.
        """
        for start in range(0, len(self.classes), size):
            classes = self.classes[start : start + size]
            places = np.minimum(np.arange(start, start + size), len(self.classes) - 1)
            values = self.pixels[places].astype(np.float32) / np.float32(255 / self.how["white"])
            values = (values - np.float32(self.how["mean"])) / np.float32(self.how["std"])
            if self.how["layout"] == "NCHW":
                values = values.transpose(0, 3, 1, 2)
            yield (values if kind.kind == "f" else np.rint(values)).astype(kind), classes


def read_part(folder: str, number: int) -> Part:
    """Read the images of a repetition; raises BadValue."""
    path = os.path.join(folder, f"{number:05d}.npz")
    try:
        with np.load(path, allow_pickle=False) as archive:
            how = json.loads(str(archive["how"]))
            return Part(archive["pixels"], archive["classes"], how)
    except (OSError, ValueError, KeyError) as error:
        raise BadValue(f"{IMAGES}: {path} cannot be read: {error}") from None


def ranks(scores: Array, classes: Array) -> Array:
    """Return how many outputs come before the right one of each image: 0 if it is the guess.

    scores: [image][output].  Of equal scores the one with the lower number comes first, as with
    argmax.
    """
    right = scores[np.arange(len(classes)), classes][:, None]
    before = np.arange(scores.shape[1]) < classes[:, None]
    found: Array = ((scores > right) | ((scores == right) & before)).sum(axis=1)
    return found


def classify(
    backend: Backend, graph: ModelGraph, settings: Settings, folder: str, state: dict[str, Any]
) -> None:
    """Classify the images of each repetition with a model that is set up; leave the counts.

    A record has `accuracy` in its run_time_state: images, and how many have the right class as the
    first guess and among the first five.  Its time is that of an image, beside the preparing of
    the next one, so it is no measurement.  Raises BadValue and WrongOutput.
    """
    (source,) = graph.inputs.values()
    first = settings.first_repetition
    for index in range(first, first + settings.repetitions):
        part, started_at, seconds = read_part(folder, index), utc_now(), 0.0
        counts = {"images": len(part.classes), "top1": 0, "top5": 0}
        for values, classes in part.batches(len(source), source.dtype):
            if values.shape != source.shape:
                raise BadValue(f"{IMAGES}: images of {values.shape}, and the input {source.shape}")
            np.copyto(source, values)  # the library reads it there
            start = time.perf_counter()
            backend.run()
            seconds += time.perf_counter() - start
            scores = graph.part(backend.output(), part.how["output"]).reshape(len(source), -1)
            if not np.isfinite(scores).all():
                raise WrongOutput(f"part {index} of the images: scores that are not finite")
            found = ranks(scores[: len(classes)], classes)
            counts["top1"] += int((found < 1).sum())
            counts["top5"] += int((found < 5).sum())
        checked = Comparison(True, 0.0, settings.threshold, "")
        each_s = seconds / len(part.classes)
        append_repetition(
            record_of(index, {**state, "accuracy": counts}, each_s, started_at, checked)
        )
