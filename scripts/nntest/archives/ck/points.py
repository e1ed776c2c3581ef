"""What one CK point is about: operator, tensor, tuner, library, platform, device.

CK's own reader of the 2018 study took the operator from a fixed suffix of the program's name and
the library from a fixed tag; here every program and library of CK-NNTest is kept apart, and
whatever an entry lacks is left empty and the reading continues.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from nntest.archives.ck.choices import Choices, Settings
from nntest.archives.ck.entries import UID, Entry, SubPoint
from nntest.archives.ck.mobilenets import layout_of, method_of, network_of
from nntest.archives.ck.platforms import Platforms, clean
from nntest.archives.ck.safety import Warn
from nntest.archives.ck.values import dig, mapping, objects, text, truth, whole
from nntest.domain.network_points import CORE_SET
from nntest.domain.tensor_suffixes import suffix_variables
from nntest.domain.tensors import (
    DATA_TYPE_SUFFIXES,
    LARGEST_SIZE,
    NETWORK,
    OPERATOR_SPECIES,
    SPECIES,
    Tensor,
    plain_operator,
)
from nntest.errors import UserError

OwnProfile = Literal["energy", "accuracy", "streams", "sustained"]
Profile = Literal["", "device"] | OwnProfile
"""What a point's runs are: timed alone; watched by its OpenCL device, launches or counters; watched
by power meters; classifying images; requests in parallel streams; a sustained run in windows."""

TUNERS = ("NONE", "DEFAULT", "CUSTOM", "BIFROST")

_BACKENDS = ("armcl", "caffe", "tensorflow", "pytorch", "opencl", "tvm", "mxnet")
_BATCH_SIZE = ("CK_IN_SHAPE_N", "CK_BATCH_SIZE")
_DATA_SET = (
    "choices.dataset_file", "choices.dataset_uid", "choices.dataset_uoa", "CK_DATASET_FILENAME",
)  # fmt: skip
"""Where a shape comes from: its values count, whoever lists them."""
_TIME_TAG = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)?\Z|\d{14}\Z")


@dataclass(frozen=True)
class ArchivedPoint:
    """One recording of a point, understood: columns of its rows that all repetitions share."""

    entry: Entry
    subpoint: SubPoint
    content: dict[str, Any]
    columns: dict[str, Any]
    """platform, board, library, ... by their names in the measurement table."""
    tensor: Tensor | None
    synthetic: bool
    settings: Settings
    """What it was asked for besides, which no column says."""
    profile: Profile
    """What watched it: its times are then not plain times."""
    streams: int | None = None
    """How many requests it took at once."""

    @property
    def profiled(self) -> bool:
        """Whether something watched it."""
        return self.profile != ""

    @property
    def repetitions(self) -> list[dict[str, Any]]:
        """``characteristics_list``, one item per repetition."""
        return objects(self.content, "characteristics_list")


def _profile(choices: Choices) -> Profile:
    ours = choices.get("nntest_profile")
    for profile in get_args(OwnProfile):
        if ours == profile:
            return cast(OwnProfile, profile)
    # CK writes "no" into points that were not profiled, and once had no such key.
    return "device" if "yes" in (choices.get("dvdt_prof"), choices.get("mali_hwc")) else ""


class Interpreter:
    """Works out what recordings are about; never raises, whatever they hold.

    What all points of an entry or of a machine share is worked out once.
    """

    def __init__(self, platforms: Platforms, warn: Warn) -> None:
        self._platforms, self._warn = platforms, warn
        self._entry: Entry | None = None
        self._features: Any = None
        self._machine: dict[str, Any] = {}
        self._programs: dict[str, dict[str, str]] = {}
        self._odd_tuners: set[str] = set()
        self._not_understood: set[str] = set()

    def point(self, entry: Entry, subpoint: SubPoint, content: dict[str, Any]) -> ArchivedPoint:
        """A recording, understood."""
        if entry is not self._entry:
            self._entry, self._features = entry, None
            self._programs, self._odd_tuners = {}, set()
        choices = Choices(content)
        program = _program(entry, choices)
        if program not in self._programs:
            self._programs[program] = _program_columns(entry, program)
        work, tensor = _work(choices, self._programs[program], _is_ours(entry))
        if not work["tensor"]:
            work["tensor"] = f"point {subpoint.point}"
            self._say_that_it_is_not_understood(entry, program)
        columns: dict[str, Any] = {
            **self._machine_columns(entry, content.get("features")),
            **work,
            "tuner": self._tuner(choices, entry),
            "threads": choices.take(("NNTEST_THREADS",), whole),
            "cores": choices.take((CORE_SET,), text) or None,
            "archive": origin_of(entry, subpoint),
            "entry": entry.uid,
            "point": subpoint.point,
            "subpoint": subpoint.number,
        }
        streams = choices.take(("NNTEST_STREAMS",), whole)
        profile = _profile(choices)
        if profile:
            choices.understood(["NNTEST_LOOP_S"])
        return ArchivedPoint(
            entry,
            subpoint,
            content,
            columns,
            tensor,
            synthetic="synthetic" in text(choices.get("dataset_uoa")),
            settings=(("program", program), *choices.settings()),
            profile=profile,
            streams=streams,
        )

    def _machine_columns(self, entry: Entry, features: Any) -> dict[str, Any]:
        """Platform, board and device; the same object of features says the same again."""
        if features is None or features is not self._features:
            flow = mapping(entry.meta, "nntest_flow")
            platform, board = self._platforms.look_up(
                _models(entry, features),
                text(dig(flow, "platform", "name")),
                text(flow.get("board")),
                entry.tree.path.name,
            )
            device = mapping(features, "gpgpu", 0, "gpgpu_misc")
            self._machine = {
                "platform": platform,
                "board": board,
                "emulated": truth(flow.get("emulated")),
                "device": text(dig(features, "gpgpu", 0, "gpgpu", "name")),
                "driver": text(device.get("software (driver) version")),
            }
            self._features = features
        return self._machine

    def _say_that_it_is_not_understood(self, entry: Entry, program: str) -> None:
        if program not in self._not_understood:
            self._not_understood.add(program)
            self._warn(
                f"{entry.where}: its variables do not say what {program or 'its program'} "
                "computes: each of its points has a row of its own"
            )

    def _tuner(self, choices: Choices, entry: Entry) -> str:
        tuner = choices.take(("CK_LWS_TUNER_TYPE",), text) or "NONE"
        # Ours have libraries whose settings have names of their own.
        if tuner in TUNERS or _is_ours(entry):
            return tuner
        # The programs compare the name as it stands, and run untuned with any other.
        if tuner not in self._odd_tuners:
            self._odd_tuners.add(tuner)
            self._warn(f"{entry.where}: unknown tuner '{tuner}': read as NONE")
        return "NONE"


def _program_columns(entry: Entry, program: str) -> dict[str, str]:
    operator, species = operator_of(program)
    return {
        "library": _library(entry, program),
        "operator": operator,
        "program": program,
        "species": species or text(dig(entry.meta, "meta", "species")),
    }


def _work(
    choices: Choices, program: dict[str, str], ours: bool
) -> tuple[dict[str, Any], Tensor | None]:
    """(columns, tensor) of what a program was asked to compute."""
    columns: dict[str, Any] = dict(program)
    tensor, columns["tensor"] = _tensor(program["species"], choices)
    if not ours:  # whose programs and libraries' tags say the same
        network = network_of(choices)
        if network is not None:
            columns["species"], columns["tensor"], tensor = NETWORK, network, None
            choices.understood(_DATA_SET)
        method = method_of(choices, program["program"]) if network is not None else None
        columns["operator"] = with_ways(program["operator"], method, layout_of(choices))
    batch = choices.take(_BATCH_SIZE, _batch_size)
    if batch is None and not choices.env.keys() & set(_BATCH_SIZE):
        batch = 1
    shape = tensor.in_shape if tensor else (None, None, None)
    columns["batch_size"] = columns["in_shape_n"] = batch
    columns["in_shape_c"], columns["in_shape_h"], columns["in_shape_w"] = shape
    return columns, tensor


def _batch_size(value: Any) -> int | None:
    number = whole(value)
    return number if number is not None and 1 <= number <= LARGEST_SIZE else None


def with_ways(operator: str, *ways: str | None) -> str:
    """An operator and ways to compute it, before its data type: conv-nhwc-uint8."""
    plain = plain_operator(operator)
    return "-".join([plain, *filter(None, ways)]) + operator.removeprefix(plain)


def operator_of(program: str) -> tuple[str, str]:
    """(operator, species) of a program's name, for every backend of CK-NNTest.

    conv-armcl-opencl and conv-caffe-cpu are both conv; conv-armcl-opencl-uint8 is conv-uint8,
    since its times do not compare with fp32.  The species is "" for what is not an operator.
    """
    parts = program.split("-")
    suffix = next((f"-{kind}" for kind in DATA_TYPE_SUFFIXES if kind in parts), "")
    if parts[0] in OPERATOR_SPECIES:
        return parts[0] + suffix, OPERATOR_SPECIES[parts[0]]
    for index, part in enumerate(parts[1:], 1):
        if part in _BACKENDS:
            return "-".join(parts[:index]) + suffix, ""
    return program, ""


def origin_of(entry: Entry, subpoint: SubPoint) -> str:
    """Name of the file that a recording came from; a merged archive remembers its parts."""
    merged = mapping(entry.meta, "nntest_flow_merge")
    if not merged:
        return entry.tree.path.name
    others = mapping(merged, "archive_of")
    origin = others.get(f"{subpoint.point}.{subpoint.number:04d}", merged.get("archive"))
    return text(origin) or entry.tree.path.name


def _is_ours(entry: Entry) -> bool:
    return "nntest_flow" in entry.meta


def _program(entry: Entry, choices: Choices) -> str:
    choices.understood(("choices.data_uoa",))
    named = text(choices.get("data_uoa"))
    if named and not UID.match(named):
        return named
    return text(dig(entry.meta, "meta", "prog_uoa")) or named


def _tensor(species: str, choices: Choices) -> tuple[Tensor | None, str]:
    """(tensor, its name), by the variables, else by the name of the data set's file."""
    dataset = text(choices.get("dataset_file"))
    name = dataset.removeprefix("test-").removeprefix("shape-")
    if species not in SPECIES:
        choices.understood(("choices.dataset_file",))
        return None, name
    keys = (*SPECIES[species].keys, *suffix_variables(species))
    try:
        found = _from_values(species, tuple([choices.env.get(key) for key in keys]))
    except TypeError:  # a list or an object where a number should be
        found = None
    if found:
        choices.understood((*keys, *_DATA_SET))
        return found
    named = _from_name(species, name)
    if not named:
        choices.understood(("choices.dataset_file", "CK_DATASET_FILENAME"))
        return None, name
    values = named[0].env().items()
    choices.understood(key for key, value in values if str(choices.env.get(key)) == value)
    choices.understood(_DATA_SET)
    return named


