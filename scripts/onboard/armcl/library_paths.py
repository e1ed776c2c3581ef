#!/usr/bin/env python3
"""Says where a board's loader has libraries from, as one JSON object.

``library_paths.py '["libc.so.6", "libstdc++.so.6"]'`` answers {"machine": "aarch64", "libraries":
{"libc.so.6": "/lib/aarch64-linux-gnu/libc.so.6", "libstdc++.so.6": null}}, null for a library that
the loader does not find.  Standard library only, Python 3.5 and later.
"""

import ctypes
import json
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from answers import Answer

MACHINES = {0x03: "i386", 0x28: "arm", 0x3E: "x86_64", 0xB7: "aarch64"}
"""By e_machine of an ELF file."""
RTLD_DI_LINKMAP = 2


class LinkMap(ctypes.Structure):
    """The public beginning of the loader's own entry for a library (link.h)."""

    _fields_ = [("l_addr", ctypes.c_void_p), ("l_name", ctypes.c_char_p)]


def path_of(library):
    """Where the loader has a library from, or None if it finds none."""
    try:
        handle = ctypes.CDLL(library)._handle
    except OSError:
        return None
    entry = ctypes.POINTER(LinkMap)()
    asked = (ctypes.c_void_p(handle), RTLD_DI_LINKMAP, ctypes.byref(entry))
    if ctypes.CDLL(None).dlinfo(*asked) != 0:
        return None
    return entry.contents.l_name.decode("utf-8", "surrogateescape")


def machine():
    """What this Python, and so the board's programs, are compiled for."""
    with open(sys.executable, "rb") as stream:
        number = struct.unpack("<H", stream.read(20)[18:])[0]
    return MACHINES.get(number, hex(number))


def main(libraries):
    """Answer with the findings."""
    channel = Answer()
    paths = {library: path_of(library) for library in libraries}
    channel.give({"machine": machine(), "libraries": paths})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
