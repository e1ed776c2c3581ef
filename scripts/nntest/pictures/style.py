"""What all pictures share, whichever library draws them: colours, fonts, headings, numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from onboard import outcomes

from nntest.analysis.points import labelled
from nntest.config.plot_options import AxisOptions, Grouping, PlotOptions

INK, FAINT, GRID, WARNING = "#1c1c1c", "#6b6b6b", "#dddddd", "#a02000"
FONTS = ("DejaVu Sans", "Verdana", "Arial", "sans-serif")
MARKERS = "osD^vPX*h"

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A00", "#000000",
)  # fmt: skip
"""Colours that the common kinds of colour blindness tell apart (Okabe and Ito, Color Universal
Design, 2008), the yellow darkened so that it shows on white."""

_DOT = "\N{NO-BREAK SPACE}· "  # a line may end with the dot, not begin with it


def colours(
    names: Sequence[str], options: PlotOptions, grouping: Grouping
) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name, in the order given.

    The palette that the user set for `grouping` comes first; a palette given as a mapping may
    leave names out, which then have the default colours.
    """
    palette = options.palette.get(grouping)
    chosen: Sequence[Any] = OKABE_ITO
    if isinstance(palette, list):
        chosen = palette
    elif isinstance(palette, str):
        from seaborn import color_palette

        chosen = [str(colour) for colour in color_palette(palette, max(len(names), 1)).as_hex()]
    own = palette if isinstance(palette, Mapping) else {}
    return {
        name: (own.get(name, chosen[index % len(chosen)]), MARKERS[index % len(MARKERS)])
        for index, name in enumerate(names)
    }


# -- titles --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heading:
    """What a picture shows, of which machine, measured when."""

    what: str
    where: str
    when: str
    warning: str = ""

    def beside(self, words: str) -> Heading:
        """The heading with more words of what is shown of the machine."""
        return replace(self, where=_DOT.join(part for part in (self.where, words) if part))


HEADED = ("platform", "library", "device", "batch_size", "warmup", "emulated", "started_at")
"""Columns of the measurement table that a heading is made of."""


def _listed(names: Iterable[Any], most: int = 3) -> str:
    distinct = sorted({str(name) for name in names if isinstance(name, str) and name})
    more = f" and {len(distinct) - most} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + more


def heading(what: str, frame: pd.DataFrame) -> Heading:
    """The heading for a picture of the rows of a measurement table, of which it reads `HEADED`."""
    *names, started = HEADED
    rows = labelled(frame[names].drop_duplicates())
    machines = []
    for platform, group in rows.groupby("platform"):
        device = _listed(group["device"])
        machines.append(f"{platform} ({device})" if device and device != platform else platform)
    batches = sorted(set(rows["batch_size"].dropna()))
    parts = [_listed(machines), _listed(rows["library"])]
    if len(batches) == 1:
        parts.append(f"batch {batches[0]}")
    days = sorted(day for day in frame[started].dropna().str[:10].unique() if day)
    when = "" if frame.empty else "date not recorded"
    if days:
        when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    warning = ""
    emulated = rows["emulated"].fillna(False).astype(bool)
    if emulated.any():
        which = "" if emulated.all() else f"{_listed(rows.loc[emulated, 'platform'])}: "
        warning = f"{which}ran under an emulator; these are not the times of a real board"
    return Heading(what, _DOT.join(part for part in parts if part), when, warning)


@dataclass(frozen=True)
class HeaderText:
    """A paragraph above a picture, in lines as long as the picture is wide."""

    lines: tuple[str, ...]
    size: float
    """Of the font, in points."""
    bold: bool
    colour: str


def header_texts(head: Heading, options: PlotOptions, width: float) -> list[HeaderText]:
    """What stands above a picture `width` inches wide: title, machine and day, warning."""
    template = options.title or "{what}"
    title = template.format(what=head.what, where=head.where, when=head.when)
    place = [head.where] if "{where}" not in template else []
    place += [head.when] if "{when}" not in template else []
    found = []
    for text, size, bold, colour in (
        (title, 13.0, True, INK),
        (_DOT.join(part for part in place if part), 9.5, False, FAINT),
        (head.warning, 10.0, True, WARNING),
    ):
        # An average character of the font is 0.6 em wide, a bold one 0.69.
        most = max(20, int(width / (size / 72 * (0.69 if bold else 0.6))))
        lines = textwrap.wrap(text, most, break_on_hyphens=False)
        if lines:
            found.append(HeaderText(tuple(lines), size, bold, colour))
    return found


_LONGEST = 72
"""Characters of a row's label, in one line."""


def row_label(tensor: str, batch_size: int | None = None) -> str:
    """What stands beside a tensor's row; a group of ONNX nodes has its name without the middle."""
    half = _LONGEST // 2
    name = tensor if len(tensor) <= _LONGEST else f"{tensor[: half - 1]}…{tensor[-half:]}"
    return name if batch_size is None else f"{name}\nbatch {batch_size}"


# -- axes ----------------------------------------------------------------------------------


def wants_log(axis: AxisOptions, low: float, high: float) -> bool:
    """Whether an axis for values from `low` to `high` is logarithmic."""
    if axis.scale != "auto":
        return axis.scale == "log" and low > 0
    if axis.step is not None or (axis.min is not None and axis.min <= 0):
        return False
    return low > 0 and high / low > 10


def number(value: float, _position: int | None = None) -> str:
    """A tick's number: thousands set off, no trailing zeros."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def said(status: str) -> str:
    """How a point that has no time ended, in its place in a picture."""
    return status if status == outcomes.FAILED else f"failed: {status}"
