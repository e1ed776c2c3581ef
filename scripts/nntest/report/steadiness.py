"""How busy and how steady each machine was, what is sure all the same, and what would help.

These are the first words of the report and of the console: figures from a busy machine look like
any others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from onboard.clean_runs import FEWEST_CLEAN

from nntest.report.cells import number, percent, signed_percent

QUIET, HALF = 0.9, 0.5
"""Shares of clean runs from which on a machine was quiet, and from which on it was so mostly."""
STEADY = 0.05
"""Coefficient of variation up to which a point's runs are alike."""
_SAME_CLOCK = 0.9
"""Lowest over highest clock from which on it did not change."""
_NARROW = (0.02, 0.05, 0.2)
"""Half widths of intervals, over their medians, that are counted."""
_MOST_REPETITIONS = 100
"""Repetitions beyond which to wait for a quieter machine is the better advice."""
_NAMED = 4
"""Layers that are named; more are counted."""

MOST_MACHINES = 8
"""Machines of each of which everything is said; of more, how many are quiet, and which are busy."""
_WORDS = ("busy", "mostly quiet", "quiet", "not known")

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Steadiness:
    """What is said of one platform."""

    first: str
    more: tuple[str, ...]
    word: str = "not known"
    """One of `_WORDS`."""

    def lines(self) -> list[str]:
        """As plain text."""
        return [self.first, *(f"  {line}" for line in self.more)]


def steadiness(tables: Tables) -> list[Steadiness]:
    """What to know of each platform's runs; tables by name, of which any may be missing.

    'device_state' says how busy a platform was, 'summary' and 'drift' how steady, 'schedule' and
    'layer_ranking' what is sure.
    """
    states = tables.get("device_state")
    if states is None:
        return []
    return [
        _platform(str(platform), rows, {name: _of(tables, name, platform) for name in tables})
        for platform, rows in states.groupby("platform", sort=True)
    ]


def together(found: Sequence[Steadiness]) -> str:
    """How many of many machines were busy, and how many quiet; nothing of few."""
    if len(found) <= MOST_MACHINES:
        return ""
    counts = Counter(one.word for one in found)
    said = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
    return f"{len(found)} machines, whether others disturbed their runs: {said}"


def steadiness_lines(found: Sequence[Steadiness]) -> list[str]:
    """As plain text; of many machines the busy ones alone."""
    summed = together(found)
    if not summed:
        return [line for one in found for line in one.lines()]
    busy = [one for one in found if one.word == "busy"][:MOST_MACHINES]
    return [f"{summed} (the report has each)", *(line for one in busy for line in one.lines())]


def _of(tables: Tables, name: str, platform: object) -> pd.DataFrame:
    table = tables[name]
    return table[table["platform"] == platform] if "platform" in table else table


def _platform(name: str, states: pd.DataFrame, tables: Tables) -> Steadiness:
    clean, disturbed = int(states["clean"].sum()), int(states["disturbed"].sum())
    summary = tables.get("summary", pd.DataFrame())
    if not clean + disturbed:
        first = f"{name}: whether anything disturbed its runs is not known: neither its kernel nor "
        return Steadiness(f"{first}the archive says", tuple(_sure(tables)))
    share = clean / (clean + disturbed)
    word = "quiet" if share >= QUIET else "mostly quiet" if share >= HALF else "busy"
    first = f"{name}: {word}, {clean} of {clean + disturbed} runs clean ({percent(share)})"
    if unknown := int(states["unknown"].sum()):
        first += f", {unknown} more not known"
    if states["load_max"].notna().any():
        first += f"; load average {number(states['load_median'].median(), 2)}"
        first += f", at most {number(states['load_max'].max(), 2)}"
    few = summary[(summary["counted"] > summary["clean"]) & (summary["disturbed"] > 0)]
    spread = float(summary["cv"].median())
    more = []
    if not math.isnan(spread):
        more.append(f"the runs of a point vary by {percent(spread)} (median over all points)")
    if disturbed:
        line = f"times are of clean runs for {len(summary) - len(few)} of {len(summary)} points"
        if len(few):
            line += f"; the others have fewer than {FEWEST_CLEAN} and are of all runs"
        more.append(line)
    more += [*_precise(summary), *_drifted(tables.get("drift"))]
    helps = _what_helps(states, share, len(few) > 0, spread)
    return Steadiness(first, (*more, *_sure(tables), *helps), word)


