"""The files that are read from others, damaged, and what may come of reading each kind.

Genuine files come from ../shared/data where that is beside the check-out, others from the tests.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import yaml
from analysis.published.published_data import QUTIBENCH
from archives.ck.ck_samples import (
    FIREFLY_ENTRIES,
    NONE_ZIP,
    PROFILER_ZIP,
    bad,
    ck_members,
    ck_point,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    write,
)
from archives.ck.every_way import read_in_every_way
from damage import edited, numbers_in, to_ten_digits, with_anything
from domain.tflite_files.tflite_models import PADS, padded
from hypothesis import strategies as st
from nntest.analysis.study_tables import published_tables
from nntest.config import load_study
from nntest.domain.onnx_files.reading import account_onnx
from nntest.domain.tflite_files.reading import account_tflite
from nntest.errors import UserError
from nntest.graph import boards
from onboard import outcomes
from runner import pack

HOME = Path(__file__).parents[1]
FEW_POINTS = 2
"""Of a genuine archive: all of them take a second to read."""


@dataclass(frozen=True)
class Reader:
    """A kind of file: damaged ones, by their names, and all that reads one.

    `read` lets nothing through but what is a fault of ours.
    """

    damaged: Callable[[], st.SearchStrategy[tuple[str, bytes]]]
    read: Callable[[Path], None]


# -- archives ------------------------------------------------------------------------------


@cache
def archives() -> dict[str, dict[str, bytes]]:
    """Members of archives, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [header(), good(POINTS[0]), bad(POINTS[0], 1), good(POINTS[1])]
        ours = write(Path(folder, "a.zip"), make_plan(POINTS), lines)
        found = {"ours": _members(ours)}
    found["of CK's form"] = ck_members({f"{'a' * 16}.0001": ck_point()})
    if FIREFLY_ENTRIES.is_dir():
        for path in (NONE_ZIP, PROFILER_ZIP):
            found[path.stem] = _few_points(_members(path))
        for entry in sorted(FIREFLY_ENTRIES.iterdir()):
            found[entry.name] = {
                f"experiment/{entry.name}/{path.name}": path.read_bytes()
                for path in sorted(entry.glob("*.json"))
            }
    return found


POINTS = [make_point(tensor=f"8-{size}-{size}-1-16-1-0", repetitions=4) for size in (4, 7, 9)]


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _few_points(members: Mapping[str, bytes]) -> dict[str, bytes]:
    def point_of(name: str) -> str:
        return name.rpartition("/ckp-")[2][:16] if "/ckp-" in name else ""

    kept = ["", *sorted({point_of(name) for name in members} - {""})[:FEW_POINTS]]
    return {name: content for name, content in members.items() if point_of(name) in kept}


def _zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@st.composite
def damaged_archives(draw: st.DrawFn) -> tuple[str, bytes]:
    """A zip with damaged bytes, with a damaged member, or with any value in one of its JSON."""
    members = dict(archives()[draw(st.sampled_from(sorted(archives())))])
    if draw(st.integers(0, 3)) == 0:
        return "a.zip", draw(edited(_zipped(members)))
    name = draw(st.sampled_from(sorted(members)))
    members[name] = draw(_damaged_json(members[name]) | edited(members[name]))
    return "a.zip", _zipped(members)


@cache
def _damaged_json(content: bytes) -> st.SearchStrategy[bytes]:
    try:
        value = json.loads(content)
    except ValueError:
        return edited(content)
    return with_anything(value).map(lambda changed: json.dumps(changed).encode())


def read_archive(path: Path) -> None:
    times = read_in_every_way(path, path.parent)
    if times:
        written = set().union(*map(numbers_in, _readable(path)))
        assert {to_ten_digits(time_us / 1e6) for time_us in times} <= written, "an invented time"


