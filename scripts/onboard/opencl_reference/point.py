"""Reads what is to be measured, and how, from the environment.

The ``CK_`` variables are those that CK-NNTest hands its programs; the ``NNTEST_`` ones are ours.
Whatever cannot be read raises :class:`failures.BadValue`, which names the variable and its value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from failures import BadValue, NotSupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    Environment = Mapping[str, str]
    Shape = tuple[int, int, int, int]

DATA_TYPES = ("fp32", "fp16")
TUNER_MODES = ("exhaustive", "normal", "rapid")


def read_integer(
    environment: Environment, name: str, default: int | None = None, least: int = 0
) -> int:
    """Read the integer variable ``name``, at least ``least``; no default means it is required."""
    text = environment.get(name, "").strip()
    if not text:
        if default is None:
            raise BadValue(f"{name} is not set; it must be an integer of at least {least}")
        return default
    try:
        value = int(text)
    except ValueError:
        raise BadValue(f"{name}={text!r} is not an integer") from None
    if value < least:
        raise BadValue(f"{name}={text!r} is less than {least}")
    return value


def read_positive_number(environment: Environment, name: str, default: float) -> float:
    """Read the variable ``name`` as a finite number that is not negative."""
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise BadValue(f"{name}={text!r} is not a number") from None
    if not math.isfinite(value) or value < 0:
        raise BadValue(f"{name}={text!r} is not a finite number of at least 0")
    return value


class Pads(NamedTuple):
    """Rows and columns of zeros around the input."""

    top: int
    bottom: int
    left: int
    right: int


def read_pads(environment: Environment, symmetric: str = "CK_CONV_PAD") -> Pads:
    """Read ``NNTEST_CONV_PADS`` ("top,bottom,left,right") or else the pad of ``symmetric``."""
    text = environment.get("NNTEST_CONV_PADS", "").strip()
    if not text:
        pad = read_integer(environment, symmetric, 0)
        return Pads(pad, pad, pad, pad)
    problem = f"NNTEST_CONV_PADS={text!r} is not four integers of at least 0, top,bottom,left,right"
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise BadValue(problem) from None
    if len(values) != 4 or min(values) < 0:
        raise BadValue(problem)
    return Pads(*values)


@dataclass(frozen=True)
class ConvolutionPoint:
    """One convolution: NCHW, a square kernel, one stride for both directions, no dilation."""

    batch: int
    channels: int
    height: int
    width: int
    out_channels: int
    kernel: int
    stride: int
    pads: Pads

    @classmethod
    def from_environment(cls, environment: Environment) -> ConvolutionPoint:
        """Read the point; raises BadValue, also where the kernel is larger than the input."""
        point = cls(
            batch=read_integer(environment, "CK_IN_SHAPE_N", 1, least=1),
            channels=read_integer(environment, "CK_IN_SHAPE_C", least=1),
            height=read_integer(environment, "CK_IN_SHAPE_H", least=1),
            width=read_integer(environment, "CK_IN_SHAPE_W", least=1),
            out_channels=read_integer(environment, "CK_OUT_SHAPE_C", least=1),
            kernel=read_integer(environment, "CK_CONV_KERNEL", least=1),
            stride=read_integer(environment, "CK_CONV_STRIDE", 1, least=1),
            pads=read_pads(environment),
        )
        high = point.height + point.pads.top + point.pads.bottom
        wide = point.width + point.pads.left + point.pads.right
        if point.kernel > min(high, wide):
            raise BadValue(
                f"CK_CONV_KERNEL={point.kernel} is larger than the padded input of {high}x{wide}"
            )
        return point

    @property
    def out_height(self) -> int:
        """Rows of the output: floor((rows with padding - kernel) / stride) + 1."""
        return (self.height + self.pads.top + self.pads.bottom - self.kernel) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output, as :attr:`out_height`."""
        return (self.width + self.pads.left + self.pads.right - self.kernel) // self.stride + 1

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        return self.batch, self.out_channels, self.out_height, self.out_width

    @property
    def is_pointwise(self) -> bool:
        """Whether output pixel i depends on input pixel i alone: kernel 1, stride 1, no padding."""
        return self.kernel == 1 and self.stride == 1 and not any(self.pads)