def _precise(summary: pd.DataFrame) -> list[str]:
    """How narrow the intervals of the points' medians are."""
    width = (summary["ci_high_us"] / summary["median_us"] - 1).dropna()
    if width.empty:
        return []
    shares = [f"{(width <= limit).sum()} within {percent(limit)}" for limit in _NARROW]
    line = f"medians are known (95 %) for {len(width)} of {len(summary)} points: "
    worst = width.max()
    least = f"within {percent(worst)}" if worst <= 1 else "not even within 100 %"
    return [f"{line}{', '.join(shares)}, the least sure {least}"]


def _drifted(table: pd.DataFrame | None) -> list[str]:
    """How the machine's speed changed while it measured, in its longest session."""
    if table is None or table.empty:
        return []
    sessions = [rows for _, rows in table.groupby("session")]
    rows = max(sessions, key=lambda session: session["processes"].sum())
    low, high = (
        signed_percent(one - 1) for one in (rows["time_ratio"].min(), rows["time_ratio"].max())
    )
    minutes = number(rows["to_min"].max(), 2)
    return [
        f"over {minutes} min its times went between {low} and {high} of their medians (medians of "
        f"about {rows['processes'].iloc[0]} processes)"
    ]


def _sure(tables: Tables) -> list[str]:
    """How many choices would be made again, and which might not."""
    lines = []
    schedule = tables.get("schedule", pd.DataFrame(columns=["runner_up"]))
    chosen = schedule[schedule["runner_up"].notna()]
    if len(chosen):
        unsure = chosen[~chosen["distinguishable"].fillna(False).astype(bool)]
        lines.append(_choices("operator and tuner", len(chosen), unsure["layers"].tolist()))
    ranking = tables.get("layer_ranking", pd.DataFrame(columns=["second_library"]))
    chosen = ranking[ranking["second_library"].notna()]
    if len(chosen):
        unsure = chosen[chosen["verdict"] != "slower"]
        lines.append(_choices("library", len(chosen), unsure["layers"].tolist()))
    return lines


def _choices(of: str, count: int, unsure: Sequence[str]) -> str:
    """Of `count` choices those in `unsure`, by their layers, may be as good as the next best."""
    line = f"the choice of {of} is sure for {count - len(unsure)} of {count} tensors"
    layers = list(dict.fromkeys(unsure))
    if layers:
        more = f" and {len(layers) - _NAMED} more" if len(layers) > _NAMED else ""
        line += f"; the next best may do as well for {'; '.join(layers[:_NAMED])}{more}"
    return line


def _what_helps(states: pd.DataFrame, share: float, few: bool, spread: float) -> list[str]:
    """What a user can do about it; nothing on a quiet and steady machine."""
    found = []
    if share < QUIET:
        found.append(
            "end other programs, or keep each off the cores that measure: taskset -apc CORES PID"
        )
    if few:
        wanted = math.ceil(2 * FEWEST_CLEAN / share) if share else math.inf
        times = f"repetitions: {wanted}" if wanted <= _MOST_REPETITIONS else "when it is less busy"
        found.append(f"measure more, so that enough runs are clean: {times}")
    lowest, highest = states["clock_min_mhz"].min(), states["clock_max_mhz"].max()
    if lowest < _SAME_CLOCK * highest:
        found.append(
            f"the clock went from {lowest:.0f} to {highest:.0f} MHz: ask for the governor "
            "performance (frequency_domains in the board's file), and turn turbo off"
        )
    elif share >= QUIET and spread > STEADY:
        found.append(
            "something that is not seen here varies: see to the governor (performance) and to "
            "turbo (off), and measure more repetitions"
        )
    return [f"to do: {line}" for line in found]
