"""Field types that the config models share: names, and figures whose unit is in their key.

A figure far outside what its unit can mean is most often given in another unit (800000000 for
800 MHz), so each range is checked and the message says what was expected.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A model that refuses keys that it does not know, and does not change once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _within(unit: str, low: float, high: float) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(
                f"{value:g} is out of range for a value in {unit} ({low:g} to {high:g}): "
                f"is it in another unit?"
            )
        return value

    return AfterValidator(check)


Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$",
        max_length=100,
        description="letters, digits, '.', '_', '+', '-'; becomes part of file names",
    ),
]
Megahertz = Annotated[float, _within("MHz", 1, 20_000)]
Gflops = Annotated[float, _within("GFLOPS", 0.001, 10_000_000)]
Gops = Annotated[float, _within("GOP/s", 0.001, 100_000_000)]
GigabytesPerSecond = Annotated[float, _within("GB/s", 0.001, 100_000)]
Celsius = Annotated[float, _within("°C", -40, 150)]
Seconds = Annotated[float, _within("seconds", 0.1, 7 * 24 * 3600)]