@dataclass(frozen=True)
class Settings:
    """How to measure, whatever the operator."""

    tuner_type: str
    tuner_mode: str
    tuner_table: str | None
    tuner_table_in: str | None
    data_type: str
    seed: int
    dataset_filename: str
    threshold: float
    raw_output: str | None
    platform: int
    device: int
    repetitions: int
    first_repetition: int
    warmups: int

    @classmethod
    def from_environment(cls, environment: Environment) -> Settings:
        """Read the settings.

        Raises BadValue for a value that makes no sense and NotSupported for another layout.
        """
        tuner_type = environment.get("CK_LWS_TUNER_TYPE", "").strip() or "NONE"
        tuner_mode = environment.get("NNTEST_TUNER_MODE", "").strip() or "rapid"
        if tuner_mode not in TUNER_MODES:
            raise BadValue(f"NNTEST_TUNER_MODE={tuner_mode!r} is none of {', '.join(TUNER_MODES)}")
        data_type = environment.get("NNTEST_DATA_TYPE", "").strip() or "fp32"
        if data_type not in DATA_TYPES:
            raise BadValue(f"NNTEST_DATA_TYPE={data_type!r} is none of {', '.join(DATA_TYPES)}")
        layout = environment.get("CK_DATA_LAYOUT", "").strip() or "NCHW"
        if layout != "NCHW":
            raise NotSupported(f"CK_DATA_LAYOUT={layout!r} is not supported; this program has NCHW")
        return cls(
            tuner_type=tuner_type,
            tuner_mode=tuner_mode,
            tuner_table=environment.get("NNTEST_TUNER_TABLE") or None,
            tuner_table_in=environment.get("NNTEST_TUNER_TABLE_IN") or None,
            data_type=data_type,
            seed=read_integer(environment, "CK_SEED", 42),
            dataset_filename=environment.get("CK_DATASET_FILENAME", ""),
            threshold=read_positive_number(environment, "CK_ABS_DIFF_THRESHOLD", 0.001),
            raw_output=environment.get("CK_OUT_RAW_DATA") or None,
            platform=read_integer(environment, "CK_COMPUTE_PLATFORM_ID", 0),
            device=read_integer(environment, "CK_COMPUTE_DEVICE_ID", 0),
            repetitions=read_integer(environment, "NNTEST_REPETITIONS", 1, least=1),
            first_repetition=read_integer(environment, "NNTEST_FIRST_REPETITION", 0),
            warmups=cls._read_warmups(environment, tuner_type),
        )

    def check(
        self, operator: str, tuner_types: tuple[str, ...], data_types: tuple[str, ...]
    ) -> None:
        """Raise NotSupported for a tuner or a data type that the operator has not."""
        if self.tuner_type not in tuner_types:
            raise NotSupported(
                f"CK_LWS_TUNER_TYPE={self.tuner_type!r} is not supported; "
                f"{operator} has {', '.join(tuner_types)}"
            )
        if self.data_type not in data_types:
            raise NotSupported(
                f"NNTEST_DATA_TYPE={self.data_type!r} is not supported; "
                f"{operator} has {', '.join(data_types)}"
            )

    @staticmethod
    def _read_warmups(environment: Environment, tuner_type: str) -> int:
        """Read how many untimed runs come first.

        At least one, tuner or not, because a first run pays for what later ones find done. The
        2018 programs warmed up only with the tuner on; NNTEST_WARMUP=tuner-only does as they did.
        """
        policy = environment.get("NNTEST_WARMUP", "").strip() or "always"
        if policy not in ("always", "tuner-only"):
            raise BadValue(f"NNTEST_WARMUP={policy!r} is neither 'always' nor 'tuner-only'")
        warmups = read_integer(environment, "NNTEST_WARMUPS", 1, least=1)
        return 0 if policy == "tuner-only" and tuner_type == "NONE" else warmups
