"""`nntest capsule`: a folder that reproduces one point of an inference library on its own.

To attach to a report at the library's own project: the model, its input, the right output, a
script that needs NumPy and the library alone, exact versions, and what was measured.

POINT has what tables show of it: library, operator, tuner and tensor (or the network's name), as
far as it needs them to be told from others, in any order, each whole or its beginning; or the UID
of its CK point.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nntest.analysis.points import points as measured_points
from nntest.archives.ck import read_points
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import measurement_rows
from nntest.archives.measurements import to_frame
from nntest.archives.runs import platforms_of
from nntest.codehash import ONBOARD
from nntest.commands.options import Commands, add_boards, add_command, warn, writing
from nntest.config.library import PACKAGES
from nntest.domain.tensors import NODE_VARIABLE
from nntest.errors import UserError
from nntest.report.capsule import LIBRARIES, SCRIPT, Capsule

_EXAMPLES = """\
examples:
  nntest capsule results/mobilenet/mobilenet.zip 'ncnn conv DEFAULT 512-14-14-1-512-1-0'
  nntest capsule results/mobilenet/mobilenet.zip 'openvino network DEFAULT' -o for-openvino
"""
_MOST = 12
"""Candidates that a message lists."""
_WRITER = ONBOARD / "capsules" / "write_model.py"
_COLUMNS = ("library", "operator", "tuner", "tensor", "platform")


def add_to(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "capsule",
        "a folder that reproduces one point of an inference library on its own",
        __doc__,
        _EXAMPLES,
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="a CK zip of a study")
    parser.add_argument("point", nargs="+", metavar="POINT")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER",
        help="default: capsule-<library>-<operator>-<tuner>-<tensor>",
    )  # fmt: skip
    parser.add_argument(
        "--python", type=Path, metavar="PYTHON",
        help="Python that writes the model; LiteRT's needs one with ai-edge-litert (default: the "
        "environment that a run has made beside the results)",
    )  # fmt: skip
    add_boards(parser)
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    known = platforms_of(given.boards)
    archived = [p for p in read_points(given.results, known, warn) if not p.profiled]
    recordings = choose(archived, " ".join(given.point).split(), given.results)
    library = _library(recordings[-1])
    capsule = _capsule(recordings, PACKAGES[library])
    folder = given.output or Path(
        re.sub(r"[^\w.-]+", "-", "-".join(["capsule", *_words(recordings[-1])[:4]]))
    )
    python = given.python or _python(library, given.results)
    with writing(folder / SCRIPT):
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder}: is there, and is not empty", "another folder with -o")
        folder.mkdir(exist_ok=True)
        tolerance = _write_model(python, library, recordings[-1], folder)
        texts = {
            SCRIPT: capsule.script(tolerance),
            "requirements.txt": capsule.requirements(),
            "README.txt": capsule.readme(),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    print(f"{folder}: {capsule.title}, {sum(f.stat().st_size for f in folder.iterdir())} bytes")
    return 0


def choose(
    archived: Sequence[ArchivedPoint], words: Sequence[str], results: Path
) -> list[ArchivedPoint]:
    """All recordings of the one point that the words name.

    A word that is the whole of a candidate's column counts for that column alone: NONE is not the
    beginning of another name then.  Raises `UserError` where they name none, or several.
    """
    found = list(archived)
    for word in words:
        whole = [p for p in found if word in _names(p)]
        left = whole or [p for p in found if any(n.startswith(word) for n in _names(p))]
        if not left:
            said = " ".join(words)
            raise UserError(f"{results}: '{said}': there is no '{word}' among", _listed(found))
        found = left
    keys = {tuple(_words(p)): p for p in found}
    if len(keys) > 1:
        raise UserError(
            f"{results}: '{' '.join(words)}' names {len(keys)} points", _listed(list(keys.values()))
        )
    return found


def _words(point: ArchivedPoint) -> list[str]:
    """What tables show of a point."""
    shown = [str(point.columns[name]) for name in _COLUMNS]
    batch = point.columns["batch_size"]
    return [*shown, f"batch-{batch}"] if batch != 1 else shown


def _names(point: ArchivedPoint) -> list[str]:
    return [*(word for text in _words(point) for word in text.split()), point.columns["point"]]


def _listed(candidates: Sequence[ArchivedPoint]) -> str:
    lines = sorted({" ".join(_words(point)) for point in candidates})
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "one of these, or its beginning:\n    " + "\n    ".join([*lines[:_MOST], *more])


def _library(point: ArchivedPoint) -> str:
    """The adapter of a point's program; `UserError` where there is no capsule for it."""
    network = point.content.get("nntest_flow", {}).get("network") or {}
    if "model" in network or NODE_VARIABLE in point.content["choices"]["env"]:
        raise UserError(
            f"{' '.join(_words(point))}: there is no capsule of an ONNX file, nor of its nodes",
            "the file itself, with the package's version, is what the library's project needs",
        )
    parts = point.columns["program"].split("-")
    for name in LIBRARIES:
        if name in parts:
            return name
    raise UserError(
        f"{point.columns['program']}: no capsule can be made for it; its model is not a file that "
        "the library reads",
        f"those of {', '.join(LIBRARIES)} can",
    )