def _readable(path: Path) -> Iterator[bytes]:
    """The members of a zip that are whole."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            try:
                yield archive.read(member)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
                continue
            except Exception as error:  # of a decompressor
                if type(error).__module__ not in ("zlib", "_lzma", "bz2"):
                    raise


# -- network files -------------------------------------------------------------------------


@cache
def network_files() -> dict[str, bytes]:
    """Small ONNX files of the `onnx` package, without the weights of its larger ones."""
    folder = Path(onnx.__file__).parent / "backend/test/data"
    paths = [*folder.glob("light/*.onnx"), *folder.glob("pytorch-*/*/model.onnx")]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}
    return {name: content for name, content in found.items() if len(content) < 300_000}


@st.composite
def damaged_network_files(draw: st.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(network_files())))
    return "net.onnx", draw(edited(network_files()[name]))


def damaged_tflite_files() -> st.SearchStrategy[tuple[str, bytes]]:
    content = padded(PADS, "conv", "largest").content()
    return edited(content).map(lambda damaged: ("net.tflite", damaged))


def read_network_file(path: Path) -> None:
    account = account_tflite if path.suffix == ".tflite" else account_onnx
    try:
        account(path)
    except UserError as error:
        str(error).encode()


# -- journals ------------------------------------------------------------------------------

LINES: list[dict[str, Any]] = [
    header(),
    *(
        good(
            point, n,
            time_s=0.001 * (number + 1) + 0.00001 * n,
            kernels=[{"name": "k", "phase": "run", "time_s": 0.0001, "gws": [4], "lws": [1]}],
            run_state={"waited_s": 0.0, "stolen_s": 0.0},
        )
        for number, point in enumerate(POINTS)
        for n in range(3)
    ),
    *map(bad, POINTS, (3, 3, 3), ("timeout", "failed", "crashed(x)")),
]  # fmt: skip


@st.composite
def damaged_journals(draw: st.DrawFn) -> tuple[str, bytes]:
    """A journal with damaged bytes, or with any value in a place of a line."""
    lines = [json.dumps(line) for line in LINES]
    if draw(st.booleans()):
        number = draw(st.integers(0, len(LINES) - 1))
        lines[number] = json.dumps(draw(with_anything(LINES[number])))
        return "journal.jsonl", "".join(f"{line}\n" for line in lines).encode()
    return "journal.jsonl", draw(edited("".join(f"{line}\n" for line in lines).encode()))


def read_journal(path: Path) -> None:
    """Pack it as the board does, and read the archive; lines that are whole are all there."""
    folder = path.parent
    folder.joinpath("plan.json").write_text(json.dumps(make_plan(POINTS)), encoding="utf-8")
    progress = outcomes.Progress(outcomes.read_lines(str(path)))
    for point in POINTS:
        assert set(progress.missing(point)) <= set(range(point["repetitions"]))
    packed = folder / "packed.zip"
    assert pack(str(folder), str(packed))["state"] == "packed"
    frame = frame_of(packed)
    times = frame.loc[frame["status"] == "ok", "time_us"]
    written = numbers_in(path.read_bytes())
    assert {to_ten_digits(time_us / 1e6) for time_us in times} <= written, "an invented time"
    whole = set(path.read_text("utf-8", "replace").split("\n")[:-1])
    kept = {
        (line["point"], line["repetition"])
        for line in LINES[1:]
        if line["status"] == "ok" and json.dumps(line) in whole
    }
    assert kept <= set(zip(frame["point"], frame["repetition_id"], strict=True)), "a lost one"


# -- board files ---------------------------------------------------------------------------

STUDY = {
    "study": "damaged", "networks": ["mobilenet-v1-0.25-128"], "libraries": ["opencl-reference"],
    "operators": ["softmax"], "tuners": ["NONE"],
}  # fmt: skip


@st.composite
def damaged_board_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A board file with damaged bytes, or with any value in one of its places."""
    path = draw(st.sampled_from(sorted((HOME / "config/boards").glob("*.yaml"))))
    content = path.read_bytes()
    if draw(st.booleans()):
        return path.name, draw(edited(content))
    changed = draw(with_anything(yaml.safe_load(content)))
    return path.name, yaml.safe_dump(changed).encode()


def read_board_file(path: Path) -> None:
    try:
        study = load_study({**STUDY, "boards": [str(path)]}, HOME)
        for sweep in study.sweeps():
            json.dumps(boards.sweep_spec(study, sweep), allow_nan=False)
            boards.board_resource(sweep.board)
    except UserError as error:
        str(error).encode()


# -- published tables ----------------------------------------------------------------------

TABLE = b"""\
NN_Topology,HWType,Precision,Op mode,batch/thread/stream,lat-comp,fps-system,fps-comp,tp-system,\
tp-comp,top1 [%],top5 [%],Base_Pwr_W,Idle_Pwr_W,Full_Pwr_W,GOPS,PruningFactor,level
CNV,GPU,INT4,maxp,2,4.0,,500.0,,,80.25,,0.5,1.2,1.7,0.016,12.5%,l3
CNV,NCS,FP16,na,1,12.25,81.5,,,,84.5,,,,1.5,0.117,100%,l3
"""


@cache
def published_files() -> list[bytes]:
    path = QUTIBENCH / "backup.csv"
    if not path.exists():
        return [TABLE]
    genuine = path.read_bytes().splitlines(keepends=True)
    return [TABLE, b"".join(genuine[:60])]


@st.composite
def damaged_published_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A table with damaged bytes, or with anything in one of its cells."""
    content = draw(st.sampled_from(published_files()))
    if draw(st.booleans()):
        return "published.csv", draw(edited(content))
    rows = [line.split(b",") for line in content.splitlines()]
    cells = draw(st.sampled_from(rows))
    cells[draw(st.integers(0, len(cells) - 1))] = draw(edited(b"12.5") | edited(b"CNV"))
    return "published.csv", b"\n".join(map(b",".join, rows)) + b"\n"


def read_published_file(path: Path) -> None:
    config = {**STUDY, "published": [{"file": str(path), "format": "qutibench"}]}
    try:
        rows = published_tables(load_study(config, HOME))["published"]
    except UserError as error:
        str(error).encode()
        return
    times = {to_ten_digits(latency_ms) for latency_ms in rows["latency_ms"].dropna()}
    assert times <= numbers_in(path.read_bytes()), "an invented time"


READERS = {
    "archives": Reader(damaged_archives, read_archive),
    "network files": Reader(damaged_network_files, read_network_file),
    "TFLite files": Reader(damaged_tflite_files, read_network_file),
    "journals": Reader(damaged_journals, read_journal),
    "board files": Reader(damaged_board_files, read_board_file),
    "published tables": Reader(damaged_published_files, read_published_file),
}


def read_damaged(reader: Reader, name: str, content: bytes) -> None:
    """Read a damaged file in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        path = Path(folder, name)
        path.write_bytes(content)
        reader.read(path)
