"""The CIFAR-10 page's own figures checked: where they are wrong, and what is right.

The page (RCL-lab/QutibenchWeb, May 2020) works from small tables beside its measurements.  They
are read from a folder of the user's; what is right follows from layer lists, from platform files
and from the measurement table.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nntest.analysis.published import qutibench
from nntest.analysis.published.networks import Published
from nntest.analysis.published.overview import claims
from nntest.analysis.roofline.tables import frames_per_s
from nntest.domain.csv_text import read_csv_text
from nntest.domain.data_types import BITS, data_type_of
from nntest.domain.tables.column import FLOAT, Column
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import PAGE_ERRORS
from nntest.domain.tables.shared import BANDWIDTH, DATA_TYPE, LINE, NETWORK, PEAK, PLATFORM
from nntest.domain.traffic import Work, network_work

TOPOLOGIES = "topology_details.csv"
REQUIREMENTS = "cnn_topologies_compute_memory_requirements.csv"
ACCURACIES = "cnn_topologies_accuracy.csv"
ROOFS = "peakPerfBandHardPlatf.csv"
PLATFORMS = "hardware_platforms.csv"
OVERVIEW = "overview_experiments_cifar10_.csv"


@dataclass(frozen=True)
class _Wrong:
    table: str
    line: int | None
    what: str
    given: float
    right: float | None
    why: str


def page_errors(folder: Path, frame: pd.DataFrame, networks: Published) -> pd.DataFrame:
    """Every figure of the page that is wrong, with the right one; columns of `PAGE_ERRORS`.

    `frame` is the measurement table (`qutibench.typed`), `networks` those whose layers are known.
    Tables that the folder lacks are left out.
    """
    works = {key: network_work(network) for key, network in networks.items()}
    found: list[_Wrong] = []
    if (path := folder / TOPOLOGIES).is_file():
        found += [*_topologies(path, networks, works), *_one_byte(path, works)]
    if (path := folder / REQUIREMENTS).is_file():
        found += _requirements(path, works)
    if (path := folder / ACCURACIES).is_file():
        found += _accuracies(path, frame)
    if (path := folder / ROOFS).is_file():
        found += [*_ridges(path), *_contradictions(path, folder / PLATFORMS)]
    if (path := folder / OVERVIEW).is_file():
        found += _claims(path, frame)
    found += _heat_map(folder, works)
    found += _maximum_power(frame)
    return frame_of([_row(wrong) for wrong in found], PAGE_ERRORS)


def _row(wrong: _Wrong) -> dict[str, object]:
    right = wrong.right
    off = 100 * (wrong.given / right - 1) if right else None
    return {"table": wrong.table, "line": wrong.line, "what": wrong.what, "given": wrong.given,
            "right": right, "difference_percent": off, "why": wrong.why}  # fmt: skip


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(read_csv_text(path), newline=""))
    for cells in reader:
        yield reader.line_num, [cell.strip() for cell in cells]


def _key(name: str) -> tuple[str, float] | None:
    """Network and pruning of a name such as 'CNV-12.5%' or 'MLP 50%'."""
    matched = re.fullmatch(r"(CNV|MLP)(?:[- ]([\d.]+)%)?", name)
    if matched:
        return matched[1], float(matched[2] or 100)
    return ("MNv1", 100.0) if name in ("MobileNet V1", "MobileNetv1") else None


def _topologies(
    path: Path, networks: Published, works: dict[tuple[str, float], Work]
) -> Iterator[_Wrong]:
    per_image = {}
    requirements = path.with_name(REQUIREMENTS)
    if requirements.is_file():
        for _, cells in _lines(requirements):
            operations = qutibench.number(cells[1])
            if operations:
                per_image[re.sub(r"\W|100%", "", cells[0]).lower()] = operations * 1e9
    for line, cells in _lines(path):
        parameters, operations = (qutibench.number(cell) for cell in cells[1:3])
        if parameters is None or operations is None:
            continue
        key = _key(cells[0])
        work = works.get(key) if key else None
        image = work.operations if work else per_image.get(re.sub(r"[\W_]", "", cells[0]).lower())
        own = networks[key].parameters if key in networks and key else None
        if own and abs(parameters / own - 1) > 0.01:
            yield _Wrong(path.name, line, f"{cells[0]}: parameters", parameters, own,
                         "not those of its layers")  # fmt: skip
        if image and operations != image:
            times = operations / image
            if times > 2:
                yield _Wrong(path.name, line, f"{cells[0]}: operations", operations, image,
                             f"operations of a batch, about {times:.0f} images")  # fmt: skip
            elif work:
                yield _Wrong(path.name, line, f"{cells[0]}: operations", operations, image,
                             "two for each multiply-accumulate of its layers")  # fmt: skip


def _one_byte(path: Path, works: dict[tuple[str, float], Work]) -> Iterator[_Wrong]:
    """The roofline chart draws every data type at one byte a weight."""
    for line, cells in _lines(path):
        work = works.get(_key(cells[0]) or ("", 0.0))
        parameters, operations = (qutibench.number(cell) for cell in cells[1:3])
        if work is None or not parameters or not operations or cells[0].startswith("Mobile"):
            continue
        for data_type in ("int2", "int4", "fp16", "fp32"):
            yield _Wrong(
                "roofline chart", line, f"{cells[0]}: intensity in {data_type}",
                operations / parameters, work.intensity(data_type, "weights-per-image"),
                "drawn as if every weight took one byte",
            )  # fmt: skip


def _requirements(path: Path, works: dict[tuple[str, float], Work]) -> Iterator[_Wrong]:
    heading: list[str] = []
    sizes: dict[str, tuple[int, float]] = {}
    for line, cells in _lines(path):
        if any(cell.startswith("OI (") for cell in cells):
            heading = cells
        given = qutibench.number(cells[1])
        if given is None:
            continue
        if matched := re.fullmatch(r"(.* )([SML])", cells[0]):
            sizes[matched[2]] = (line, given)
        work = works.get(_key(cells[0]) or ("", 0.0))
        if work is None or cells[0].startswith("Mobile"):
            continue
        right = work.operations / 1e9
        if abs(given / right - 1) > 0.005:
            yield _Wrong(path.name, line, f"{cells[0]}: GOP", given, right,
                         "rounded to two decimals, and used so")  # fmt: skip
        for name, cell in zip(heading, cells, strict=False):
            data_type = data_type_of(name.removeprefix("OI (").rstrip(")"))
            value = qutibench.number(cell)
            if data_type and value:
                exact = work.intensity(data_type, "weights-per-image")
                if abs(value - exact) > max(0.006, 1e-4 * exact):
                    yield _Wrong(path.name, line, f"{cells[0]}: intensity in {data_type}", value,
                                 exact, "from a wrong number of operations")  # fmt: skip
    if set(sizes) == set("SML") and sizes["S"][1] > sizes["L"][1]:
        for small, large in (("S", "L"), ("L", "S")):
            line, given = sizes[small]
            yield _Wrong(path.name, line, f"EfficientNet Edge {small}: GOP", given,
                         sizes[large][1], "small and large have changed places")  # fmt: skip


def _accuracies(path: Path, frame: pd.DataFrame) -> Iterator[_Wrong]:
    heading: list[str] = []
    for line, cells in _lines(path):
        if not heading:
            heading = cells
        key = _key(cells[0])
        if key is None or key[0] == "MNv1":
            continue
        rows = frame[(frame["network"] == key[0]) & (frame["pruning_percent"] == key[1])]
        for name, cell in zip(heading[1:], cells[1:], strict=False):
            given = qutibench.number(cell.split("(")[0])
            own = rows.loc[rows["data_type"] == data_type_of(name), "top1_percent"].dropna()
            if given is not None and len(own) and not (own.sub(given).abs() < 0.004).any():
                near = float(own.iloc[own.sub(given).abs().argmin()])
                yield _Wrong(path.name, line, f"{cells[0]}: top-1 in {name}", given, near,
                             "no row of the measurement table has it; the nearest")  # fmt: skip


def drawn_ridge(ridge: float) -> float:
    """Where the page draws a ridge: its lines are sampled at 0.1, 1.1, 2.1 and so on."""
    return math.ceil(round(ridge - 0.1, 9)) + 0.1


def _ridges(path: Path) -> Iterator[_Wrong]:
    for line, cells in _lines(path):
        peak, bandwidth = (qutibench.number(cell) for cell in cells[1:3])
        if peak and bandwidth:
            ridge = peak / bandwidth
            yield _Wrong("roofline chart", line, f"{cells[0]}: ridge, operations a byte",
                         drawn_ridge(ridge), ridge,
                         f"drawn at the next of its samples; peak over bandwidth in {path.name}",
                         )  # fmt: skip


def _contradictions(path: Path, other: Path) -> Iterator[_Wrong]:
    """Peaks that the page's two tables of platforms give differently."""
    if not other.is_file():
        return
    table_of: dict[tuple[str, str], float] = {}
    heading: list[str] = []
    for _, cells in _lines(other):
        heading = heading or cells
        for name, cell in zip(heading[1:6], cells[1:6], strict=False):
            value = qutibench.number(cell)
            if value is not None:
                table_of[cells[0].replace("-", " ").casefold(), name] = value
    for line, cells in _lines(path):
        platform, _, data_type = cells[0].rpartition(" ")
        given, elsewhere = (
            qutibench.number(cells[1]), table_of.get((platform.casefold(), data_type)),
        )  # fmt: skip
        if given and elsewhere and not math.isclose(given, elsewhere):
            yield _Wrong(path.name, line, f"{cells[0]}: peak, TOP/s", given, None,
                         f"{other.name} says {elsewhere:g}")  # fmt: skip


