"""Libraries from a distribution's packages."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from nntest.errors import UserError
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, need_room
from nntest.measuring.transport import Completed, Transport

APT_TIMEOUT_S = 3600.0
ROOM_FOR_LIBRARY_MB = 600
"""Packages, what they depend on, and apt's lists."""
PATIENCE_S, ASK_EVERY_S = 300.0, 5.0
"""How long, and how often, apt is tried while another one works on the board."""


def install_packages(
    transport: Transport,
    wanted: Sequence[str],
    tools: Mapping[str, str | None],
    is_root: bool,
    where: str,
) -> None:
    """Install packages, or finish what an earlier attempt has left half done.

    `tools`: where the board has apt-get and sudo, as `find_library.py` says.  Raises `UserError`
    without the rights, the room or the packages.
    """
    names = " ".join(wanted)
    if not tools["apt-get"]:
        raise UserError(
            f"{where}: {names} is missing, and the board has no apt-get",
            "install it by hand and set install: {way: preinstalled}",
        )
    need_room(transport, "/var", ROOM_FOR_LIBRARY_MB, where)
    prefix = [] if is_root else _by_sudo(transport, tools, names, where)
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


def _by_sudo(
    transport: Transport, tools: Mapping[str, str | None], names: str, where: str
) -> list[str]:
    if tools["sudo"]:
        asked = transport.run(["sudo", "-n", "true"], timeout_s=TIMEOUT_S)
        if asked.status == 0:
            return ["sudo", "-n"]
    raise UserError(
        f"{where}: {names} is missing, and the board's user may not install packages",
        f"on the board: sudo apt-get install {names}; or log in as root",
    )
