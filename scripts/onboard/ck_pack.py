"""The archive of a sweep that Collective Knowledge measured: `ck zip`, and what it lacks.

Standard library only, Python 3.5 and later: this file is copied to boards.

CK's records are taken as they are.  Added is what the tables need and CK does not know, under
the key of ours in each entry's meta (which board this is, whether it is emulated), and an entry
with the points of which CK has no record at all because its run was ended.  Left out are points
that the plan no longer has.
"""

import hashlib
import json
import os
import zipfile

from ck_entries import write_zip
from ck_points import about_sweep
from outcomes import effective


def pack(ck, plan, lines, points_of, path):
    """Write the zip; returns its SHA-256.

    ck: a `ck_command.Ck`; lines: the journal's; points_of: {alias: UIDs of points to keep}.
    """
    raw = path + ".by-ck.zip"  # beside it: another plan may be packed at the same time
    pattern = "local:experiment:nntest-*-{}*".format(plan["ck_run"]["label"])
    ck.ask("zip", pattern, "--archive_name=" + raw, "--overwrite=yes")
    lost = _lost_points(plan, lines, path + ".lost.zip")
    fresh = path + ".new"
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as target:
        names = set()
        with zipfile.ZipFile(raw) as source:
            for name in sorted(source.namelist()):
                data = _kept(source, name, plan, points_of)
                if data is not None and name not in names:
                    target.writestr(_plain(name), data, zipfile.ZIP_DEFLATED)
                    names.add(name)
        if lost is not None:
            with zipfile.ZipFile(lost) as source:
                for name in source.namelist():
                    if name not in names:
                        target.writestr(_plain(name), source.read(name), zipfile.ZIP_DEFLATED)
            os.remove(lost)
    os.remove(raw)
    os.replace(fresh, path)
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def _plain(name):
    # The same records give the same bytes, whenever CK was asked for its zip.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _kept(source, name, plan, points_of):
    """The bytes of a member, or None if it belongs to nothing that the plan has."""
    parts = name.split("/")
    if name.endswith("/"):
        return None
    if parts[:2] == ["experiment", ".cm"] and len(parts) == 3:
        alias = _alias_of(source, parts[2])
        return source.read(name) if alias in points_of else None
    if parts[0] == "experiment" and len(parts) > 2:
        if parts[1] not in points_of:
            return None
        if parts[-1].startswith("ckp-") and parts[-1][4:20] not in points_of[parts[1]]:
            return None
        if parts[2:] == [".cm", "meta.json"]:
            return _with_ours(source.read(name), plan)
    return source.read(name)


def _alias_of(source, name):
    if name.startswith("alias-a-"):
        return name[len("alias-a-") :]
    return source.read("experiment/.cm/" + name).decode("utf-8", "replace").strip()


def _with_ours(data, plan):
    meta = json.loads(data.decode("utf-8"))
    meta["nntest_flow"] = dict(
        about_sweep(plan), harness="ck", fixed_sleeps=plan["ck_run"]["fixed_sleeps"]
    )
    return json.dumps(meta, indent=2, sort_keys=True).encode("utf-8")


def _lost_points(plan, lines, path):
    """Write a zip of ours with the points that CK left no record of; None if there are none."""
    header = [line for line in lines if "journal" in line]
    failed = [line for line in effective(lines) if line.get("lost")]
    if not failed:
        return None
    write_zip(plan, header + failed, path)
    return path
