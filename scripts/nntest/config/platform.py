"""A platform: the ceilings of a piece of hardware in one mode, each with its source."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from nntest.config.fields import GigabytesPerSecond, Gops, Name, Strict
from nntest.domain.data_types import BITS, data_type_of

Kind = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 -]*$", max_length=40)]


def _known_data_type(name: str) -> str:
    if data_type_of(name) != name:
        raise ValueError(f"'{name}' is not a data type: one of {', '.join(BITS)}")
    return name


DataType = Annotated[str, AfterValidator(_known_data_type)]


class ComputeCeiling(Strict):
    """The most operations in a second; a multiply-add is two."""

    gops: Gops
    kind: Kind = Field(
        default="data sheet",
        description="what the figure is: data sheet, vendor formula, mul-add, measured, …; "
        "it meets the bandwidth of the same kind",
    )
    source: str = Field(min_length=3)


class MemoryCeiling(Strict):
    """The most bytes in a second from the memory that the weights lie in."""

    gb_s: GigabytesPerSecond
    kind: Kind = "data sheet"
    source: str = Field(min_length=3)


class PublishedName(Strict):
    """What a published table calls the platform."""

    hardware: str = Field(min_length=1)
    mode: str | None = Field(default=None, description="power or clock mode; default: any")


class Platform(Strict):
    """One platform; the file's name without `.yaml` is its name.

    Where a data type has several ceilings, the first one is that of predictions; all are drawn.
    """

    name: Name
    title: str = Field(min_length=1, description="what tables and pictures call it")
    description: str = ""
    hardware: Literal["CPU", "GPU", "FPGA", "TPU", "VLIW", "other"]
    mode: str | None = Field(default=None, description="clock or power mode that the figures mean")
    peaks: dict[DataType, list[ComputeCeiling]] = Field(
        min_length=1,
        description="ceilings by data type (int2, int8, fp16, …), each with its source",
    )
    bandwidth: list[MemoryCeiling] = Field(min_length=1)
    published_as: list[PublishedName] = Field(
        default_factory=list, description="names in tables that `published` imports"
    )

    @model_validator(mode="after")
    def _kinds_differ(self) -> Self:
        kinds_of = {
            data_type: [ceiling.kind for ceiling in ceilings]
            for data_type, ceilings in self.peaks.items()
        }
        kinds_of["bandwidth"] = [ceiling.kind for ceiling in self.bandwidth]
        for what, kinds in kinds_of.items():
            if not kinds:
                raise ValueError(f"{what}: no ceiling")
            twins = sorted({kind for kind in kinds if kinds.count(kind) > 1})
            if twins:
                raise ValueError(f"{what}: two ceilings of kind '{twins[0]}'")
        return self
