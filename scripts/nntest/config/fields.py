"""Field types that the config models share: names, and figures whose unit is in their key.

A figure far outside what its unit can mean is most often given in another unit (800000000 for
800 MHz), so each range is checked and the message says what was expected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from onboard.cores import read_cores, write_cores
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


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


def _board_path(value: str) -> str:
    if value.startswith("-"):
        raise ValueError("a path that begins with '-' would be taken for an option; write ./-…")
    if "\\" in value:
        raise ValueError("a board's paths have '/' between folders, not a backslash")
    if not value.isprintable():
        raise ValueError("a path with a line's end or another control character in it")
    return value


def _here_path(value: str) -> str:
    return str(Path(value).expanduser()) if value.startswith("~") else value


def _core_set(value: object) -> object:
    if value is None or value in ("", []):
        raise ValueError("a set of cores is empty: write 0-3, or 0-1,4, or 5")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("a set of cores is written 0-3, or 0-1,4, or 5")
    return write_cores(read_cores(str(value)))


CoreSet = Annotated[
    str,
    BeforeValidator(_core_set, json_schema_input_type=str | int),
]
"""Numbers of cores as the kernel lists them, 0-3,6."""
BoardPath = Annotated[str, Field(min_length=1), AfterValidator(_board_path)]
"""A path on a board, which is never to be taken for anything else."""
HerePath = Annotated[str, AfterValidator(_here_path)]
"""A path on this machine; `~` is a home folder here."""
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
