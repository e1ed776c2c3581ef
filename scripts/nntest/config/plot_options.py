"""What a user can set of a picture; part of the config, so it imports no plotting library."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Grouping = Literal["platform", "operator", "library", "tuner", "kernel"]
Quantity = Literal["time_us", "GFLOPS", "speedup"]
Place = Literal[
    "upper left", "upper center", "upper right", "center left", "center right",
    "lower left", "lower center", "lower right", "none",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AxisOptions(_Strict):
    """The axis of one quantity; what is not set follows from the data."""

    min: float | None = Field(default=None, description="where the axis begins")
    max: float | None = Field(default=None, description="where the axis ends")
    step: float | None = Field(default=None, gt=0, description="distance of its ticks")
    scale: Literal["auto", "linear", "log"] = Field(
        default="auto", description="auto: log where the values span more than a decade"
    )

    @model_validator(mode="after")
    def _goes_together(self) -> AxisOptions:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min ({self.min:g}) is not below max ({self.max:g})")
        if self.scale == "log":
            if self.min is not None and self.min <= 0:
                raise ValueError(f"min ({self.min:g}) must be above 0 on a log scale")
            if self.max is not None and self.max <= 0:
                raise ValueError(f"max ({self.max:g}) must be above 0 on a log scale")
            if self.step is not None:
                raise ValueError("step needs a linear scale: set scale to linear")
        if None not in (self.min, self.max, self.step):
            ticks = (self.max - self.min) / self.step  # type: ignore[operator]
            if ticks > 200:
                raise ValueError(
                    f"step {self.step:g} makes {ticks:.0f} ticks, more than the 200 allowed"
                )
        return self


def _known_colours(value: str | list[str] | dict[str, str]) -> str | list[str] | dict[str, str]:
    """Ask the plotting library, only when a palette is given, whether it knows the colours."""
    from matplotlib.colors import is_color_like

    if isinstance(value, str):
        from seaborn import color_palette

        try:
            color_palette(value)
        except ValueError:
            raise ValueError(
                f"'{value}' is not a palette; use for example colorblind, viridis, Set2"
            ) from None
        return value
    wrong = [colour for colour in (value.values() if isinstance(value, dict) else value)
             if not is_color_like(colour)]  # fmt: skip
    if wrong:
        raise ValueError(f"not a colour: {', '.join(wrong)}; for example '#0072B2' or 'teal'")
    if not value:
        raise ValueError("an empty palette")
    return value


Palette = Annotated[str | list[str] | dict[str, str], AfterValidator(_known_colours)]


def _known_placeholders(value: str | None) -> str | None:
    if value is not None:
        try:
            value.format(what="", where="", when="")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError(
                "a title may use {what}, {where} and {when}; write a brace as {{ or }}"
            ) from None
    return value


class PlotOptions(_Strict):
    """Options of one kind of picture."""

    title: Annotated[str | None, AfterValidator(_known_placeholders)] = Field(
        default=None,
        description="first line of the title; may use {what}, {where}, {when}; null: what is shown",
    )
    axis: dict[Quantity, AxisOptions] = Field(
        default_factory=dict, description="limits, step and scale by quantity"
    )
    share_axis: bool = Field(
        default=False, description="violins: one scale for all tensors, not one for each"
    )
    legend: Place = Field(
        default="upper center", description="where the legend stands, beside the panels"
    )
    figure_size: (
        tuple[Annotated[float, Field(gt=0, le=100)], Annotated[float, Field(gt=0, le=200)]] | None
    ) = Field(default=None, description="width and height in inches; null: as large as it needs")
    page: int = Field(
        default=1,
        ge=1,
        description="which page of what is too much for one picture; behind the last page that "
        "one is drawn",
    )
    dpi: int = Field(default=110, ge=30, le=600, description="dots per inch of the PNG")
    palette: dict[Grouping, Palette] = Field(
        default_factory=dict,
        description="colours by grouping: a palette's name, a list of colours, or a colour for "
        "each name in the legend",
    )

    def axis_of(self, quantity: Quantity) -> AxisOptions:
        """The options of one quantity's axis."""
        return self.axis.get(quantity, AxisOptions())
