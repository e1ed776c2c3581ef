"""`nntest compare`: two finished runs: which points got faster or slower, and which did not.

BASELINE and OTHER are CK zips (results/<study>/<study>.zip of two runs), CK repositories or folders
of entries; several of a side are quoted patterns.  A point is slower or faster where Mann and
Whitney's U test over processes says that it differs by more than the smallest effect, at a rate of
5 % for false differences over all points.
"""

from __future__ import annotations

import argparse
import glob
from pathlib import Path

import pandas as pd

from nntest.archives.runs import platforms_of, read_archives
from nntest.commands.options import (
    Commands,
    add_boards,
    add_command,
    percent,
    warn,
    writing,
)
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.config.plot_options import PlotOptions
from nntest.domain.tables.csv_files import write_csv
from nntest.errors import UserError

_EXAMPLES = """\
examples:
  nntest compare old.zip new.zip
  nntest compare 'nightly/2026-10-*.zip' 'nightly/2026-11-*.zip'   runs, not processes
  nntest compare old.zip new.zip --fail-on-regression 10             exit status 1 if one is slower
  nntest compare old.zip new.zip --table both.csv --plot both.svg
"""


def add_to(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "compare",
        "which points of two finished runs got faster or slower",
        __doc__,
        _EXAMPLES,
    )
    parser.add_argument("baseline", metavar="BASELINE")
    parser.add_argument("other", metavar="OTHER")
    parser.add_argument(
        "--min-effect", type=percent, default=5.0, metavar="PERCENT",
        help="smallest difference that counts, where it is significant (default: 5)",
    )  # fmt: skip
    parser.add_argument(
        "--fail-on-regression", type=percent, metavar="PERCENT",
        help="exit status 1 where a point is slower by more than this, or fails now",
    )  # fmt: skip
    parser.add_argument("--table", type=Path, metavar="OUT.csv", help="every point, as CSV")
    parser.add_argument("--plot", type=Path, metavar="OUT.svg", help="the picture; a PNG beside it")
    add_boards(parser)
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    # Here, since scipy takes a second to import, which no other command has use for.
    from nntest.analysis.comparison import comparison
    from nntest.analysis.comparison_text import refuse_regressions

    limit = given.fail_on_regression
    compare = ComparisonConfig(
        baseline=ComparisonBaseline(run=given.baseline),
        min_effect_percent=given.min_effect,
        fail_on_regression=False if limit is None else limit,
    )
    known = platforms_of(given.boards)
    old, new = (
        read_archives(_found(pattern), known, warn) for pattern in (given.baseline, given.other)
    )
    found = comparison(new, compare, old, (), "study", seed=0)
    found["other"] = f"run {given.other}"
    _print(found)
    if given.table:
        with writing(given.table):
            write_csv(found, given.table)
    if given.plot:
        from nntest.pictures.plots.comparison import comparison_plot

        svg, png = (given.plot.with_suffix(suffix) for suffix in (".svg", ".png"))
        with writing(svg):
            comparison_plot(found, new, PlotOptions(), svg, png)
    if limit is not None:
        refuse_regressions(found, limit, "a higher --fail-on-regression lets them pass")
    return 0


def _found(pattern: str) -> list[Path]:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
    if not names:
        raise UserError(f"{pattern}: there is no such file or folder")
    return [Path(name) for name in names]


def _print(found: pd.DataFrame) -> None:
    from nntest.analysis.comparison import units_needed
    from nntest.analysis.comparison_text import overall, point_text

    notable = found[~found["verdict"].isin(["no difference", "too few repetitions"])]
    for row in notable.to_dict("records"):
        line = f"{row['verdict']:<20} {point_text(row)}"
        if not pd.isna(row["ratio"]):
            line += f": {row['baseline_us']:.1f} to {row['other_us']:.1f} µs, x {row['ratio']:.2f}"
            line += f" ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
        print(line)
    counts = found["verdict"].value_counts()
    print(f"{len(found)} points: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    print(overall(found))
    tested = found["p_value"].notna()
    units = found.loc[tested, ["baseline_n", "other_n"]].min().min()
    if tested.any() and units < units_needed(int(tested.sum())):
        print(
            f"note: with {units} processes a side, one point among {int(tested.sum())} that "
            f"differs alone cannot be detected; {units_needed(int(tested.sum()))} could detect it"
        )
