"""Compare two finished runs: which points got faster or slower, and which did not.

BASELINE and OTHER are CK zips (results/<study>/<study>.zip of two runs), CK repositories or folders
of entries; several of a side are quoted patterns.  A point is slower or faster where Mann and
Whitney's U test over processes says that it differs by more than the smallest effect, at a rate of
5 % for false differences over all points.
"""

from __future__ import annotations

import argparse
import glob
import sys
from pathlib import Path

import pandas as pd
from nntest.compare import comparison, overall, point_text, refuse_regressions, units_needed
from nntest.config.compare import Compare, ComparedSide
from nntest.errors import UserError, user_errors_end_the_process
from nntest.other_run import platforms_of, read_archives
from nntest.plots.comparison import comparison_plot
from nntest.plots.options import PlotOptions

BOARDS = Path(__file__).resolve().parent.parent / "config" / "boards"

_EXAMPLES = """\
examples:
  compare.py old.zip new.zip
  compare.py 'nightly/2026-10-*.zip' 'nightly/2026-11-*.zip'     runs, not processes, are compared
  compare.py old.zip new.zip --fail-on-regression 10             exit status 1 if one is slower
  compare.py old.zip new.zip --table both.csv --plot both.svg
"""


def main() -> int:
    """Run the command line; returns the exit status."""
    given = _parser().parse_args()
    limit = given.fail_on_regression
    compare = Compare(
        baseline=ComparedSide(run=given.baseline),
        min_effect_percent=given.min_effect,
        fail_on_regression=False if limit is None else limit,
    )
    known = platforms_of(given.boards)
    old, new = (
        read_archives(_found(pattern), known, _warn) for pattern in (given.baseline, given.other)
    )
    found = comparison(new, compare, old, (), "study", given.seed)
    found["other"] = f"run {given.other}"
    _print(found)
    if given.table:
        found.to_csv(given.table, index=False)
    if given.plot:
        svg, png = (given.plot.with_suffix(suffix) for suffix in (".svg", ".png"))
        comparison_plot(found, new, PlotOptions(), svg, png)
    if limit is not None:
        refuse_regressions(found, limit, "a higher --fail-on-regression lets them pass")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("baseline", metavar="BASELINE")
    parser.add_argument("other", metavar="OTHER")
    parser.add_argument(
        "--min-effect", type=_percent, default=5.0, metavar="PERCENT",
        help="a difference must exceed this, significantly (default: 5)",
    )  # fmt: skip
    parser.add_argument(
        "--fail-on-regression", type=_percent, metavar="PERCENT",
        help="exit status 1 where a point is slower by more than this, or fails now",
    )  # fmt: skip
    parser.add_argument("--table", type=Path, metavar="OUT.csv", help="every point, as CSV")
    parser.add_argument("--plot", type=Path, metavar="OUT.svg", help="the picture; a PNG beside it")
    parser.add_argument("--seed", type=int, default=42, help="of the bootstrap (default: 42)")
    parser.add_argument(
        "--boards", type=Path, default=BOARDS, metavar="FOLDER",
        help="board files that give platforms their names (default: config/boards)",
    )  # fmt: skip
    return parser


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError("from 0 to 1000 percent")
    return value


def _found(pattern: str) -> list[Path]:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
    if not names:
        raise UserError(f"{pattern}: there is no such file or folder")
    return [Path(name) for name in names]


def _print(found: pd.DataFrame) -> None:
    told = found[~found["verdict"].isin(["no difference", "too few repetitions"])]
    for row in told.to_dict("records"):
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
            f"differs alone cannot be told; {units_needed(int(tested.sum()))} could tell it"
        )


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    with user_errors_end_the_process():
        sys.exit(main())
