"""The images that boards classify: decoded and resized here, once, so that all see the same pixels.

A board gets a folder with a file for each repetition, of `IMAGES_EACH` images as bytes, and what
`onboard/frameworks/labelled_images.py` makes of these for the model.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nntest.codehash import module_file, source_hash
from nntest.config.accuracy import IMAGES_EACH, Accuracy, Preprocessing
from nntest.config.network import OnnxFile
from nntest.config.study import Study, StudyPoint
from nntest.domain.image_labels import LabelledImage
from nntest.domain.network_points import IMAGES_VARIABLE, NetworkPoint
from nntest.errors import UserError
from nntest.measuring.model_files import reference_outputs
from nntest.measuring.transport import Transport

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]

IMAGES_PART = [module_file("nntest.measuring.labelled_images")]
"""What makes the files: an edit of it makes others, of another name."""


def image_variables(folder: str, study: Study, point: NetworkPoint) -> dict[str, str]:
    """The variable that names the folder, which all libraries of a study share."""
    there = posixpath.join(posixpath.dirname(folder), "images", images_digest(study, point))
    return {IMAGES_VARIABLE: there}


def images_digest(study: Study, point: NetworkPoint) -> str:
    """A name for what a model is asked: images, their classes, and how they are prepared."""
    accuracy = study.accuracies()[point.subject]
    said: list[Any] = [accuracy.model_dump(mode="json", include={"preprocessing", "output"})]
    said += [IMAGES_EACH, source_hash(IMAGES_PART), *_contents(accuracy.labelled_images())]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _contents(images: tuple[LabelledImage, ...]) -> list[list[Any]]:
    """What is in each file, and its class."""
    return [[_sha256(image), image.right_class] for image in images]


def _sha256(image: LabelledImage) -> str:
    try:
        return hashlib.sha256(image.file.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{image.file}: cannot be read: {error.strerror}") from None


def send_images(
    transport: Transport,
    study: Study,
    points: Sequence[StudyPoint | NetworkPoint],
    folder: str,
    note: Callable[[str], None],
) -> None:
    """Prepare the images of the points that need them, and send what is not on the board.

    Raises `UserError` for an image that cannot be read, and for a model that does not take such
    images or gives no such classes.
    """
    done = set()
    for point in points:
        if point.profile != "accuracy" or point.subject in done:
            continue
        assert isinstance(point, NetworkPoint)
        done.add(point.subject)
        there = image_variables(folder, study, point)[IMAGES_VARIABLE]
        whole = posixpath.join(there, "whole")
        if transport.read(whole) is not None:
            continue
        accuracy = study.accuracies()[point.subject]
        output = _checked_output(study, point.subject, accuracy)
        images = accuracy.labelled_images()
        note(f"preparing {len(images)} images for {point.subject} and sending them to the board")
        for number, start in enumerate(range(0, len(images), IMAGES_EACH)):
            part = images[start : start + IMAGES_EACH]
            path = posixpath.join(there, f"{number:05d}.npz")
            if transport.run(["test", "-e", path], timeout_s=60).status:
                transport.write(path, _part_file(part, accuracy, output))
        transport.write(whole, b"")


def _part_file(images: Sequence[LabelledImage], accuracy: Accuracy, output: str) -> bytes:
    """An archive of NumPy: `pixels`, bytes [image][row][column][channel], `classes`, `how`."""
    import numpy as np

    how = accuracy.preprocessing
    assert how is not None  # where there are images
    said = {**how.model_dump(mode="json", include={"white", "mean", "std", "layout"})}
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        pixels=np.stack([prepared(image, how) for image in images]),
        classes=np.array([image.right_class for image in images], np.int64),
        how=np.array(json.dumps({**said, "output": output})),
    )
    return content.getvalue()


def prepared(image: LabelledImage, how: Preprocessing) -> Pixels:
    """An image as bytes [row][column][channel], of the size and in the channels of the model."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    height, width = how.size
    way = Image.Resampling[how.interpolation.upper()]
    try:
        with Image.open(image.file) as opened:
            found = opened.convert("L" if how.channels == "grey" else "RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UserError(f"{image.file}: not an image that can be read: {error}") from None
    if how.resize == "stretch":
        found = found.resize((width, height), way)
    else:
        scale = how.resize / min(found.size)
        wide, high = (max(how.resize, round(side * scale)) for side in found.size)
        left, top = (wide - width) // 2, (high - height) // 2
        found = found.resize((wide, high), way).crop((left, top, left + width, top + height))
    pixels = np.asarray(found, np.uint8).reshape(height, width, -1)
    return pixels[:, :, ::-1] if how.channels == "BGR" else pixels


def _checked_output(study: Study, network: str, accuracy: Accuracy) -> str:
    """The name of the output with the scores; `UserError` where the model cannot be asked so."""
    definition, how = study.network_file(network).definition, accuracy.preprocessing
    assert isinstance(definition, OnnxFile) and how is not None  # the config says so
    whole = definition.whole_model()
    model = whole.build(1, study.config.seed)
    inputs = whole.draw_inputs(model, study.config.seed)
    where = f"{definition.file}, accuracy"
    if len(inputs) != 1:
        raise UserError(f"{where}: takes one image, and the model has the inputs {[*inputs]}")
    for name, value in inputs.items():
        if value.shape[1:] != how.input_dims:
            wanted, made = ("x".join(map(str, dims)) for dims in (value.shape[1:], how.input_dims))
            raise UserError(
                f"{where}: its input {name!r} is {wanted} behind the batch, and `preprocessing` "
                f"makes {made}",
                "correct `size`, `channels` or `layout`",
            )
    outputs = reference_outputs(str(definition.file), model.SerializeToString(), inputs)
    if accuracy.output is None and len(outputs) > 1:
        raise UserError(
            f"{where}: the model has the outputs {', '.join(outputs)}",
            "name the one with the scores, as `output`",
        )
    output = accuracy.output or next(iter(outputs))
    if output not in outputs:
        raise UserError(
            f"{where}: output: the model has no {output!r}", f"it has {', '.join(outputs)}"
        )
    batch = next(iter(inputs.values())).shape[0]
    classes = outputs[output].size // batch
    beyond = [image for image in accuracy.labelled_images() if image.right_class >= classes]
    if beyond:
        raise UserError(
            f"{where}: {beyond[0].file.name} is of class {beyond[0].right_class}, and output "
            f"{output!r} has {classes}, counted from 0",
            "labels are numbers of the model's own outputs",
        )
    return output
