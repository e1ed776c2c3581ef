"""Each layer of a network in its order, by block: how long each library takes for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from nntest.domain.tables.column import names
from nntest.domain.tables.shared import GROUP
from nntest.pictures.charts.theme import GREY, Look
from nntest.pictures.style import FAINT, INK

_ROW = 16
"""Height of a layer, in pixels."""
_PANEL = 250
"""Width of a library's panel."""
ACROSS = 3
"""Panels side by side."""
_CHARACTER = 6.4
"""Width of an average character of a layer's name, in pixels."""
_BAND = "#f1f3f5"
_PANELS = ["library", "batch_size", "data_type"]
"""What has a panel of its own."""
_TOOLTIP = [
    alt.Tooltip("layer:N"),
    alt.Tooltip("block:N"),
    alt.Tooltip("position:Q", title="place in the network"),
    alt.Tooltip("tensor:N"),
    alt.Tooltip("library:N"),
    alt.Tooltip("operator:N"),
    alt.Tooltip("tuner:N"),
    alt.Tooltip("kernel_ran:N", title="kernel"),
    alt.Tooltip("time_us:Q", title="median, µs", format=",.4~g"),
    alt.Tooltip("interval:N", title="95 % interval, µs"),
    alt.Tooltip("inside_us:Q", title="inside the network, µs", format=",.4~g"),
    alt.Tooltip("share:Q", title="share of the sum of layers", format=".1%"),
    alt.Tooltip("macs_share:Q", title="share of the multiply-accumulates", format=".1%"),
    alt.Tooltip("share_of_roof:Q", title="share of the roof", format=".1%"),
    alt.Tooltip("roof_us:Q", title="the roof allows, µs", format=",.4~g"),
    alt.Tooltip("bound:N", title="bound by"),
    alt.Tooltip("ceiling:N", title="roof"),
]

MOST_LAYERS = 100
"""In a chart."""

MARKS = (
    "A bar is a layer's median alone. The black line is the time that the roof allows, the circle "
    "the layer's own time inside the measured network; where one is missing, it is not known."
)