def _claims(path: Path, frame: pd.DataFrame) -> Iterator[_Wrong]:
    counted = claims(path, frame)
    why = "typed by hand; measured in the table: a latency and an accuracy"
    for row in counted.to_dict("records"):
        if row["claimed"] != row["with_accuracy"]:
            yield _Wrong(path.name, row["line"], f"{row['platform']}: CNV configurations",
                         row["claimed"], row["with_accuracy"], why)  # fmt: skip
    total, right = int(counted["claimed"].sum()), int(counted["with_accuracy"].sum())
    if total != right:
        yield _Wrong(path.name, None, "all platforms: CNV configurations", total, right, why)


HEAT_MAP = (
    PLATFORM, DATA_TYPE, NETWORK, LINE, Column("page_frames_per_s", FLOAT), PEAK, BANDWIDTH
)  # fmt: skip


def page_heat_map(folder: Path) -> pd.DataFrame:
    """The page's heat map as it computes it, from its own tables; columns `HEAT_MAP`.

    Frames a second = min(peak, bandwidth x intensity) / operations, with operations and the
    intensity in INT8 rounded as in the table of requirements and the other intensities from that
    one, for the data types of which an accuracy is given.
    Platforms by the page's names; empty if one of its three tables is not in the folder.
    """
    names = (REQUIREMENTS, PLATFORMS, ACCURACIES)
    if not all((folder / name).is_file() for name in names):
        return frame_of([], HEAT_MAP)
    needs, hardware, accuracies = (_cells(folder / name) for name in names)
    rows = []
    for network, cells in needs.items():
        gop = qutibench.number(cells.get("Total OPs", ""))
        for platform, figures in hardware.items():
            bandwidth = qutibench.number(figures.get("Memory Bandwidth", ""))
            for name in ("INT2", "INT4", "INT8", "FP16", "FP32"):
                peak = qutibench.number(figures[name])
                intensity = (qutibench.number(cells["OI (INT8)"]) or 0.0) * 8 / BITS[name.lower()]
                known = accuracies.get(network, {}).get(name, "nm") != "nm"
                if peak and bandwidth and intensity and gop and known:
                    attainable = min(peak * 1e3, bandwidth * intensity)
                    rows.append({
                        "platform": platform, "data_type": data_type_of(name),
                        "network": network, "line": int(cells["line"]),
                        "page_frames_per_s": attainable / gop, "peak_gops": peak * 1e3,
                        "bandwidth_gb_s": bandwidth,
                    })  # fmt: skip
    return frame_of(rows, HEAT_MAP)


