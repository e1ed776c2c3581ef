"""Write what a sweep measured as one zip of Collective Knowledge (CK) entries.

`write_zip(plan, lines, path)` turns a plan and the journal of its runs into what ``ck zip``
would have written: one experiment entry per program, one point per point of the plan, one item
of ``characteristics_list`` per repetition.  Real CK adds, searches and lists such a zip, and the
2018 study's notebook reads it.

What CK has no place for (status, reason, device state, which process ran a repetition...) is kept
under one key of our own, ``nntest_flow``, in the entry's meta and in each repetition, so that the
zip alone says everything that the tables need.

The bytes depend on the plan and the journal alone: no clock, no random number, fixed order.
Runs on boards: standard library only, Python 3.5.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
import zipfile

from ck_points import (
    HOST_OS,
    PROGRAM_MODULE_UID,
    about_sweep,
    dataset,
    pipeline_state,
    recording,
    text,
)
from device_state import without_constant_zones
from outcomes import OK, most
from private import public

FORMAT_VERSION = 1
"""Version of what is written under ``nntest_flow``."""

EXPERIMENT_UID = "bc0409fb61f0aa82"  # CK's own UIDs: of module "experiment",
NNTEST_MODULE_UID = "38b4f1dcda465782"  # of module "nntest" (the scenario),
SUBVIEW_UID = "2f624734962d2523"  # and of the view that shows nntest's results.

_LONGEST_ALIAS = 200  # with "alias-a-" before it, below the 255 bytes that file systems allow
_UID = re.compile(r"[0-9a-f]{16}\Z")


def write_zip(plan, lines, path):
    """Write the CK zip of `plan` and its journal `lines` to `path`, atomically.

    plan: the sweep's plan, as in plan.json.
    lines: the journal's lines as dicts, in the order of writing, its header line among them.
        Of two lines about the same repetition the later one counts.  Lines of points that the
        plan does not have are left out, and repetitions beyond those that it asks for: an earlier
        plan asked for more, and points would differ in their number.
    path: the zip to write; what was there is replaced only when the new one is complete.

    Returns {"path", "sha256", "bytes", "entries": [{"alias", "uid", "program", "points",
    "repetitions", "failed"}], "points", "repetitions", "failed", "ignored_lines"}; repetitions
    counts those that succeeded and failed the points with one that did not.
    Raises OSError if `path` cannot be written.
    """
    journal, by_point, ignored = _sort_lines(plan, without_constant_zones(lines))
    beyond = _take_out_what_is_beyond(plan, by_point)
    by_program = {}
    for point in plan["points"]:
        if by_point.get(point["id"]):
            by_program.setdefault(point["program"], []).append(point)

    summary = {"path": path, "entries": [], "ignored_lines": ignored}
    with _replacing(path) as new, zipfile.ZipFile(new, "w") as archive:
        _add(archive, ".cm/alias-a-experiment", EXPERIMENT_UID + "\n")
        _add(archive, ".cm/alias-u-" + EXPERIMENT_UID, "experiment\n")
        entries = sorted((entry_alias(plan, name), name) for name in by_program)
        for alias, program in entries:
            points = sorted(by_program[program], key=lambda point: point_uid(point["id"]))
            entry = _write_entry(archive, plan, journal, alias, points, by_point, beyond)
            summary["entries"].append(entry)
    for key in ("points", "repetitions", "failed"):
        summary[key] = sum(entry[key] for entry in summary["entries"])
    summary["sha256"], summary["bytes"] = _sum_of_file(path)
    return summary


def entry_alias(plan, program):
    """Alias of the entry of `program`: nntest-<program>-<library tag>-<label>, as CK names it."""
    ck = plan["ck"]
    alias = "-".join(["nntest", program, ck["library_tag"], ck["label"]])
    alias = re.sub(r"[^A-Za-z0-9._-]+", "-", alias)
    if len(alias) > _LONGEST_ALIAS:
        alias = alias[: _LONGEST_ALIAS - 17] + "-" + _hex16(alias)
    return alias


def entry_uid(alias, journal):
    """UID of an entry (16 hexadecimal digits), the same as long as the journal is the same.

    A later zip of a journal that has grown is thus the same entry with more in it, while a
    measurement begun anew is another entry.
    """
    return _hex16(alias + "\n" + journal)


def point_uid(point_id):
    """The plan's id of a point as CK wants it: 16 hexadecimal digits."""
    return point_id if _UID.match(point_id) else _hex16(point_id)


# -- reading the journal -------------------------------------------------------------------


def _sort_lines(plan, lines):
    """(journal id, {point id: {repetition: line}}, how many lines belong to no point)."""
    known = {point["id"] for point in plan["points"]}
    journal = first = None
    by_point = {}
    ignored = 0
    for line in lines:
        first = first or line
        if "journal" in line:
            journal = journal or line["journal"]
        elif line.get("point") in known and isinstance(line.get("repetition"), int):
            by_point.setdefault(line["point"], {})[line["repetition"]] = line
        elif "process_of" not in line:
            ignored += 1
    if not journal:  # its header is damaged: the first line that is left stands for it
        journal = _hex16(json.dumps(first, sort_keys=True))
    return journal, by_point, ignored


def _take_out_what_is_beyond(plan, by_point):
    """Take repetitions out that the plan does not ask for; {point id: how many}."""
    beyond = {}
    for point in plan["points"]:
        lines = by_point.get(point["id"], {})
        for repetition in [one for one in lines if one >= most(point)]:
            del lines[repetition]
            beyond[point["id"]] = beyond.get(point["id"], 0) + 1
    return beyond