def timed_networks(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of what has a time for at least one layer, library by library."""
    own = rows.groupby(["network", *names(GROUP)], dropna=False)["time_us"]
    return rows[own.transform("count") > 0]


@dataclass(frozen=True)
class Part:
    """What a chart shows: a network on a platform, or some of its layers where it has many."""

    title: str
    rows: pd.DataFrame
    """Of `analysis.layer_order`."""
    whole: bool
    """Whether it has all layers of the network."""

    @property
    def height(self) -> int:
        """Layers below each other, in all rows of panels."""
        panels = self.rows.groupby(_PANELS, dropna=False).ngroups
        return self.rows["position"].nunique() * -(-panels // ACROSS)


def parts(rows: pd.DataFrame) -> list[Part]:
    """The charts of all networks and platforms; first those with the layers that take longest."""
    found: list[tuple[int, Part]] = []
    for (network, platform), own in rows.groupby(["network", "platform"], sort=False):
        longest = own.groupby("position")["time_us"].max()
        positions = longest.sort_values(ascending=False, kind="stable").index
        for start in range(0, len(positions), MOST_LAYERS):
            shown = positions[start : start + MOST_LAYERS]
            whole = len(shown) == len(positions)
            said = f"{network} on {platform}" + (
                "" if whole else
                f": layers {start + 1:,} to {start + len(shown):,} of {len(positions):,} by time"
            )  # fmt: skip
            found.append((start, Part(said, own[own["position"].isin(shown)], whole)))
    return [part for _, part in sorted(found, key=lambda item: item[0])]


def layer_order(part: Part, look: Look, species: Sequence[str] = ()) -> Any:
    """A chart with a panel for each library.

    Layers stand in the order in which they run, the layers of a block on one ground.  Each panel
    has its own axis of time.  `species` are those that the legend lists, if more than the
    part's.
    """
    rows = part.rows
    order = rows.drop_duplicates("position").sort_values("position")
    shown = _shown(rows, order)
    species = species or list(dict.fromkeys(order["species"]))
    params, kept = look.picks("species")
    height = len(order) * _ROW
    libraries = list(shown.groupby("panel", sort=False))
    # A legend that panels share takes no clicks: of a page the last one of the first row has it.
    place = min(ACROSS, len(libraries)) - 1
    colour = look.colour("species", species, "operator", "species")
    panels = []
    for number, (library, own) in enumerate(libraries):
        own_colour = colour if look.still or number == place else colour.legend(None)
        if kept is not None:
            own_colour = alt.when(kept).then(own_colour).otherwise(alt.value(GREY))
        own_params = params if number == place else []
        total = f"{'sum' if part.whole else 'sum of these layers'} {own['time_ms'].sum():.4g} ms"
        panel = _panel(own, order, (str(library), total), own_colour, own_params)
        panels.append(panel.properties(width=_PANEL, height=height))
    together: Literal["shared", "independent"] = "shared" if look.still else "independent"
    rows_of_panels = [
        alt.hconcat(
            _names(order, height), *panels[start : start + ACROSS], spacing=8
        ).resolve_scale(color=together, x="independent")
        for start in range(0, len(panels), ACROSS)
    ]
    return alt.vconcat(*rows_of_panels, spacing=24).resolve_scale(color=together, x="independent")


def _shown(rows: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """The rows with the panel of each and its texts; what was not measured has the word."""
    several = [name for name in ("batch_size", "data_type") if rows[name].nunique() > 1]
    words = rows[several].astype(str).agg(", ".join, axis=1) if several else ""
    panel = rows["library"] + (", " + words if several else "")
    interval = [
        "" if pd.isna(low) else f"{low:,.4g} to {high:,.4g}"
        for low, high in zip(rows["ci_low_us"], rows["ci_high_us"], strict=True)
    ]
    text = [
        "not measured" if pd.isna(time) else f"{time / 1e3:.3g}" + _of(share)
        for time, share in zip(rows["time_us"], rows["share"], strict=True)
    ]
    return rows.assign(
        panel=panel,
        interval=interval,
        text=text,
        time_ms=rows["time_us"] / 1e3,
        roof_ms=rows["roof_us"] / 1e3,
        inside_ms=rows["inside_us"] / 1e3,
        row=rows["position"].map(_places(order)),
    )


def _of(share: float) -> str:
    return "" if pd.isna(share) or share < 0.005 else f" · {100 * share:.0f} %"


def _places(order: pd.DataFrame) -> dict[int, int]:
    return {position: place for place, position in enumerate(order["position"])}


def _bands(order: pd.DataFrame) -> pd.DataFrame:
    """First and last row of every second block, or layer without one."""
    starts = (order["block"] != order["block"].shift()) | (order["block"] == "")
    frame = pd.DataFrame({"band": starts.cumsum().to_numpy(), "row": range(len(order))})
    bands = frame.groupby("band")["row"].agg(first="min", last="max").reset_index()
    return bands[bands["band"] % 2 == 0].assign(last=lambda rows: rows["last"] + 1)


def _y(name: str, order: pd.DataFrame) -> Any:
    """A place among the layers, from above; rows are a unit high."""
    scale = alt.Scale(domain=[0, len(order)], reverse=True, nice=False, zero=False)
    return alt.Y(f"{name}:Q", scale=scale, axis=None)


def _ground(order: pd.DataFrame) -> Any:
    return (
        alt.Chart(_bands(order))
        .mark_rect(color=_BAND)
        .encode(y=_y("first", order), y2="last:Q", x=alt.value(0), x2=alt.value("width"))
    )


def _names(order: pd.DataFrame, height: int) -> Any:
    """Blocks and layers by name, left of the panels."""
    firsts = order["block"] != order["block"].shift()
    frame = pd.DataFrame(
        {
            "row": [place + 0.5 for place in range(len(order))],
            "name": order["name"].to_list(),
            "block": order["block"].where(firsts, "").to_list(),
        }
    )
    block_width = max(map(len, frame["block"])) * (_CHARACTER + 0.8)
    width = block_width + 12 + max(map(len, frame["name"])) * _CHARACTER
    base = alt.Chart(frame).encode(y=_y("row", order))
    look: dict[str, Any] = {"fontSize": 11, "limit": 0, "baseline": "middle"}
    return alt.layer(
        _ground(order),
        base.mark_text(align="left", fontWeight="bold", color=FAINT, **look).encode(
            x=alt.value(2), text="block:N"
        ),
        base.mark_text(align="right", color=INK, **look).encode(
            x=alt.value(width - 2), text="name:N"
        ),
    ).properties(width=width, height=height, view=alt.ViewConfig(stroke=None))


def _panel(
    rows: pd.DataFrame,
    order: pd.DataFrame,
    title: tuple[str, str],
    colour: Any,
    params: Sequence[Any],
) -> Any:
    rows = rows.assign(top=rows["row"] + 0.15, bottom=rows["row"] + 0.85, middle=rows["row"] + 0.5)
    most = rows[["time_ms", "inside_ms", "roof_ms"]].max().max()
    scale = alt.Scale(domain=[0, 1.45 * most if most > 0 else 1], nice=False)  # room for the text
    base = alt.Chart(rows)
    x = alt.X("time_ms:Q", title="time, ms", scale=scale, axis=alt.Axis(tickCount=4))
    y, middle = _y("top", order), _y("middle", order)
    bars = base.mark_rect().encode(
        x=x,
        x2=alt.datum(0),
        y=y,
        y2="bottom:Q",
        color=colour,
        tooltip=_TOOLTIP,
    )
    bars = bars.add_params(*params)
    texts = base.mark_text(align="left", dx=4, fontSize=10, color=INK, limit=0).encode(
        x=alt.X("end:Q", scale=scale), y=middle, text="text:N", tooltip=_TOOLTIP
    )
    texts = texts.transform_calculate(
        end="max(isValid(datum.time_ms) ? datum.time_ms : 0, "
        "isValid(datum.inside_ms) ? datum.inside_ms : 0)"
    )
    roofs = base.mark_rule(color=INK, strokeWidth=2).encode(
        x=alt.X("roof_ms:Q", scale=scale), y=y, y2="bottom:Q", tooltip=_TOOLTIP
    )
    inside = base.mark_point(size=26, fill="white", stroke=INK, strokeWidth=1.2, opacity=1).encode(
        x=alt.X("inside_ms:Q", scale=scale), y=middle, tooltip=_TOOLTIP
    )
    marks = [_ground(order), bars, texts]
    marks += [roofs] if rows["roof_ms"].notna().any() else []
    marks += [inside] if rows["inside_ms"].notna().any() else []
    heading = alt.TitleParams(
        title[0], subtitle=title[1], anchor="start", fontSize=12, subtitleFontSize=11,
        subtitleColor=FAINT,
    )  # fmt: skip
    return alt.layer(*marks).properties(title=heading)
