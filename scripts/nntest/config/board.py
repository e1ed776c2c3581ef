"""A board: how to reach it, what it is, and what may be set on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from nntest.config.ck import CkHarness
from nntest.config.fields import (
    BoardPath,
    Celsius,
    CoreSet,
    Gflops,
    GigabytesPerSecond,
    Megahertz,
    Name,
    Strict,
)
from nntest.config.meters import Meters, RaplMeter
from nntest.config.platform import DataType, Kind
from nntest.config.upkeep import Health, Power


class LocalConnection(Strict):
    """The machine on which the workflow itself runs."""

    transport: Literal["local"]


class SshConnection(Strict):
    """A board reached over SSH.  Write no secret here: keys are files, or in an agent."""

    transport: Literal["ssh"]
    host: str = Field(min_length=1, description="name, address, or Host of ~/.ssh/config")
    port: int | None = Field(default=None, ge=1, le=65535)
    user: str | None = None
    key: str | None = Field(default=None, description="private key file; default: agent, ~/.ssh")
    jump_host: str | None = Field(default=None, description="user@host:port to go through")
    known_hosts: str | None = Field(default=None, description="default: ~/.ssh/known_hosts")
    trust_on_first_use: bool = Field(
        default=False, description="accept and remember the key of a host never seen before"
    )


class Peak(Strict):
    """A compute ceiling of a device for one data type."""

    gflops: Gflops
    kind: Kind = "data sheet"
    source: str = Field(min_length=3)


class Bandwidth(Strict):
    """A memory-bandwidth ceiling."""

    gb_s: GigabytesPerSecond
    kind: Kind = "data sheet"
    source: str = Field(min_length=3)


class CpuCluster(Strict):
    """Cores of one kind."""

    name: str
    cores: int = Field(ge=1)
    max_mhz: Megahertz | None = None


class Gpu(Strict):
    """The device that runs OpenCL."""

    name: str
    cores: int | None = Field(default=None, ge=1)
    max_mhz: Megahertz | None = None
    peaks: dict[DataType, list[Peak]] = Field(
        default_factory=dict, description="ceilings by data type (fp32, fp16), each with its source"
    )
    bandwidth: list[Bandwidth] = Field(default_factory=list)


class ThermalZone(Strict):
    """A temperature sensor, and the temperature below which a sweep may start."""

    name: str
    path: str = Field(description="folder with a `temp` file")
    start_below_c: Celsius | None = None
    throttles_at_c: Celsius | None = None
    degrees_per_unit: float | None = Field(
        default=None,
        gt=0,
        description="unit of the `temp` file: 0.001 for thousandths of °C, 1 for °C; "
        "default: told from the number, which is thousandths from 1000 on",
    )


class FrequencyDomain(Strict):
    """A clock that the kernel governs: a cpufreq policy or a devfreq device."""

    name: str
    path: str = Field(description="folder with the governor and frequency files")
    governor: str | None = Field(default=None, description="governor to set while measuring")
    min_mhz: Megahertz | None = Field(default=None, description="lowest clock while measuring")
    max_mhz: Megahertz | None = Field(default=None, description="highest clock while measuring")
    khz_per_unit: float = Field(
        default=1.0, gt=0, description="1 for cpufreq (kHz), 0.001 for devfreq (Hz)"
    )


class Counters(Strict):
    """A program on the board that reads the GPU's hardware counters."""

    reader: list[str] = Field(
        min_length=1, description="command; docs/programs.md describes its output"
    )
    device: str = Field(default="/dev/mali0", description="file that the reader needs")


class PlatformNames(Strict):
    """What tables and plots call the board, and the model strings that stand for it."""

    name: str | None = Field(
        default=None, description="default: the model that the board itself reports"
    )
    models: list[str] = Field(
        default_factory=list, description="model strings as CK archives record them"
    )
    ceilings: Name | None = Field(
        default=None, description="file of config/platforms/ with the ceilings of its device"
    )


class Board(Strict):
    """One board; the file's name without `.yaml` is its name."""

    name: Name
    description: str = ""
    connect: Annotated[LocalConnection | SshConnection, Field(discriminator="transport")]
    work_dir: BoardPath = Field(
        description="folder on the board for programs and journals; relative: to the home "
        "folder over SSH, to the working directory on this machine; ~/ is the board's home folder",
    )
    lock_file: BoardPath = Field(
        default="/tmp/nntest-flow.lock",
        description="held while measuring; every user of the board must name the same file",
    )
    harness: Literal["native", "ck"] = Field(
        default="native",
        description="what measures: our runner, or Collective Knowledge on the board",
    )
    ck: CkHarness | None = Field(default=None, description="settings of harness: ck")
    emulated: bool = Field(default=False, description="its times are an emulator's, not a board's")
    platform: PlatformNames = PlatformNames()
    soc: str | None = None
    cpu: list[CpuCluster] = Field(default_factory=list)
    cores: dict[Name, CoreSet] = Field(
        default_factory=dict,
        description="sets of cores by name, for the study's `cores`: {big: 4-5, little: 0-3}",
    )
    gpu: Gpu | None = None
    frequency_domains: list[FrequencyDomain] = Field(default_factory=list)
    thermal_zones: list[ThermalZone] = Field(default_factory=list)
    counters: Counters | None = Field(
        default=None, description="reader of hardware counters, for `profile: counters`"
    )
    meters: Meters = Field(
        default=[RaplMeter(name="processor", kind="rapl")],
        description="power meters, for `profile: energy`; the first one counts where one is asked "
        "for; default: the processor's own counters (RAPL), where it has them",
    )
    cool_down_s: float = Field(
        default=300.0, ge=0, description="longest wait for the start temperatures, each time"
    )
    patience_s: float = Field(
        default=900.0, ge=0, description="how long is waited for a board that cannot be reached"
    )
    power: Power | None = Field(
        default=None,
        description="switches a board off and on that has not come back within `patience_s`",
    )
    health: Health | None = Field(
        default=None, description="run on the board before each sweep; who fails it is left out"
    )
    libraries: list[Name] | None = Field(
        default=None, description="the study's libraries that this board has; default: all"
    )
    python: str | None = Field(
        default=None, description="Python on the board; default: this one here, python3 over SSH"
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="environment variables for the operator programs"
    )

    @field_validator("work_dir")
    @classmethod
    def _below_the_boards_home(cls, value: str, info: ValidationInfo) -> str:
        if not value.startswith("~"):
            return value
        if isinstance(info.data.get("connect"), LocalConnection):
            return str(Path(value).expanduser())
        user, _, rest = value[1:].partition("/")
        if user:
            raise ValueError(f"the home folder of {user} on the board is not known: write its path")
        return rest.lstrip("/") or "."  # over SSH a relative path is below the home folder

    @field_validator("lock_file")
    @classmethod
    def _is_the_same_for_everyone(cls, value: str) -> str:
        if value.startswith("~"):
            raise ValueError(
                "every user of the board must name the same file: ~ is another for each"
            )
        return value

    @model_validator(mode="after")
    def _harness_has_its_settings(self) -> Self:
        if self.ck is not None and self.harness != "ck":
            raise ValueError("`ck` needs harness: ck")
        return self

    @model_validator(mode="after")
    def _does_not_switch_itself_off(self) -> Self:
        if self.power is not None and isinstance(self.connect, LocalConnection):
            raise ValueError("`power` is for boards over SSH: this machine would switch itself off")
        return self

    @property
    def ck_harness(self) -> CkHarness:
        """How Collective Knowledge is called on it."""
        return self.ck or CkHarness()