# -- entries -------------------------------------------------------------------------------


def _write_entry(archive, plan, journal, alias, points, by_point, beyond):
    uid = entry_uid(alias, journal)
    program = points[0]["program"]
    shared = _as_it_is if plan["ck"].get("share") == "full" else public
    _add(archive, "experiment/.cm/alias-a-" + alias, uid + "\n")
    _add(archive, "experiment/.cm/alias-u-" + uid, alias + "\n")
    folder = "experiment/" + alias + "/"
    _add(archive, folder + ".cm/desc.json", "{}\n")
    _add(archive, folder + ".cm/info.json", _pretty(_info(plan, alias, uid)))
    _add(archive, folder + ".cm/meta.json", _pretty(shared(_meta(plan, journal, points, beyond))))
    repetitions = failed = 0
    for point in points:
        lines = [line for _, line in sorted(by_point[point["id"]].items())]
        name = folder + "ckp-" + point_uid(point["id"])
        _add(archive, name + ".0001.json", _compact(shared(recording(plan, point, lines))))
        bad = [line for line in lines if line["status"] != OK]
        repetitions += len(lines) - len(bad)
        if bad:
            failed += 1
            _add(archive, name + ".flat.json", _compact(shared(pipeline_state(point, bad[0]))))
    return {
        "alias": alias,
        "uid": uid,
        "program": program,
        "points": len(points),
        "repetitions": repetitions,
        "failed": failed,
    }


def _control(plan):
    return {
        "engine": "nntest-flow",
        "iso_datetime": _timestamp(plan),
        "version": [str(FORMAT_VERSION)],
    }


def _info(plan, alias, uid):
    return {
        "backup_data_uid": uid,
        "backup_module_uid": EXPERIMENT_UID,
        "backup_module_uoa": "experiment",
        "control": _control(plan),
        "data_name": alias,
    }


def _meta(plan, journal, points, beyond):
    ck = plan["ck"]
    timestamp = _timestamp(plan)
    stimestamp = re.sub(r"[^0-9]", "", timestamp)[:14]
    first = points[0]
    species = sorted({point["species"] for point in points})
    gpgpu = ck.get("gpgpu") or {}
    bits = text(ck["os"].get("bits"))
    return {
        "added": _control(plan),
        "pipeline_uoa": "program",
        "pipeline_uid": PROGRAM_MODULE_UID,
        "points": str(len(points)),
        "subview_uoa": SUBVIEW_UID,
        "tags": ["nntest", first["program"], ck["library_tag"], timestamp, stimestamp]
        + [",".join(species)],
        "meta": {
            "cmd_key": "default",
            "cpu_abi": text(ck["cpu"].get("abi")),
            "cpu_name": text(ck["cpu"].get("name")),
            "cpu_uid": "",
            "dataset_file": "shape-" + first["tensor"],
            "dataset_uid": "",
            "dataset_uoa": dataset(ck, first),
            "gpgpu_name": text(gpgpu.get("name")),
            "gpgpu_vendor": text(gpgpu.get("vendor")),
            "gpu_name": "",
            "host_os_uid": HOST_OS.get(bits, ""),
            "nntest_ver": "",
            "opencl": text(gpgpu.get("opencl_c_version")),
            "os_name": text(ck["os"].get("name")),
            "os_uid": "",
            "plat_name": text(ck["platform"].get("name")),
            "plat_uid": "",
            "prog_type": "opencl" if gpgpu else "",
            "prog_uid": "",
            "prog_uoa": first["program"],
            "scenario_module_uoa": NNTEST_MODULE_UID,
            "species": ",".join(species),
            "stimestamp": stimestamp,
            "target_device_id": "",
            "target_os_uid": HOST_OS.get(bits, ""),
            "timestamp": timestamp,
            "user": text(ck.get("user")),
            "versions": {"library": text(ck["library"].get("version"))},
        },
        "nntest_flow": dict(
            about_sweep(plan),
            format=FORMAT_VERSION,
            journal=journal,
            repetitions_not_asked_for=sum(beyond.get(point["id"], 0) for point in points),
        ),
    }


# -- small things --------------------------------------------------------------------------


def _timestamp(plan):
    """When the sweep was planned, as CK writes times: without a zone (here it is UTC)."""
    return re.sub(r"(Z|[+-]\d\d:?\d\d)\Z", "", plan["ck"]["timestamp"])


def _hex16(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _finite(value):
    """`value` with null instead of what JSON has no number for (NaN, infinity)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return dict((str(key), _finite(inner)) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def _as_it_is(value):
    return value


def _compact(value):
    # No indentation: with it json leaves its C encoder, ten times slower for large entries.
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), sort_keys=True, separators=(",", ":"))
    return text + "\n"


def _pretty(value):
    return json.dumps(_finite(value), sort_keys=True, indent=2) + "\n"


def _add(archive, name, text):
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3  # Unix, wherever it is written
    member.external_attr = 0o100644 << 16
    archive.writestr(member, text.encode("utf-8"))


@contextlib.contextmanager
def _replacing(path):
    """A new file that takes the place of `path` when all went well, and is gone otherwise."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(".part", os.path.basename(path) + "-", folder)
    try:
        with os.fdopen(handle, "w+b") as new:
            yield new
            new.flush()
            os.fsync(new.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.remove(temporary)
        raise


def _sum_of_file(path):
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