def _capsule(recordings: Sequence[ArchivedPoint], package: str) -> Capsule:
    """What the archive says of a point; `UserError` where nothing was measured."""
    last = recordings[-1]
    seed = last.entry.meta["nntest_flow"]["seed"]
    frame = to_frame(row for recording in recordings for row in measurement_rows(recording))
    measured = measured_points(frame, seed)
    states = [item["run"].get("run_time_state") for item in last.repetitions if item.get("run")]
    if not measured or not states:
        reasons = "; ".join(sorted(set(frame["status"] + ": " + frame["reason"])))
        raise UserError(f"{' '.join(_words(last))} has no measured time: {reasons}")
    # Not what only this project's programs read.
    hidden = ("CK_DATASET_FILENAME", "CK_LWS_TUNER_TYPE", "NNTEST_SETTINGS", "NNTEST_WARMUP")
    env = last.content["choices"]["env"]
    return Capsule(
        point=measured[0],
        state=states[-1],
        entry=last.entry.meta["nntest_flow"],
        features=last.content["features"],
        variables={key: value for key, value in env.items() if key not in hidden},
        package=package,
    )


def _python(library: str, results: Path) -> Path:
    """The Python that writes the model: this one, LiteRT's from the environment of a run."""
    if library != "litert":
        return Path(sys.executable)
    boards = results.resolve().parent.parent / "boards"
    made = sorted(boards.glob(f"*/pip/{library}-*/venv/bin/python"))
    if not made:
        raise UserError(
            f"no environment with {PACKAGES[library]} beside {results}: its wheel has the format's "
            "schema, which the model is written with",
            f"make one (python -m venv venv && venv/bin/pip install numpy {PACKAGES[library]}) and "
            "name it: --python venv/bin/python",
        )
    return made[-1]


def _write_model(python: Path, library: str, point: ArchivedPoint, folder: Path) -> float:
    """Have model, input and right output written; the largest difference that passes.

    In a process of its own: what it imports has names that this project's modules do not know.
    """
    asked = {
        "operator": point.columns["operator"].split("-")[0],
        "env": point.content["choices"]["env"],
        "network": point.content.get("nntest_flow", {}).get("network"),
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [str(python), str(_WRITER), library, str(folder.resolve())],
            input=json.dumps(asked), env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout.splitlines()[-1])
    except OSError as error:
        raise UserError(f"--python {python}: cannot be run: {error.strerror}") from None
    except (IndexError, ValueError):
        raise UserError(f"the model cannot be written: {done.stderr.strip()[-600:]}") from None
    if "problem" in answer:
        raise UserError(f"the model cannot be written: {answer['problem']}")
    return float(answer["tolerance"])
