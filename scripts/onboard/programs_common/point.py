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
    Pair = tuple[int, int]

DATA_TYPES = ("fp32", "fp16", "int8")
TUNER_MODES = ("exhaustive", "normal", "rapid")


def elements(shape: tuple[int, ...]) -> int:
    """Return how many elements a tensor of ``shape`` has."""
    return math.prod(shape)


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
    values = _read_integers(environment, "NNTEST_CONV_PADS", 4, "top,bottom,left,right", 0)
    if values:
        return Pads(*values)
    pad = read_integer(environment, symmetric, 0)
    return Pads(pad, pad, pad, pad)


def read_pair(environment: Environment, name: str, default: Pair, least: int = 1) -> Pair:
    """Read the variable ``name`` as two integers, "rows,columns", each at least ``least``."""
    values = _read_integers(environment, name, 2, "rows,columns", least)
    return (values[0], values[1]) if values else default


def _read_integers(
    environment: Environment, name: str, count: int, order: str, least: int
) -> list[int] | None:
    """Return the integers of a variable; None where it is not set."""
    text = environment.get(name, "").strip()
    if not text:
        return None
    number = {2: "two", 4: "four"}[count]
    problem = f"{name}={text!r} is not {number} integers of at least {least}, {order}"
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise BadValue(problem) from None
    if len(values) != count or min(values) < least:
        raise BadValue(problem)
    return values


@dataclass(frozen=True)
class Window:
    """How a kernel moves over a plane; pairs are (rows, columns)."""

    kernel: Pair
    strides: Pair
    pads: Pads
    dilations: Pair = (1, 1)

    @classmethod
    def square(cls, kernel: int, stride: int, pads: Pads) -> Window:
        """Return a window with the same side and stride in both directions."""
        return cls((kernel, kernel), (stride, stride), pads)

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first tap to the last: (kernel - 1) dilation + 1."""
        rows, columns = ((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations))
        return rows, columns

    @property
    def taps(self) -> int:
        """How many elements the kernel has."""
        return self.kernel[0] * self.kernel[1]

    def padded(self, height: int, width: int) -> Pair:
        """Return rows and columns of a plane with its padding."""
        pads = self.pads
        return height + pads.top + pads.bottom, width + pads.left + pads.right

    def out_size(self, height: int, width: int) -> Pair:
        """Return rows and columns of the output: floor((padded - reach) / stride) + 1."""
        sizes = zip(self.padded(height, width), self.reach, self.strides)
        rows, columns = ((size - reach) // stride + 1 for size, reach, stride in sizes)
        return rows, columns

    def unusual(self) -> list[str]:
        """Return what CK-NNTest's own variables cannot say of it, in words."""
        found = []
        if self.kernel[0] != self.kernel[1]:
            found.append(f"a kernel of {self.kernel[0]}x{self.kernel[1]}")
        if self.strides[0] != self.strides[1]:
            found.append(f"strides of {self.strides[0]} and {self.strides[1]}")
        if self.dilations != (1, 1):
            found.append(f"dilations of {self.dilations[0]} and {self.dilations[1]}")
        return found


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
    loop_s: float
    """A repetition is as many runs as take this long; 0: one run."""
    window_s: float
    """Runs of a loop are counted in windows of this length; 0: in none."""
    rest_s: float
    """How long each repetition waits before it begins."""
    threads: int | None
    """How many the library is asked for; None: its own number."""
    cores: frozenset[int] | None
    """Those that whoever started this process keeps it on; None: any."""
    streams: int
    """How many streams take requests at once; 0: a repetition is no run of requests."""
    requests_s: float
    """How long the streams take requests."""
    requests: int
    """How many requests they take at least, however long that is."""

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
            loop_s=read_positive_number(environment, "NNTEST_LOOP_S", 0.0),
            window_s=read_positive_number(environment, "NNTEST_WINDOW_S", 0.0),
            rest_s=read_positive_number(environment, "NNTEST_REST_S", 0.0),
            threads=cls._read_threads(environment),
            cores=cls._read_cores(environment),
            streams=read_integer(environment, "NNTEST_STREAMS", 0),
            requests_s=read_positive_number(environment, "NNTEST_REQUESTS_S", 0.0),
            requests=read_integer(environment, "NNTEST_REQUESTS", 1, least=1),
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
    def _read_threads(environment: Environment) -> int | None:
        if not environment.get("NNTEST_THREADS", "").strip():
            return None
        return read_integer(environment, "NNTEST_THREADS", 1, least=1)

    @staticmethod
    def _read_cores(environment: Environment) -> frozenset[int] | None:
        text = environment.get("NNTEST_CORES", "").strip()
        if not text:
            return None
        try:
            return frozenset(map(int, text.split(",")))
        except ValueError:
            raise BadValue(f"NNTEST_CORES={text!r} is not a list of cores such as 0,1") from None

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
