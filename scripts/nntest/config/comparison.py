"""What a study compares its measurements with, and which difference fails the run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from nntest.config.fields import Strict

Percent = Annotated[float, Field(ge=0, le=1000)]


class ComparisonBaseline(Strict):
    """Which measurements are the baseline; exactly one key."""

    library: str | None = Field(
        default=None, description="library tag of the tables, or a pattern: armcl-opencl-18.05*"
    )
    platform: str | None = Field(default=None, description="platform, or a pattern")
    archive: str | None = Field(
        default=None, description="archive that rows of this study came from (column `archive`)"
    )
    run: str | None = Field(
        default=None,
        description="CK zips of an earlier run (path or pattern), read only for the comparison",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name, value in self.model_dump().items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"name one of library, platform, archive, run (given: {', '.join(given) or 'none'})"
            )
        return self

    @property
    def by(self) -> Literal["library", "platform", "archive", "run"]:
        """Which key is given."""
        for name in ("library", "platform", "archive"):
            if getattr(self, name) is not None:
                return name
        return "run"

    @property
    def pattern(self) -> str:
        """Its value."""
        return str(getattr(self, self.by))


class ComparisonConfig(Strict):
    """Compare everything else with a baseline, point by point."""

    baseline: ComparisonBaseline
    min_effect_percent: Percent = Field(
        default=5.0,
        description="smallest difference that counts, where it is significant",
    )
    fail_on_regression: Percent | Literal[False] = Field(
        default=False,
        description="fail the run where a point is slower than the baseline, "
        "significantly and by more than this many percent, or fails where the baseline did not",
    )
