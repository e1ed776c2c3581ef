"""What a board's programs are made for, which its kernel may not be: 32 bits on 64, for one.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import platform
import struct
import subprocess

_OF_32_BITS = {"aarch64": "armv7l", "arm64": "armv7l", "x86_64": "i686", "amd64": "i686"}
"""What a 64-bit kernel's machine is to programs of 32 bits."""
_OF_COMPILER = {"aarch64": "aarch64", "arm": "armv7l", "x86_64": "x86_64", "riscv64": "riscv64"}
_OF_DPKG = {"arm64": "aarch64", "armhf": "armv7l", "armel": "armv7l", "amd64": "x86_64",
            "i386": "i686", "riscv64": "riscv64"}  # fmt: skip
_BITS_32 = ("armv7l", "i686")


def userland(kernel_machine=None):
    """{machine, python_bits, compiler, dpkg}: `machine` in the words of uname.

    compiler: what g++ compiles for, e.g. arm-linux-gnueabihf; dpkg: its architecture; both None
    where the board has not got them.  The compiler counts most: what is built by it, or sent for
    it, must fit what it makes.
    """
    kernel_machine = kernel_machine or platform.machine()
    compiler = _said(["g++", "-dumpmachine"])
    dpkg = _said(["dpkg", "--print-architecture"])
    bits = struct.calcsize("P") * 8
    found = (
        _OF_COMPILER.get((compiler or "").split("-")[0])
        or ("i686" if (compiler or "").startswith(("i386-", "i486-", "i586-", "i686-")) else None)
        or _OF_DPKG.get(dpkg)
        or of_bits(kernel_machine, bits)
    )
    # Of one family, uname says it more exactly (armv6l, armv8l); it is then 32 bits as well.
    if found in _BITS_32 and kernel_machine not in _OF_32_BITS:
        found = kernel_machine
    return {"machine": found, "python_bits": bits, "compiler": compiler, "dpkg": dpkg}


def of_bits(kernel_machine, bits):
    """The machine of programs with pointers of that many bits."""
    return _OF_32_BITS.get(kernel_machine, kernel_machine) if bits == 32 else kernel_machine


def _said(command):
    try:
        said = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.decode("utf-8", "replace").strip() or None
