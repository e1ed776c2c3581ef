"""Merge CK archives into one: the same measurement once, nothing lost, nothing guessed.

Two recordings are the same measurement if their entry's UID and their point are the same; an
alias alone proves nothing, for CK gives the same one to every sweep with the same label.  The
result depends on what the archives hold, not on the order in which they are named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nntest.archives.ck import safety
from nntest.archives.ck.contributions import ENTRY_FILES, OpenTrees, Origins, Part, Recording, scan
from nntest.archives.ck.entries import DEEPEST_META
from nntest.archives.ck.growth import has_grown
from nntest.archives.ck.read import log_warning
from nntest.archives.ck.safety import RefusedError, Warn
from nntest.archives.ck.values import dig, text, whole
from nntest.archives.ck.zipwriter import EXPERIMENT_UID, CkZip, new_ck_zip
from nntest.errors import UserError

_LONGEST_ALIAS = 200


@dataclass
class MergeReport:
    """What a merge did; the lists hold sentences for the user."""

    out: Path
    archives: int
    entries: int = 0
    points: int = 0
    recordings: int = 0
    repeated: int = 0
    """Recordings that several archives held, or held an earlier state of."""
    renamed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """Conflicting recordings that were both kept."""
    differences: list[str] = field(default_factory=list)
    """What must agree for rows to be compared, and does not."""
    not_asked_for: list[str] = field(default_factory=list)
    """Entries whose board has more repetitions than their plan asked for."""
    skipped: list[str] = field(default_factory=list)
    """Members that could not be read."""

    @property
    def remarks(self) -> list[str]:
        """Everything that a user should know of, one sentence each."""
        return [
            *(*self.renamed, *self.conflicts, *self.differences),
            *(*self.not_asked_for, *self.skipped),
        ]

    def __str__(self) -> str:
        return (
            f"{self.out}: {self.entries} entries, {self.points} points, {self.recordings} "
            f"recordings from {self.archives} archives; {self.repeated} were there more than once"
        )


def merge(
    paths: Sequence[Path], out_zip: Path, *, keep_both: bool = False, warn: Warn = log_warning
) -> MergeReport:
    """Merge archives, folders and CK repositories into the CK zip `out_zip`.

    Entries of the same UID become one, with the points of all; of a measurement that went on
    between two archives the later state is kept.  Entries of the same alias but other UIDs stay
    apart, the later one renamed.  `keep_both` turns conflicting recordings of one point into
    further sub-points of it, which readers take for further repetitions.

    Returns what was done; `warn` is given every sentence of it that a user should know of.
    Raises `UserError` for archives that cannot be read, and, unless `keep_both`, for two that
    hold different contents under one UID and point; then `out_zip` stays what it was.
    """
    report = MergeReport(out_zip, len(paths))
    origins: Origins = {}
    by_uid: dict[str, list[Part]] = {}
    for path in paths:
        parts = list(scan(path, report.skipped.append, origins))
        for part in parts:
            by_uid.setdefault(part.uid, []).append(part)
            beyond = whole(dig(part.meta, "nntest_flow", "repetitions_not_asked_for"))
            if beyond:
                report.not_asked_for.append(
                    f"{part.where}: {beyond} repetitions of earlier runs are not used, because "
                    "the study asks for fewer now; the journal keeps them"
                )
        if not parts:
            report.skipped.append(f"{path}: holds no CK experiment entry")
    aliases = _choose_aliases(by_uid, report)
    with OpenTrees() as trees, new_ck_zip(out_zip) as out:
        for uid in sorted(by_uid, key=lambda uid: aliases[uid]):
            _write_entry(out, aliases[uid], by_uid[uid], trees, keep_both, report)
    report.differences += _differences(origins)
    # In the order of the archives until here; the report is as deterministic as the zip.
    for sentences in (report.renamed, report.conflicts, report.not_asked_for, report.skipped):
        sentences.sort()
    for sentence in report.remarks:
        warn(sentence)
    return report


# -- names ---------------------------------------------------------------------------------


def _choose_aliases(by_uid: dict[str, list[Part]], report: MergeReport) -> dict[str, str]:
    """An alias for each UID that no other has, on any file system."""
    # A merged archive may have renamed the entry: the shortest name is the one it began with.
    wanted = {
        uid: min((part.alias for part in parts), key=lambda alias: (len(alias), alias))
        for uid, parts in by_uid.items()
    }
    since = {uid: min(part.since for part in parts) for uid, parts in by_uid.items()}
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for uid in sorted(by_uid, key=lambda uid: (since[uid], uid)):
        alias = wanted[uid]
        key = safety.same_on_some_system(alias)
        if key in taken or len(alias.encode()) > _LONGEST_ALIAS:
            alias = _shortened(wanted[uid], _LONGEST_ALIAS) + "-" + uid
            where = sorted(part.where for part in by_uid[uid])[0]
            report.renamed.append(
                f"{where}: entry {uid} is renamed to {alias}: another entry has its alias"
                if key in taken
                else f"{where}: entry {uid} is renamed to {alias}: its alias is too long"
            )
            key = safety.same_on_some_system(alias)
        taken.add(key)
        chosen[uid] = alias
    return chosen


def _shortened(alias: str, longest: int) -> str:
    return alias.encode()[:longest].decode(errors="ignore")


# -- entries -------------------------------------------------------------------------------


def _write_entry(
    out: CkZip,
    alias: str,
    parts: list[Part],
    trees: OpenTrees,
    keep_both: bool,
    report: MergeReport,
) -> None:
    # The newest state first; the digest decides between equals, never the archive's name.
    parts = sorted(parts, key=lambda part: (part.stamp, len(part.points), part.digest))
    parts.reverse()
    folder = out.begin_entry(alias, parts[0].uid)
    points = sorted({point for part in parts for point in part.points})
    kept: dict[str, dict[int, Recording]] = {}
    for point in points:
        kept[point] = _write_point(out, folder, point, parts, trees, keep_both, report)
    for name in ENTRY_FILES:
        data = _first_readable(parts, name, trees)
        if data is not None:
            out.add(folder + name, data)
    out.add_json(folder + ".cm/info.json", _info(parts, alias, trees))
    out.add_json(folder + ".cm/meta.json", _meta(parts[0].meta, kept))
    report.entries += 1
    report.points += len(points)
    report.recordings += sum(len(recordings) for recordings in kept.values())


def _first_readable(parts: list[Part], name: str, trees: OpenTrees) -> bytes | None:
    for part in parts:
        tree = trees[part.path]
        if tree.has(part.name(name)):
            try:
                return tree.read(part.name(name))
            except RefusedError:
                continue  # reported when it was scanned
    return None


def _info(parts: list[Part], alias: str, trees: OpenTrees) -> dict[str, Any]:
    info: dict[str, Any] = {}
    data = _first_readable(parts, ".cm/info.json", trees)
    if data is not None:
        try:
            info = safety.parse_object(data, DEEPEST_META)
        except RefusedError:
            info = {}
    return {
        **info,
        "backup_data_uid": parts[0].uid,
        "backup_module_uid": EXPERIMENT_UID,
        "backup_module_uoa": "experiment",
        "data_name": alias,
    }


def _meta(meta: dict[str, Any], kept: dict[str, dict[int, Recording]]) -> dict[str, Any]:
    """The entry's meta, with how many points it has now and where they came from."""
    origins = {
        f"{point}.{number:04d}": recording.origin
        for point, recordings in kept.items()
        for number, recording in recordings.items()
    }
    main = min(origins.values(), default="")
    others = {name: origin for name, origin in origins.items() if origin != main}
    merged: dict[str, Any] = {"archive": main}
    if others:
        merged["archive_of"] = others
    return {**meta, "points": str(len(kept)), "nntest_flow_merge": merged}


