"""Commands that bring a hung board back, and that say whether a board is well."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

from pydantic import Field, model_validator

from nntest.config.fields import Seconds, Strict

Command = Annotated[
    str | Annotated[list[str], Field(min_length=1)],
    Field(min_length=1, description="a list of arguments, or a line for the shell (sh)"),
]


def argv(command: Command) -> list[str]:
    """A command as the arguments of a process."""
    return ["sh", "-c", command] if isinstance(command, str) else list(command)


def as_text(command: Command) -> str:
    """A command as a user would type it."""
    return command if isinstance(command, str) else shlex.join(command)


class Power(Strict):
    """Commands that switch a board's power, run on this machine."""

    off: Command
    on: Command
    off_s: float = Field(default=5.0, ge=0, le=3600, description="how long it stays off")
    timeout_s: Seconds = Field(default=60.0, description="longest run of each command")

    @model_validator(mode="before")
    @classmethod
    def _on_and_off_are_words(cls, value: Any) -> Any:
        """YAML 1.1 reads a bare `on` and `off` as true and false."""
        if not isinstance(value, dict):
            return value
        words = {True: "on", False: "off"}
        return {words[key] if isinstance(key, bool) else key: of for key, of in value.items()}


class Health(Strict):
    """A command on the board that ends with 0 if the board is fit to measure."""

    command: Command
    timeout_s: Seconds = Field(default=60.0, description="a longer run is a failure")
