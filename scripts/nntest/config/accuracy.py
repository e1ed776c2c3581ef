"""`accuracy` of a network's file: what others published, and images to measure it with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from nntest.config.fields import Strict
from nntest.domain.image_labels import LabelledImage, read_labels

Precision = Literal["INT2", "INT4", "INT8", "FP16", "FP32"]
Percent = Annotated[float, Field(ge=0, le=100)]
Pixels = Annotated[int, Field(ge=1, le=16_384)]

CHANNELS = {"RGB": 3, "BGR": 3, "grey": 1}
IMAGES_EACH = 50
"""Images that one repetition of a board classifies: what is lost at most when it is stopped."""


class Preprocessing(Strict):
    """What a model is given for an image: all of it is stated, nothing is guessed."""

    size: tuple[Pixels, Pixels] = Field(description="height and width of the model's input")
    resize: Literal["stretch"] | Pixels = Field(
        description="stretch: to `size` as it is; or a number: the shorter side to so many pixels, "
        "then the middle of it, of `size`"
    )
    interpolation: Literal["nearest", "bilinear", "bicubic"]
    channels: Literal["RGB", "BGR", "grey"]
    white: Literal[1, 255] = Field(description="a white pixel, before `mean` is taken off")
    mean: list[float] = Field(description="of each channel, in the order of `channels`")
    std: list[Annotated[float, Field(gt=0)]] = Field(
        description="of each channel: values are (pixel - mean) / std"
    )
    layout: Literal["NCHW", "NHWC"]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        count = CHANNELS[self.channels]
        for name in ("mean", "std"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name}: {self.channels} has {count} channels, not as many")
        if self.resize != "stretch" and self.resize < max(self.size):
            raise ValueError(
                f"resize: {self.resize} is smaller than the {max(self.size)} pixels of `size` that "
                "are cut out of it"
            )
        return self

    @property
    def input_dims(self) -> tuple[int, int, int]:
        """Dimensions of the model's input behind its batch."""
        channels = CHANNELS[self.channels]
        return (channels, *self.size) if self.layout == "NCHW" else (*self.size, channels)


class Accuracy(Strict):
    """Published accuracy on the network's data set, and images to measure it with here."""

    top1_percent: Percent | None = None
    top5_percent: Percent | None = None
    top1_percent_by_precision: dict[Precision, Percent] = Field(
        default_factory=dict, description="of the network trained or quantised for a data type"
    )
    source: str | None = Field(default=None, min_length=3)
    images: Path | None = Field(
        default=None, description="folder of images, relative to the folder of this file"
    )
    labels: Path | None = Field(
        default=None, description="file with a line `name class` for each image"
    )
    preprocessing: Preprocessing | None = None
    output: str | None = Field(
        default=None, description="the model's output with the scores, where it has several"
    )

    @field_validator("images", "labels")
    @classmethod
    def _beside_the_network_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return None if path is None else Path((info.context or {}).get("folder", "")) / path

    @model_validator(mode="after")
    def _all_of_a_kind(self) -> Self:
        if self.top1_percent is not None and self.source is None:
            raise ValueError("top1_percent needs its `source`")
        if self.top1_percent is None and (self.top5_percent or self.top1_percent_by_precision):
            raise ValueError("top1_percent is missing")
        needed = {name: getattr(self, name) for name in ("images", "labels", "preprocessing")}
        missing = [name for name, value in needed.items() if value is None]
        if len(missing) in (1, 2):
            raise ValueError(f"to measure it, {' and '.join(missing)} is missing")
        if len(missing) == len(needed) and self.top1_percent is None:
            raise ValueError(
                "give `top1_percent` and `source`, or `images`, `labels` and `preprocessing`"
            )
        if missing and self.output is not None:
            raise ValueError("output: is for accuracies that are measured, and there are no images")
        return self

    @property
    def is_measured(self) -> bool:
        """Whether there are images to measure it with."""
        return self.images is not None

    def published_top1(self, data_type: str) -> float | None:
        """Published top-1 accuracy [%] in a data type; of fp16 that of fp32 stands for it."""
        named = self.top1_percent_by_precision.get(data_type.upper())  # type: ignore[call-overload]
        if named is None and data_type in ("fp32", "fp16"):
            return self.top1_percent
        return None if named is None else float(named)

    def labelled_images(self) -> tuple[LabelledImage, ...]:
        """The images with their classes; none if there are none to measure with.

        Raises `UserError` as `read_labels` does.
        """
        if self.images is None or self.labels is None:
            return ()
        return read_labels(self.labels, self.images)
