"""Runs of whole networks that go on for a while: in parallel streams, or for minutes on end."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from nntest.config.fields import Strict

STREAMING_KINDS = ("pip",)
"""Kinds of libraries whose programs take several requests at once."""
SUSTAINED_KINDS = ("opencl-reference", "pip")
"""Kinds whose programs take down how often they ran in each window of a loop."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}


class RequestRuns(Strict):
    """How long a run of `streams` takes requests."""

    seconds: float = Field(default=10.0, gt=0, le=3600)
    requests: int = Field(
        default=1, ge=1, le=100_000, description="at least so many, however long they take"
    )


def _seconds(value: object) -> object:
    """A duration with its unit in s, `none` as none; what was already read stays."""
    if value == "none":
        return None
    if isinstance(value, str):
        if found := _DURATION.fullmatch(value.strip()):
            return float(found[1]) * _SECONDS[found[2]]
        raise ValueError("write it with its unit, as in `sustained: 30 min`, or 90 s, or 1 h")
    return value


Duration = Annotated[
    Annotated[float, Field(ge=5, le=24 * 3600)] | None,
    BeforeValidator(_seconds, json_schema_input_type=str),
    Field(description="how long, with its unit: 90 s, 30 min, 1 h; or none"),
]
