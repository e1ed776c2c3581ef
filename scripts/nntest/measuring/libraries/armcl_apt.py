"""Arm Compute Library from a distribution's packages."""

from __future__ import annotations

import time

from nntest.config.install import AptInstall, Build, BuildOnBoard
from nntest.errors import UserError
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Found, need_room
from nntest.measuring.transport import Completed, Transport

APT_TIMEOUT_S = 3600.0
ROOM_FOR_LIBRARY_MB = 600
"""Packages, what they depend on, and apt's lists."""
PATIENCE_S, ASK_EVERY_S = 300.0, 5.0
"""How long, and how often, apt is tried while another one works on the board."""


def install_packages(
    transport: Transport, way: AptInstall, build: Build, found: Found, where: str
) -> bool:
    """Install what is missing, or finish what an earlier attempt has left half done.

    Whether anything was done.  Raises `UserError` without the rights, the room or the packages.
    """
    wanted = [] if found.is_whole(way.packages) else list(way.packages)
    if isinstance(build, BuildOnBoard):
        tools = {"make": "make", build.compiler: build.compiler}
        wanted += [package for tool, package in tools.items() if not found.tools[tool]]
    if not wanted:
        return False
    names = " ".join(wanted)
    if not found.tools["apt-get"]:
        raise UserError(
            f"{where}: {names} is missing, and the board has no apt-get",
            "install it by hand and set install: {way: preinstalled}",
        )
    need_room(transport, "/var", ROOM_FOR_LIBRARY_MB, where)
    prefix = _as_root(transport, found, names, where)
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
    apt = [*prefix, "apt-get", "--quiet", "--yes", "--option", "DPkg::Lock::Timeout=120"]
    steps = [
        [*prefix, "dpkg", "--configure", "--pending"],
        [*apt, "update"],
        [*apt, "--no-install-recommends", "install", *wanted],
    ]
    for step in steps:
        done = _run_alone(transport, step)
        if done.status != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
            raise UserError(
                f"{where}: installing {names} failed: {' | '.join(said)[-1000:]}",
                f"try on the board itself: apt-get install {names}",
            )
    return True


def _run_alone(transport: Transport, step: list[str]) -> Completed:
    """Run a step again and again while its lock is held: boards update themselves at any time.

    apt's own waiting is for one of its locks alone, not for that of the lists.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = transport.run(step, timeout_s=APT_TIMEOUT_S)
        locked = done.status != 0 and "Could not get lock" in done.stderr
        if not locked or time.monotonic() > deadline:
            return done
        time.sleep(ASK_EVERY_S)


def _as_root(transport: Transport, found: Found, names: str, where: str) -> list[str]:
    if found.is_root:
        return []
    if found.tools["sudo"]:
        asked = transport.run(["sudo", "-n", "true"], timeout_s=TIMEOUT_S)
        if asked.status == 0:
            return ["sudo", "-n"]
    raise UserError(
        f"{where}: {names} is missing, and the board's user may not install packages",
        f"on the board: sudo apt-get install {names}; or log in as root",
    )