# -- points --------------------------------------------------------------------------------


def _write_point(
    out: CkZip,
    folder: str,
    point: str,
    parts: list[Part],
    trees: OpenTrees,
    keep_both: bool,
    report: MergeReport,
) -> dict[int, Recording]:
    """Write one point out of all archives that have it; returns its recordings by number."""
    having = [part for part in parts if point in part.points]
    if len(having) > 1:
        having.sort(key=lambda part: _order_of_point(part, point, trees))
    kept: dict[int, tuple[Part, Recording]] = {}
    for part in having:
        _add_recordings(kept, part, point, trees, keep_both, report)
    for number, (part, recording) in sorted(kept.items()):
        out.add(f"{folder}ckp-{point}.{number:04d}.json", _read_again(trees, part, recording))
    written: set[str] = set()
    for part in having:
        for name in part.companions.get(point, []):
            data = None if name in written else _first_readable([part], name, trees)
            if data is not None:
                out.add(folder + name, data)
                written.add(name)
    return {number: recording for number, (_, recording) in kept.items()}


def _read_again(trees: OpenTrees, part: Part, recording: Recording) -> bytes:
    try:
        return trees[part.path].read(recording.file)
    except RefusedError as error:
        raise UserError(f"{part.path}: changed while it was read ({error})") from None


