"""`nntest ck`: look into CK archives, check them, merge them, turn them into tables.

An ARCHIVE is a zip that `ck zip` or a sweep wrote, a CK repository's folder, a folder of
experiment entries, or one entry.  Zips are read in place; nothing is ever unpacked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq

from nntest.archives import measurements
from nntest.archives.ck import (
    EntryOverview,
    PointOverview,
    check,
    has_rows,
    merge,
    overview,
    revealed,
)
from nntest.archives.ck.tables import read_table
from nntest.archives.runs import platforms_of
from nntest.commands.options import Commands, add_boards, add_command, columns, warn, writing
from nntest.domain.tables.all import ALL
from nntest.domain.tables.csv_files import write_csv
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.errors import UserError

_EXAMPLES = """\
examples:
  nntest ck list sweep.zip                      what is in it
  nntest ck show sweep.zip --entry f68af58d     its points, times and failures
  nntest ck check old/*.zip                     is it as CK writes it; exit status 1 if not
  nntest ck merge a.zip b.zip -o both.zip       one archive of several
  nntest ck convert both.zip table.csv          one row per repetition
  nntest ck convert prof.zip k.parquet --table kernels
"""


def add_to(commands: Commands) -> None:
    """Describe the command and its sub-commands."""
    parser = add_command(
        commands, "ck", "look into CK archives, check, merge and convert them", __doc__, _EXAMPLES
    )
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _command(verbs, "list", _list, "one line per entry")
    command.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    add_boards(command)

    command = _command(verbs, "show", _show, "every point of the entries: times, failures")
    command.add_argument("archive", type=Path, metavar="ARCHIVE")
    command.add_argument("--entry", default="", help="only this one: (part of) its UID or alias")
    add_boards(command)

    command = _command(
        verbs,
        "check",
        _check,
        "compare with CK's format, and say what it reveals; exit status 1 if there is an error",
    )
    command.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    command.add_argument("--strict", action="store_true", help="count warnings as errors")

    command = _command(verbs, "merge", _merge, "one CK zip of several archives")
    command.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="OUT.zip")
    command.add_argument(
        "--keep-both",
        action="store_true",
        help="where two archives contradict each other, keep both as repetitions",
    )

    command = _command(verbs, "convert", _convert, "a table of what an archive holds")
    command.add_argument("archive", type=Path, metavar="ARCHIVE")
    command.add_argument("table_file", type=Path, metavar="OUT.csv|OUT.parquet")
    command.add_argument(
        "--table",
        choices=["measurements", "kernels", "launches", "counters", "nodes"],
        default="measurements",
        help="measurements: one row per repetition (the default); of profiled points: kernels "
        "(one row per kernel and repetition), launches (one per launch), counters (one per "
        "hardware counter); nodes: one row per node of an inference library's graph",
    )
    command.add_argument("--synthetic", action="store_true", help="include the synthetic data sets")
    add_boards(command)


def _command(
    commands: Commands,
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=function)
    return command


# -- commands ------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    heads = ("UID", "program", "library", "platform", "points", "good runs", "failed points")
    for path in arguments.archives:
        entries = list(overview(path, platforms_of(arguments.boards), warn))
        points = sum(_points(entry) for entry in entries)
        print(f"{path}: {len(entries)} entries, {points} points")
        lines = [
            (
                entry.uid,
                entry.program,
                entry.library,
                entry.platform,
                str(_points(entry)),
                str(entry.succeeded),
                str(entry.failed),
            )
            for entry in entries
        ]
        if lines:
            _print_columns([heads, *lines])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    found = 0
    for entry in overview(arguments.archive, platforms_of(arguments.boards), warn):
        if arguments.entry not in entry.alias and not entry.uid.startswith(arguments.entry):
            continue
        found += 1
        print(f"{entry.alias} ({entry.uid})")
        print(f"  program   {entry.program}")
        print(f"  library   {entry.library}")
        print(f"  platform  {entry.platform}; {entry.device}, driver {entry.driver or 'unknown'}")
        print(f"  tags      {', '.join(entry.tags)}")
        print(f"  from      {', '.join(entry.archives)}")
        heads = ("point", "operator", "tensor", "batch", "tuner", "n", "median µs", "min µs", "")
        _print_columns([heads, *(_point_line(point) for point in entry.points)])
        print()
    if not found:
        raise UserError(
            f"{arguments.archive}: no entry whose UID or alias has '{arguments.entry}'",
            "nntest ck list shows the entries",
        )
    return 0


def _check(arguments: argparse.Namespace) -> int:
    errors = warnings = 0
    for path in arguments.archives:
        for complaint in check(path):
            print(complaint)
            if complaint.severity == "error":
                errors += 1
            else:
                warnings += 1
        for sentence in revealed(path, lambda _: None):
            print(sentence)
    print(f"{len(arguments.archives)} checked: {errors} errors, {warnings} warnings")
    return 1 if errors or (warnings and arguments.strict) else 0


def _merge(arguments: argparse.Namespace) -> int:
    with writing(arguments.output):
        report = merge(
            arguments.archives, arguments.output, keep_both=arguments.keep_both, warn=warn
        )
    print(report)
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    target: Path = arguments.table_file
    if target.suffix not in (".csv", ".parquet"):
        raise UserError(f"{target}: expected a name that ends in .csv or .parquet")
    table, known = ALL[arguments.table], platforms_of(arguments.boards)
    rows = read_table(table, arguments.archive, known, warn, synthetic=arguments.synthetic)
    in_order = table.name in ("launches", "counters", "nodes")
    frame = frame_of(rows, table) if in_order else measurements.to_frame(rows, table)
    if frame.empty and (
        table is MEASUREMENTS or not has_rows(arguments.archive, synthetic=arguments.synthetic)
    ):  # a profile may well have no counters
        raise UserError(
            f"{arguments.archive}: yields no row of the table {table.name}",
            "nntest ck list shows what it holds, nntest ck check what is wrong with it; profiled "
            "points have rows in the tables kernels, launches and counters alone",
        )
    with writing(target):
        if target.suffix == ".csv":
            write_csv(frame, target)
        else:
            pq.write_table(measurements.to_arrow(frame, table), target)
    print(f"{target}: {len(frame)} rows")
    return 0


# -- helpers -------------------------------------------------------------------------------


def _points(entry: EntryOverview) -> int:
    return len({point.point for point in entry.points})


def _point_line(point: PointOverview) -> tuple[str, ...]:
    name = point.point if point.subpoint == 1 else f"{point.point}.{point.subpoint:04d}"
    said = "; ".join(sorted({f"{status}: {reason}" for status, reason in point.failures}))
    if point.profiled:
        kernels = [f"{kernel} {min(times):.1f}" for kernel, times in point.kernels.items()]
        said = "; ".join(["profiled", *kernels, *([said] if said else [])])
    return (
        name,
        point.operator,
        point.tensor,
        "" if point.batch_size is None else str(point.batch_size),
        point.tuner,
        str(len(point.times)),
        "" if point.median is None else f"{point.median:.1f}",
        f"{min(point.times):.1f}" if point.times else "",
        said if len(said) <= 200 else said[:199] + "…",
    )


def _print_columns(lines: Iterable[tuple[str, ...]]) -> None:
    for line in columns([cell.replace("\n", " ") for cell in line] for line in lines):
        print(f"  {line}")
