"""Power meters of a board: what its own kernel, its battery or a program can say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from nntest.config.fields import BoardPath, Strict
from nntest.config.upkeep import Command, argv


class _Meter(Strict):
    name: str = Field(min_length=1, description="as the tables call it")
    settle_s: float = Field(
        default=0.0,
        ge=0,
        le=600,
        description="readings that begin so soon after a change do not count: slow meters average",
    )


class RaplMeter(_Meter):
    """Counters of energy of the processor (Intel's RAPL, and AMD's)."""

    kind: Literal["rapl"]
    path: BoardPath = Field(
        default="/sys/class/powercap/intel-rapl:[0-9]",
        description="folder with `energy_uj`; a pattern: all that match, together",
    )


class HwmonMeter(_Meter):
    """A sensor that the kernel reads, as INA226 and INA3221."""

    kind: Literal["hwmon"]
    path: BoardPath = Field(description="folder of the sensor, or a pattern for it")
    channel: int = Field(
        default=1,
        ge=0,
        description="1: power1_input in µW, else in1_input in mV and curr1_input in mA",
    )


class BatteryMeter(_Meter):
    """A battery's own gauge, while no charger is plugged in."""

    kind: Literal["battery"]
    path: BoardPath = Field(description="folder of /sys/class/power_supply")


class CommandMeter(_Meter):
    """A program on the board that prints lines of `seconds watts`, by a clock of its own."""

    kind: Literal["command"]
    command: Command


Meter = Annotated[RaplMeter | HwmonMeter | BatteryMeter | CommandMeter, Field(discriminator="kind")]


def _no_twins(meters: list[Meter]) -> list[Meter]:
    names = [meter.name for meter in meters]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"two meters of one name: {', '.join(twins)}")
    return meters


Meters = Annotated[list[Meter], AfterValidator(_no_twins)]


def request(meter: Meter) -> dict[str, Any]:
    """A meter as the board's sampler takes it."""
    asked = meter.model_dump(mode="json", exclude={"command"})
    return {**asked, "argv": argv(meter.command)} if isinstance(meter, CommandMeter) else asked


class EnergyRuns(Strict):
    """How an energy run goes: nothing, the program at rest, then runs in a loop."""

    loop_s: float = Field(default=2.0, gt=0, le=3600, description="how long runs are repeated")
    rest_s: float = Field(default=0.5, ge=0, le=600, description="the program is set up and waits")
    idle_s: float = Field(default=1.0, ge=0, le=600, description="before the program starts")
