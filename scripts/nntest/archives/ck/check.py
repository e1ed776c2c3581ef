"""Check an archive against CK's format, with complaints that name member, line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nntest.archives.ck import safety
from nntest.archives.ck.entries import POINT_FILE, SUBPOINT_FILE, UID, Entry, find_entries
from nntest.archives.ck.locate import line_of
from nntest.archives.ck.points import TUNERS, operator_of
from nntest.archives.ck.safety import RefusedError, printable
from nntest.archives.ck.trees import Tree, open_tree
from nntest.archives.ck.values import dig, mapping, positive, text, truth
from nntest.archives.ck.zipwriter import EXPERIMENT_UID
from nntest.domain.tensors import NETWORK, SCHEDULE, SPECIES, Tensor
from nntest.errors import UserError

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Complaint:
    """One thing that is not as CK writes it."""

    severity: str
    """error: CK or the tables get it wrong; warning: they do without it."""
    archive: Path
    member: str
    """"" for the archive as a whole."""
    line: int
    """From 1; 0 for the member as a whole."""
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.archive}"
        if self.member:
            place += f": {printable(self.member)}"
        if self.line:
            place += f":{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.message}"


def check(path: Path) -> Iterator[Complaint]:
    """Complaints about an archive, a folder of entries or a CK repository, in its order.

    Raises `UserError` if `path` is neither, or is refused as a whole.
    """
    warnings: list[str] = []
    with open_tree(path, warnings.append) as tree:
        count = 0
        for entry in find_entries(tree, warnings.append):
            count += 1
            # An unreadable meta is complained of below, with its line.
            meta = printable(entry.path(".cm/meta.json"))
            yield from _from_warnings(path, [said for said in warnings if meta not in said])
            warnings.clear()
            yield from _check_entry(tree, entry)
        yield from _from_warnings(path, warnings)
        if not count:
            yield Complaint(ERROR, path, "", 0, 0, "holds no CK experiment entry")


def _from_warnings(path: Path, warnings: list[str]) -> Iterator[Complaint]:
    for sentence in warnings:
        member, _, reason = sentence.removeprefix(f"{path}: ").partition(": skipped: ")
        yield Complaint(ERROR, path, member if reason else "", 0, 0, reason or member)


class _Member:
    """A JSON member, and complaints about places in it."""

    def __init__(self, tree: Tree, name: str) -> None:
        self.tree, self.name = tree, name
        self.value: Any = None
        self._text = ""

    def load(self) -> Iterator[Complaint]:
        """Read it; what is wrong with it as JSON is the only complaint then."""
        try:
            data = self.tree.read(self.name)
            self.value = safety.parse_object(data)
            self._text = data.decode("utf-8-sig")
        except RefusedError as error:
            yield Complaint(ERROR, self.tree.path, self.name, error.line, error.column, str(error))

    def complain(
        self, severity: str, message: str, *path: str | int, absent: bool = False
    ) -> Complaint:
        """A complaint about the value at `path`; `absent`: about its not being there."""
        line, column = line_of(self._text, path)
        if absent:
            message = f"{_dotted(path)} is missing"
        return Complaint(severity, self.tree.path, self.name, line, column, message)


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


# -- entries -------------------------------------------------------------------------------


def _check_entry(tree: Tree, entry: Entry) -> Iterator[Complaint]:
    yield from _check_alias(tree, entry)
    subpoints = entry.subpoints()
    points = {subpoint.point for subpoint in subpoints}
    yield from _check_meta(tree, entry, len(points))
    yield from _check_info(tree, entry)
    for name in sorted(tree.files(entry.folder)):
        if not name.startswith("ckp-") or SUBPOINT_FILE.match(name):
            continue
        match = POINT_FILE.match(name)
        message = "not a name that CK gives to a point's file"
        if match and match[1] not in points:
            message = "belongs to a point that has no recording (ckp-*.0001.json)"
        if not match or match[1] not in points:
            yield Complaint(WARNING, tree.path, entry.path(name), 0, 0, message)
    if not subpoints:
        yield Complaint(WARNING, tree.path, entry.folder, 0, 0, "the entry has no point")
    for subpoint in subpoints:
        member = _Member(tree, subpoint.file)
        yield from member.load()
        if member.value is not None:
            yield from _check_recording(member, entry, subpoint.point)


def _check_alias(tree: Tree, entry: Entry) -> Iterator[Complaint]:
    """Both alias pairs, without which CK calls the entry inconsistent."""
    folder, _, _ = entry.folder.rpartition("/")
    if not entry.uid:
        yield Complaint(ERROR, tree.path, entry.folder, 0, 0, "the entry has no UID")
    if not entry.folder or folder.rpartition("/")[2] != "experiment":
        message = "no alias files: readable here, but CK expects them in a repository"
        yield Complaint(WARNING, tree.path, entry.folder, 0, 0, message)
        return
    root = folder.removesuffix("experiment")
    pairs = {
        f"{root}.cm/alias-a-experiment": EXPERIMENT_UID,
        f"{root}.cm/alias-u-{EXPERIMENT_UID}": "experiment",
    }
    if not UID.match(entry.alias):
        pairs[f"{folder}/.cm/alias-a-{entry.alias}"] = entry.uid
        pairs[f"{folder}/.cm/alias-u-{entry.uid}"] = entry.alias
    for name, wanted in pairs.items():
        try:
            said = tree.read(name).decode("utf-8", "replace").strip()
        except RefusedError:
            message = "alias file missing: CK calls the entry inconsistent"
            yield Complaint(ERROR, tree.path, name, 0, 0, message)
            continue
        if said != wanted:
            message = f"says '{printable(said)}', not '{printable(wanted)}'"
            yield Complaint(ERROR, tree.path, name, 1, 1, message)


def _check_meta(tree: Tree, entry: Entry, points: int) -> Iterator[Complaint]:
    member = _Member(tree, entry.path(".cm/meta.json"))
    yield from member.load()
    if member.value is None:
        return
    tags = member.value.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        yield member.complain(
            ERROR, "tags is not a list of texts: CK's search does not find the entry", "tags"
        )
    elif "nntest" not in tags:
        message = "no tag 'nntest': CK-NNTest does not find the entry"
        yield member.complain(WARNING, message, "tags")
    said = member.value.get("points")
    if said is not None and said != str(points):
        message = f"points says {said!r}, but {points} have a recording"
        yield member.complain(WARNING, message, "points")
    if not isinstance(member.value.get("meta"), dict):
        yield member.complain(WARNING, "", "meta", absent=True)


def _check_info(tree: Tree, entry: Entry) -> Iterator[Complaint]:
    member = _Member(tree, entry.path(".cm/info.json"))
    yield from member.load()
    if member.value is None:
        return
    wanted = {"backup_data_uid": entry.uid, "backup_module_uid": EXPERIMENT_UID}
    for key, value in wanted.items():
        if member.value.get(key) != value:
            yield member.complain(WARNING, f"{key} is not '{value}'", key)


# -- recordings ----------------------------------------------------------------------------


def _check_recording(member: _Member, entry: Entry, point: str) -> Iterator[Complaint]:
    for key, kind in (("features", dict), ("choices", dict), ("characteristics_list", list)):
        value = member.value.get(key)
        if value is None:
            yield member.complain(ERROR, "", key, absent=True)
        elif not isinstance(value, kind):
            yield member.complain(ERROR, f"{key} is of the wrong kind", key)
    yield from _check_choices(member)
    platform = mapping(member.value, "features", "platform", "platform")
    if not text(platform.get("model")) and not text(platform.get("name")):
        message = "no platform model and no name: no board file can match it"
        yield member.complain(WARNING, message, "features", "platform", "platform")
    items = member.value.get("characteristics_list")
    if isinstance(items, list):
        if not items:
            yield member.complain(ERROR, "no repetition at all", "characteristics_list")
        for index in range(len(items)):
            yield from _check_repetition(member, index, entry, point)


def _check_choices(member: _Member) -> Iterator[Complaint]:
    choices = mapping(member.value, "choices")
    if not choices:
        return
    program = text(choices.get("data_uoa"))
    if not program:
        yield member.complain(ERROR, "", "choices", "data_uoa", absent=True)
    if not isinstance(choices.get("env"), dict):
        yield member.complain(ERROR, "", "choices", "env", absent=True)
        return
    env = mapping(choices, "env")
    tuner = env.get("CK_LWS_TUNER_TYPE", "NONE")
    _, species = operator_of(program)
    if tuner not in (*TUNERS, *([SCHEDULE] if species == NETWORK else [])):
        message = f"unknown tuner {tuner!r}: it ran as NONE"
        yield member.complain(WARNING, message, "choices", "env", "CK_LWS_TUNER_TYPE")
    if species not in SPECIES:
        return
    for key in (*SPECIES[species].keys, "CK_IN_SHAPE_N"):
        if key not in env and (species, key) != ("gemm", "CK_IN_SHAPE_N"):
            yield member.complain(WARNING, "", "choices", "env", key, absent=True)
    yield from _check_tensor(member, species, env, text(choices.get("dataset_file")))


def _check_tensor(
    member: _Member, species: str, env: dict[str, Any], dataset: str
) -> Iterator[Complaint]:
    try:
        tensor = Tensor.from_env(species, env)
        if tensor is None:
            return
        named = Tensor.parse(species, dataset) if dataset else tensor
    except UserError as error:
        yield member.complain(ERROR, error.message, "choices", "env")
        return
    if named.name != tensor.name:
        message = f"dataset_file says tensor {named.name}, its variables {tensor.name}"
        yield member.complain(WARNING, message, "choices", "dataset_file")


def _check_repetition(member: _Member, index: int, entry: Entry, point: str) -> Iterator[Complaint]:
    at: tuple[str | int, ...] = ("characteristics_list", index)
    item = member.value["characteristics_list"][index]
    if not isinstance(dig(item, "run"), dict):
        yield member.complain(ERROR, "", *at, "run", absent=True)
        return
    run = mapping(item, "run")
    complain: Callable[..., Complaint] = member.complain
    if not run:
        reason = dig(item, "nntest_flow", "reason") or entry.fail_reason(point)
        if not reason:
            yield complain(WARNING, "aborted without a reason", *at, "run")
        return
    success = truth(run.get("run_success"))
    if success is None:
        yield complain(WARNING, "run_success is neither 'yes' nor 'no'", *at, "run")
    elif success is False and not text(run.get("fail_reason")):
        yield complain(WARNING, "failed without a reason", *at, "run", "run_success")
    if success and positive(run.get("execution_time_kernel_1")) is None:
        time_key = "execution_time_kernel_1"
        if positive(run.get("prediction_time_avg_s")) is None:
            yield complain(ERROR, f"{time_key} is not a time above 0", *at, "run", time_key)
