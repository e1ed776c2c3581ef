"""`nntest history`: networks' times over the runs of a machine, and where they changed.

Every run of the workflow adds a file to results/history.  Times are compared where the machine, the
library, the layers and the way to measure are the same; versions of the library may differ.  A
change is called by a permutation test over runs: if nothing changed, the chance of any change being
called, in any network with any library, is at most 5 %.  It takes eight runs or more, and two on
either side of the change.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nntest.archives.history import NetworkTime, read_history
from nntest.commands.options import Commands, add_command, percent, writing
from nntest.config.plot_options import PlotOptions
from nntest.errors import UserError
from nntest.report.cells import duration, interval_after
from nntest.report.cells import percent as percent_text

if TYPE_CHECKING:
    from nntest.analysis.history import Change, Series

_EXAMPLES = """\
examples:
  nntest history
  nntest history --network mobilenet-v1-1.0-224 --machine 'AMD EPYC' --plot time.svg
  nntest history --fail-on-slower 5          exit status 1 where the last change was to the worse
"""


def add_to(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands, "history", "networks' times over runs, and where they changed", __doc__,
        _EXAMPLES,
    )  # fmt: skip
    for name in ("network", "machine", "library"):
        parser.add_argument(f"--{name}", metavar="NAME", help=f"this {name} alone")
    parser.add_argument("--plot", type=Path, metavar="OUT.svg", help="the picture of a network; a "
                        "PNG beside it")  # fmt: skip
    parser.add_argument(
        "--fail-on-slower", type=percent, metavar="PERCENT",
        help="exit status 1 where a network takes more than this longer since its last change",
    )  # fmt: skip
    parser.add_argument(
        "--folder", type=Path, default=Path("results/history"),
        help="where the runs are (default: results/history)",
    )  # fmt: skip
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    # Here, since pandas and scipy take a second to import, which no other command has use for.
    from nntest.analysis.history import series_of

    found = series_of(_wanted(read_history(given.folder), given))
    for series in found:
        _print(series)
    if given.plot:
        _plot(found, given.plot)
    if given.fail_on_slower is not None:
        _refuse_slower(found, given.fail_on_slower)
    return 0


def _wanted(times: Sequence[NetworkTime], given: argparse.Namespace) -> Sequence[NetworkTime]:
    """The times of what the options name; `UserError` for a name that the history lacks."""
    for option, field in (("network", "network"), ("machine", "platform"), ("library", "library")):
        name = getattr(given, option)
        there = sorted({getattr(one, field) for one in times})
        if name is not None and name not in there:
            raise UserError(
                f"--{option}: no run in {given.folder} has '{name}'",
                f"there are: {', '.join(there)}",
            )
        times = [one for one in times if name in (None, getattr(one, field))]
    return times


def _print(series: Series) -> None:
    from nntest.analysis.history import FEWEST_RUNS

    print(series.name)
    changes = {change.first: change for change in series.changes}
    width = max(len(one.version) for one in series.times)
    for one in series.times:
        if one in changes:
            print(f"  -- {_change_text(changes[one])} --")
        time = one.time
        low, high = (float("nan") if end is None else end for end in (time.low_us, time.high_us))
        print(
            f"  {one.first_started_at:%Y-%m-%d %H:%M}  {one.version:<{width}}  "
            f"{duration(time.us):>9}{interval_after(low, high)}, "
            f"{percent_text(one.clean / one.runs)} of {one.runs} runs clean"
        )
    if len(series.times) < FEWEST_RUNS:
        print(f"  too few runs to find a change: {len(series.times)} of {FEWEST_RUNS}")
    elif not changes:
        print("  no change found")


def _change_text(change: Change) -> str:
    ratio = change.ratio
    word = "slower" if ratio.value > 1 else "faster"
    return f"{word}: x {ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


def _plot(found: Sequence[Series], svg: Path) -> None:
    shown = sorted({(one.network, one.platform) for series in found for one in series.times})
    if len(shown) > 1:
        listed = "; ".join(f"{network} on {machine}" for network, machine in shown)
        raise UserError(
            "--plot: a picture shows one network on one machine, and these are several",
            f"--network and --machine name one of: {listed}",
        )
    from nntest.pictures.plots.history import history_plot

    with writing(svg):
        history_plot(found, PlotOptions(), *(svg.with_suffix(end) for end in (".svg", ".png")))


def _refuse_slower(found: Sequence[Series], limit: float) -> None:
    slower = [
        f"{series.name}: {_change_text(series.changes[-1])}"
        for series in found
        if series.changes and series.changes[-1].ratio.value > 1 + limit / 100
    ]
    if slower:
        lines = "\n  ".join(slower)
        raise UserError(
            f"{len(slower)} of {len(found)} are more than {limit:g} % slower since their last "
            f"change:\n  {lines}",
            "a higher --fail-on-slower lets them pass",
        )
