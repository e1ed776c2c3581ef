"""A board's file against the board itself: what differs, and a first draft from a probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from onboard.temperatures import is_power_supply

from nntest.config.board import Board, SshConnection

_FOLDERS = ("cpufreq_policies", "devfreq_devices", "thermal_zones")
"""Facts that are lists of the kernel's folders."""


def differences(board: Board, facts: Mapping[str, Any]) -> list[str]:
    """What a board's file says and the probe does not confirm; one sentence each."""
    found = []
    said = sorted((cluster.name, cluster.cores) for cluster in board.cpu)
    read = sorted((kind["name"], kind["cores"]) for kind in facts["cpus"])
    if said and said != read:
        found.append(f"`cpu` says {_cores(said)}, the board has {_cores(read)}")
    devices = [device["name"] for found in facts["opencl_platforms"] for device in found["devices"]]
    if board.gpu and devices and not any(_alike(board.gpu.name, name) for name in devices):
        found.append(f"`gpu` says {board.gpu.name}, OpenCL lists {', '.join(devices)}")
    known = {item["path"] for kind in _FOLDERS for item in facts[kind]}
    there = {**dict.fromkeys(known, True), **facts.get("folders", {})}
    for key, items in (
        ("frequency_domains", board.frequency_domains),
        ("thermal_zones", board.thermal_zones),
    ):
        found += [
            f"`{key}`: the board has no {item.path} ({item.name})"
            for item in items
            if not there.get(item.path)
        ]
    if board.platform.models and facts["model"] not in board.platform.models:
        found.append(f"`platform.models` does not have the model '{facts['model']}'")
    return found


def _cores(kinds: list[tuple[str, int]]) -> str:
    return " + ".join(f"{cores} x {name}" for name, cores in kinds) or "none"


def _alike(said: str, read: str) -> bool:
    """Whether a GPU's name in a file means an OpenCL device: Arm Mali-T860 MP4 and Mali-T860."""
    words = read.lower().split()
    return any(word in said.lower() for word in words if any(sign.isdigit() for sign in word))


def draft(connection: SshConnection, facts: Mapping[str, Any]) -> str:
    """A board file, as YAML, that says what a probe found; to be completed by hand."""
    devices = [device for found in facts["opencl_platforms"] for device in found["devices"]]
    content: dict[str, Any] = {
        "description": f"{facts['model'] or facts['machine']}, {facts['distribution']}",
        "connect": connection.model_dump(exclude_defaults=True),
        "work_dir": "nntest-flow",
    }
    if facts["model"]:
        content["platform"] = {"name": facts["model"], "models": [facts["model"]]}
    content["cpu"] = facts["cpus"]
    if devices:
        device = devices[0]
        content["gpu"] = {"name": device["name"], "cores": device["compute_units"]}
        if device["max_clock_mhz"]:
            content["gpu"]["max_mhz"] = device["max_clock_mhz"]
    domains = [
        {"name": _last(policy["path"]), "path": policy["path"], **_governor(policy)}
        for policy in facts["cpufreq_policies"]
    ] + [
        {
            "name": _last(device["path"]),
            "path": device["path"],
            **_governor(device),
            "khz_per_unit": 0.001,
        }
        for device in facts["devfreq_devices"]
    ]
    if domains:
        content["frequency_domains"] = domains
    zones = [
        {"name": zone["type"] or _last(zone["path"]), "path": zone["path"]}
        for zone in facts["thermal_zones"]
        if not is_power_supply(zone["type"])
    ]
    if zones:
        content["thermal_zones"] = zones
    return "# Drafted from a probe; add ceilings with their sources; see config/README.md.\n" + str(
        yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    )


def _governor(domain: Mapping[str, Any]) -> dict[str, str]:
    return {"governor": "performance"} if "performance" in domain["governors"] else {}


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
