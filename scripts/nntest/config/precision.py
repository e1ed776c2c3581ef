"""How sure a study wants to be, and how long that may take."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from nntest.config.fields import Seconds, Strict

_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


def _share(value: object) -> object:
    """A percentage as a share, `none` as none; what was already read stays."""
    if value == "none":
        return None
    if isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
        return float(found[1]) / 100
    if isinstance(value, (str, int, float)):
        raise ValueError(f"write it with its unit, as in `precision: 2 %`, instead of {value!r}")
    return value


Precision = Annotated[
    Annotated[float, Field(ge=0.001, le=0.5)] | None,
    BeforeValidator(_share, json_schema_input_type=str),
    Field(description="half the width of an interval over its median, e.g. 2 %; or none"),
]


class Budget(Strict):
    """Seconds of measuring, the starts of programs included; `repetitions` are always done."""

    point: Seconds | None = Field(default=30.0, description="for a point; null: no limit")
    study: Seconds | None = Field(
        default=None,
        description="for all that a board measures; its sweeps share it by their points, "
        "and a whole network counts as its layers",
    )