@lru_cache(maxsize=4096)
def _from_values(species: str, values: tuple[Any, ...]) -> tuple[Tensor, str] | None:
    keys = (*SPECIES[species].keys, *suffix_variables(species))
    said = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    try:
        tensor = Tensor.from_env(species, said)
    except UserError:
        return None
    return (tensor, tensor.name) if tensor else None


@lru_cache(maxsize=4096)
def _from_name(species: str, name: str) -> tuple[Tensor, str] | None:
    """The tensor of a name, if its values can be: a stride of 0 has no business in a formula."""
    try:
        tensor = Tensor.parse(species, name)
    except UserError:
        return None
    return tensor, tensor.name


def _library(entry: Entry, program: str) -> str:
    """The library's tag: what is left of the tags, or made from the meta as CK makes it."""
    species = text(dig(entry.meta, "meta", "species"))
    taken = {"nntest", program, species, *SPECIES, *OPERATOR_SPECIES}
    if "nntest" in entry.tags:
        left = [
            tag
            for tag in entry.tags
            if tag not in taken and "," not in tag and not _TIME_TAG.match(tag)
        ]
        # Tags that a user added are not in the alias, the library's tag is.
        left = [tag for tag in left if f"-{tag}-" in f"{entry.alias}-"] or left
        if left:
            return text(left[0])
    library = mapping(entry.meta, "meta", "deps_summary", "library")
    name, version = text(library.get("data_name")), text(library.get("version"))
    if name:
        tag = re.sub(r"[,/ ]+", "-", re.sub(r"[()\[\]]", "", name.lower()))
        return f"{tag}-{version}" if version else tag
    return text(dig(entry.meta, "meta", "library_name"))


def _models(entry: Entry, features: Any) -> list[str]:
    """What the platform is called, the most telling first; "" where it is not said."""
    names = (
        dig(features, "platform", "platform", "model"),
        dig(features, "platform", "platform", "name"),
        dig(entry.meta, "meta", "plat_name"),
    )
    return [text(clean(name)) for name in names]
