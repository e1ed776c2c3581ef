"""What the virtual board needs of the machine that it lives on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
    "ssh-keygen": "openssh-client",
    "aarch64-linux-gnu-gcc": "g++-aarch64-linux-gnu",
    "unshare": "util-linux",
}
"""Command -> Debian package that has it."""

BINFMT = Path("/proc/sys/fs/binfmt_misc")


class BoardError(Exception):
    """Something that the caller can correct; its text is the whole message."""


def run(argv: Sequence[str | Path], doing: str) -> str:
    """Run a command and return what it prints; `BoardError` with what it said if it fails."""
    done = subprocess.run(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise BoardError(f"{doing}: {argv[0]} ended with {done.returncode}: {said}")
    return done.stdout


def need_root() -> None:
    """Raise `BoardError` unless this process may mount and make device nodes."""
    if os.geteuid() != 0:
        raise BoardError("the virtual board needs root: it mounts file systems and uses chroot")


def need_tools(*, install: bool) -> None:
    """See that every tool is there; with `install`, apt-get what is missing."""
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing and install and shutil.which("apt-get"):
        print(f"installing with apt: {' '.join(missing)}", flush=True)
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2"]
        run([*apt, "update"], "updating apt's lists")
        run(
            [*apt, "--no-install-recommends", "install", *missing],
            "installing the virtual board's tools",
        )
        missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise BoardError(f"missing tools; on Debian: apt-get install {' '.join(missing)}")


def need_emulation() -> None:
    """Have the kernel run aarch64 programs through qemu; `BoardError` where it does not."""
    if not (BINFMT / "status").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], "mounting binfmt_misc")
    handler = BINFMT / "qemu-aarch64"
    if not handler.exists():
        run(["update-binfmts", "--enable", "qemu-aarch64"], "enabling qemu for aarch64 programs")
    flags = [line for line in handler.read_text().splitlines() if line.startswith("flags:")]
    # F: the kernel opened the emulator when it was registered, so a chroot needs no copy of it.
    if not any("F" in line.removeprefix("flags:") for line in flags):
        raise BoardError(
            "qemu-aarch64 is registered without the flag F, so it does not work in a chroot: "
            "install qemu-user-static and binfmt-support"
        )


def mounts_below(folder: Path) -> list[str]:
    """Mount points in or below a folder, as this process sees them."""
    top = str(folder.resolve())
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == top or point.startswith(top + "/"):
            found.append(point)
    return found


def remove_tree(folder: Path) -> None:
    """Remove a folder, unless something is mounted in it: that would be emptied as well."""
    if not folder.exists():
        return
    mounted = mounts_below(folder)
    if mounted:
        raise BoardError(f"{folder} is not removed: mounted in it: {', '.join(mounted)}")
    shutil.rmtree(folder)