def _cells(path: Path) -> dict[str, dict[str, str]]:
    """A table by its first column and its heading, with the line of each row."""
    lines = list(_lines(path))
    heading = lines[0][1]
    return {
        cells[0]: {**dict(zip(heading[1:], cells[1:], strict=False)), "line": str(line)}
        for line, cells in lines[1:]
        if cells[0]
    }


def _heat_map(folder: Path, works: dict[tuple[str, float], Work]) -> Iterator[_Wrong]:
    for cell in page_heat_map(folder).to_dict("records"):
        key = _key(cell["network"])
        if key is None or key[0] != "CNV" or key not in works:
            continue  # the CIFAR-10 page shows CNV alone
        work = works[key]
        exact = work.intensity(cell["data_type"], "weights-per-image")
        gops = min(cell["peak_gops"], cell["bandwidth_gb_s"] * exact)
        right = frames_per_s(gops, work.operations)
        if abs(cell["page_frames_per_s"] / right - 1) > 0.01:
            where = f"{cell['platform']} {cell['data_type']}, {cell['network']}"
            yield _Wrong("heat map", None, f"{where}: frames a second", cell["page_frames_per_s"],
                         right, "from operations rounded to 0.01 GOP",
                         )  # fmt: skip


def _maximum_power(frame: pd.DataFrame) -> Iterator[_Wrong]:
    kept = qutibench.at_maximum_power(frame)
    slipped = kept[(kept["hardware"] == "TX2") & (kept["mode"] != "maxp")]
    if len(slipped):
        yield _Wrong("maximum-power filter", None, "rows at maximum power", len(kept),
                     len(kept) - len(slipped),
                     "drops modes of rows called GPU, not of those called TX2")  # fmt: skip