def _order_of_point(
    part: Part, point: str, trees: OpenTrees
) -> tuple[int, list[int], list[int], str]:
    """Sorts archives by what they hold of a point, the fullest first, and by nothing else."""
    digest = hashlib.sha256()
    sizes = []
    for recording in part.points[point]:
        digest.update(recording.digest.encode())
        sizes.append(-len(_read_again(trees, part, recording)))
    for name in part.companions.get(point, []):
        digest.update(name.encode() + (_first_readable([part], name, trees) or b""))
    numbers = [recording.number for recording in part.points[point]]
    return -len(numbers), sizes, numbers, digest.hexdigest()


def _add_recordings(
    kept: dict[int, tuple[Part, Recording]],
    part: Part,
    point: str,
    trees: OpenTrees,
    keep_both: bool,
    report: MergeReport,
) -> None:
    for recording in part.points[point]:
        same = [
            number
            for number, (held_by, held) in kept.items()
            if held.digest == recording.digest and held_by is not part
        ]
        if same:
            report.repeated += 1
            number = same[0]
            held_by, held = kept[number]
            first = min(held.origin, recording.origin)
            kept[number] = (held_by, Recording(held.number, held.digest, first, held.file))
            continue
        if recording.number not in kept:
            kept[recording.number] = (part, recording)
            continue
        held_by, held = kept[recording.number]
        here = safety.parse_object(_read_again(trees, part, recording))
        there = safety.parse_object(_read_again(trees, held_by, held))
        if has_grown(here, there):
            report.repeated += 1
        elif has_grown(there, here):
            kept[recording.number] = (part, recording)
            report.repeated += 1
        elif keep_both:
            number = max(kept) + 1
            kept[number] = (part, recording)
            report.conflicts.append(_conflict(part, held_by, point) + f"; kept as {number:04d}")
        else:
            raise UserError(
                _conflict(part, held_by, point),
                "leave one of the two out, or keep both as repetitions (merge: keep-both; "
                "--keep-both on the command line)",
            )


def _conflict(part: Part, other: Part, point: str) -> str:
    first, second = sorted((str(part.path), str(other.path)))
    return (
        f"{first} and {second} hold different measurements under one name: "
        f"entry {part.alias} ({part.uid}), point {point}"
    )


# -- what must agree -----------------------------------------------------------------------


def _differences(origins: Origins) -> Iterable[str]:
    for (kind, name), values in sorted(origins.items()):
        if len(values) > 1:
            said = "; ".join(
                f"{text(value, 80)} in {', '.join(sorted(archives))}"
                for value, archives in sorted(values.items())
            )
            yield f"the {kind} '{name}' is not the same everywhere: {said}"
